package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import dev.isoflop.platform.backup.BackupMain;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/** What a user has is the same after the database and the artifacts were destroyed and restored. */
class BackupTests {

    private static final String POOL = "backup";

    @TempDir
    private Path directory;

    private record Ended(int code, String out, String err) {}

    private Ended run(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = BackupMain.run(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                arguments);
        return new Ended(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private Ended backup(Path home, Path file) {
        return run("backup", file.toString(), "--isoflop.home=" + home);
    }

    private Ended restore(Path home, Path file, String... more) {
        return run(Stream.concat(Stream.of("restore", file.toString(), "--isoflop.home=" + home), Stream.of(more))
                .toArray(String[]::new));
    }

    // --- what is in the platform

    private static String post(PlatformClient client, String path, String scope, String body) {
        Reply reply = client.post(path, scope, body);
        assertThat(reply.status()).as(path + ": " + reply.text()).isBetween(200, 204);
        return reply.at("/id");
    }

    private static String put(PlatformClient client, String content) {
        String sha256 = PlatformClient.sha256(content);
        Reply put = client.send(
                "PUT",
                "/api/v1/artifacts/" + sha256,
                client.token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream"));
        assertThat(put.status()).as(put.text()).isEqualTo(204);
        return sha256;
    }

    /** @param attempt path of the attempt that is running */
    private record Filled(String sweep, long runner, String attempt, String token, String runnerToken) {}

    private static Filled fill(PlatformClient client) {
        client.readyDataset("backup.txt", 10_000_000);
        String sweep = post(client, "/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"kept","experiment":"backups","dataset":{"corpus":"backup.txt"},"pool":"%s",
                 "models":[{"dModel":12,"layers":2,"heads":2},{"dModel":16,"layers":2,"heads":2},{"dModel":24,"layers":2,"heads":2}],
                 "budgets":[{"flops":3e10,"batchSequences":2}]}""".formatted(POOL));
        long runner = client.registerRunner("backup-runner", POOL, 1L << 34);
        List<JsonNode> claimed = client.claim(runner, 2, "pretrain");
        String done = attempt(claimed.getFirst());
        metrics(client, done, 0, 1);
        post(client, done + "/finish", "runner", """
                {"outcome":"SUCCEEDED","result":{"kind":"pretrain","finalLoss":3.25,"bitsPerByte":1.5,"evalTokens":100,
                 "steps":2,"tokens":20,"tokensPerSecond":10.0,"trainSeconds":2.0,"diverged":false}}""");
        String running = attempt(claimed.getLast());
        post(client, running + "/start", "runner", "{}");
        metrics(client, running, 0, 1);
        post(client, running + "/logs", "runner", """
                {"firstSeq":0,"lines":[{"timeMillis":1000,"level":"INFO","text":"tab\\there, \\\\N and ünï\\ncode"}]}""");
        String weights = "weights of step 2";
        post(client, running + "/checkpoints", "runner", """
                {"step":2,"tokens":20,"trainSeconds":1.5,"files":[{"name":"model.safetensors","sha256":"%s","bytes":%d}]}""".formatted(put(client, weights), weights.length()));
        post(client, "/api/v1/sweeps/" + sweep + "/fits", "submit", "{}");
        String schedule = post(client, "/api/v1/schedules", "submit", """
                {"name":"yearly","cron":"0 0 1 1 *","zone":"Europe/Berlin",
                 "spec":{"kind":"isoflop","experiment":"backups","dataset":{"corpus":"backup.txt"},
                         "models":[{"dModel":16,"layers":2,"heads":2}],"budgets":[{"flops":3e10,"batchSequences":2}]}}""");
        post(client, "/api/v1/schedules/" + schedule + "/pause", "submit", "{}");
        return new Filled(sweep, runner, running, client.token("read"), client.token("runner"));
    }

    /** A prediction whose run has ended, which no insertion would get past the table's trigger any more. */
    private static void predicted(JdbcClient jdbc, Filled filled) {
        jdbc.sql("alter table prediction disable trigger user").update();
        jdbc.sql("""
                        insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                            extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name, run_id, linked_at, state, observed,
                            log_error, covered, settled_at)
                        select s.experiment_id, f.id, f.input_hash, 'parametric', 'law', 1e4, 1e6, 3e10, true, 2, 0.9, 3.2, 3.1, 3.3, 0.02,
                            'token:1', 'ada', r.id, now(), 'scored', r.final_loss, ln(r.final_loss / 3.2), true, now()
                          from sweep s join fit f on f.sweep_id = s.id join run r on r.sweep_id = s.id and r.state = 'succeeded'
                         where s.id = ? order by f.id limit 1
                        """).param(Long.parseLong(filled.sweep)).update();
        jdbc.sql("alter table prediction enable trigger user").update();
    }

    private static String attempt(JsonNode assignment) {
        return "/api/v1/runs/%d/attempts/%d"
                .formatted(
                        assignment.path("runId").asLong(),
                        assignment.path("attempt").asInt());
    }

    private static void metrics(PlatformClient client, String attempt, int seq, int firstStep) {
        post(client, attempt + "/metrics", "runner", """
                {"seq":%d,"series":[{"metric":"train/loss","steps":[%d,%d],"values":[3.1400000000000001,"NaN"],"timesMillis":[1,2]}]}""".formatted(seq, firstStep, firstStep + 1));
    }

    /** Everything that REST says about it, but for what depends on the time of asking. */
    private static Map<String, String> answers(OwnPlatform platform, Filled filled) {
        Map<String, String> all = new LinkedHashMap<>();
        for (String path : List.of(
                "/experiments",
                "/datasets",
                "/sweeps",
                "/sweeps/" + filled.sweep + "/plan",
                "/sweeps/" + filled.sweep + "/fits",
                "/sweeps/" + filled.sweep + "/export.csv",
                "/runs?sort=id",
                "/predictions",
                "/schedules",
                "/schedules/1/fires")) {
            all.put(path, get(platform, filled, path));
        }
        for (JsonNode run : platform.client.get("/api/v1/runs").body().path("items")) {
            String path = "/runs/" + run.path("id").asLong();
            for (String part : List.of(
                    "",
                    "/attempts",
                    "/events",
                    "/logs",
                    "/checkpoints",
                    "/metrics",
                    "/metrics/series?name=train/loss")) {
                all.put(path + part, get(platform, filled, path + part));
            }
        }
        all.put(
                "tokens",
                platform.context
                        .getBean(JdbcClient.class)
                        .sql("select id, name, prefix, sha256, scope, created_at from api_token order by id limit 4")
                        .query()
                        .listOfRows()
                        .toString());
        return all;
    }

    private static void same(Map<String, String> after, Map<String, String> before) {
        assertThat(after.keySet()).isEqualTo(before.keySet());
        before.forEach((path, answer) -> assertThat(after.get(path)).as(path).isEqualTo(answer));
    }

    private static String get(OwnPlatform platform, Filled filled, String path) {
        // with a token that was made before: it has to be good afterwards as well
        Reply reply = platform.client.send("GET", "/api/v1" + path, filled.token, null, Map.of());
        assertThat(reply.status()).as(path + ": " + reply.text()).isIn(200, 404);
        return reply.text();
    }

    /** The run that was running goes on, what was queued is granted, ids and points go on where they were. */
    private static void goesOn(OwnPlatform platform, Filled filled) {
        PlatformClient client = platform.client;
        client.keep("runner", filled.runnerToken); // the runner's own is good as before
        metrics(client, filled.attempt, 1, 3);
        Reply beat = client.post("/api/v1/runners/" + filled.runner + "/heartbeats", "runner", """
                {"instance":"1","freeMemoryBytes":1,"observed":[{"runId":%s,"attempt":1,"step":4,"stage":"training"}]}""".formatted(
                        filled.attempt.split("/")[4]));
        assertThat(beat.at("/desired/0/intent")).as(beat.text()).isEqualTo("RUN");
        post(client, filled.attempt + "/finish", "runner", "{\"outcome\":\"PREEMPTED\"}");
        List<JsonNode> again = client.claim(filled.runner, 3, "pretrain");
        assertThat(again).as("the queued run and the preempted one").hasSize(2);
        assertThat(again).anySatisfy(a -> {
            assertThat(a.at("/attempt").asInt()).isEqualTo(2);
            assertThat(a.at("/resume/step").asLong()).isEqualTo(2);
            Reply file = client.send(
                    "GET",
                    "/api/v1/artifacts/" + a.at("/resume/files/0/sha256").asString(),
                    client.token("runner"),
                    null,
                    Map.of());
            assertThat(file.text()).isEqualTo("weights of step 2");
        });
        post(client, "/api/v1/datasets", "submit", "{\"corpus\":\"another.txt\",\"vocabSize\":1024}");
        JdbcClient jdbc = platform.context.getBean(JdbcClient.class);
        assertThat(jdbc.sql("select min(seen_from::text::bigint) > 3 and count(*) filter (where xid = '3') > 0"
                                + " from run_event")
                        .query(Boolean.class)
                        .single())
                .as("a replay does not take what was restored for newer than what it has seen")
                .isTrue();
    }

    @Test
    void everythingIsTheSameAfterDatabaseAndArtifactsWereDestroyed() throws Exception {
        Path home = directory.resolve("home");
        Path file = directory.resolve("all.isoflop");
        Filled filled;
        Map<String, String> before;
        try (OwnPlatform platform = OwnPlatform.start(home)) {
            filled = fill(platform.client);
            predicted(platform.context.getBean(JdbcClient.class), filled);
            before = answers(platform, filled);
            assertThat(before.get("/predictions")).contains("\"state\":\"scored\"");
            Ended made = backup(home, file);
            assertThat(made.code).as(made.err).isZero();
            assertThat(made.out).contains("2 files");
            Ended refused = restore(home, file, "--replace");
            assertThat(refused.code).isEqualTo(1);
            assertThat(refused.err).contains("Another platform is running on " + home);
        }
        FileSystemUtils.deleteRecursively(home);

        Ended restored = restore(home, file);
        assertThat(restored.code).as(restored.err).isZero();
        Ended again = restore(home, file);
        assertThat(again.code).isEqualTo(1);
        assertThat(again.err).contains("is not empty").contains("--replace");
        try (OwnPlatform platform = OwnPlatform.start(home)) {
            same(answers(platform, filled), before);
            goesOn(platform, filled);
        }

        Ended replaced = restore(home, file, "--replace");
        assertThat(replaced.code).as(replaced.err).isZero();
        Path second = directory.resolve("second.isoflop");
        Ended stopped = backup(home, second);
        assertThat(stopped.code).as("no platform is needed: " + stopped.err).isZero();

        // the same into a PostgreSQL that is not ours
        Path other = directory.resolve("other");
        try (EmbeddedPostgres external = EmbeddedPostgres.builder()
                .setServerConfig("fsync", "off")
                .setLocaleConfig("auth", "trust")
                .start()) {
            String database = "--isoflop.database.url=" + external.getJdbcUrl("postgres", "postgres");
            Ended outside = restore(other, second, database);
            assertThat(outside.code).as(outside.err).isZero();
            try (OwnPlatform platform = OwnPlatform.start(other, database)) {
                same(answers(platform, filled), before);
                Ended busy = restore(other, second, database, "--replace");
                assertThat(busy.err).contains("connections to the database are open");
                goesOn(platform, filled);
            }
        }
    }

    @Test
    void whatCannotBeRestoredIsRefusedAndNothingIsWritten() throws Exception {
        Path home = directory.resolve("home");
        Path file = directory.resolve("all.isoflop");
        String weights;
        try (OwnPlatform platform = OwnPlatform.start(home)) {
            fill(platform.client);
            weights = PlatformClient.sha256("weights of step 2");
            assertThat(backup(home, file).code).isZero();
        }
        byte[] whole = Files.readAllBytes(file);
        Path target = directory.resolve("target");

        Path cut = Files.write(directory.resolve("cut"), java.util.Arrays.copyOf(whole, whole.length - 100));
        assertThat(restore(target, cut).err).contains("is no backup, or its end is missing");
        // a byte of a table, of a stored file, and of the manifest
        for (String entry : List.of("tables/public.run.copy", "artifacts/" + weights, "manifest.json")) {
            byte[] flipped = whole.clone();
            int at = indexOf(whole, entry) + entry.length() + 40;
            flipped[entry.startsWith("art") ? indexOf(whole, "weights of step 2") : at] ^= 1;
            Path bad = Files.write(directory.resolve("bad"), flipped);
            assertThat(restore(target, bad).err).as(entry).contains("is damaged: " + entry);
        }
        assertThat(restore(target, rewritten(file, "\"format\" : 1", "\"format\" : 2")).err)
                .contains("is of format 2; this version of Isoflop reads up to 1");
        assertThat(restore(target, rewritten(file, "\"schemaVersion\" : \"", "\"schemaVersion\" : \"9")).err)
                .contains("is not that of its last migration");
        assertThat(restore(target, rewritten(file, "\"version\" : \"1\"", "\"version\" : \"999\"")).err)
                .contains("does not know the migrations [999]");
        assertThat(target.resolve("artifacts")).doesNotExist();
        assertThat(target.resolve("postgres")).doesNotExist();

        // migrations that differ: found out within the transaction, which is then as if it had never been
        Path foreign = rewritten(file, "\"checksum\" : ", "\"checksum\" : 1");
        assertThat(restore(home, foreign, "--replace").err).contains("comes from another development");
        try (OwnPlatform platform = OwnPlatform.start(home)) {
            assertThat(platform.client.get("/api/v1/sweeps").at("/items/0/name"))
                    .isEqualTo("kept");
        }

        Path stored = home.resolve("artifacts").resolve(weights.substring(0, 2)).resolve(weights);
        Files.writeString(stored, "weights of step X");
        assertThat(backup(home, file).err).contains("is damaged").contains("--skip-damaged");
        Files.delete(stored);
        assertThat(backup(home, file).err).contains("missing").contains(weights);
        assertThat(Files.readAllBytes(file)).as("the backup before is kept").isEqualTo(whole);
        Ended skipped = run("backup", file.toString(), "--isoflop.home=" + home, "--skip-damaged");
        assertThat(skipped.code).as(skipped.err).isZero();
        assertThat(skipped.out).contains("left out").contains(weights);
        Ended restored = restore(target, file);
        assertThat(restored.code).as(restored.err).isZero();
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).noneMatch(p -> p.toString().endsWith(".part"));
        }
    }

    private static int indexOf(byte[] bytes, String text) {
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
        assertThat(at).isNotNegative();
        return at;
    }

    /** The backup with another manifest, its hash right. */
    private Path rewritten(Path file, String from, String to) throws IOException {
        Path copy = Files.createTempFile(directory, "rewritten", "");
        try (var in = new java.util.zip.ZipFile(file.toFile());
                var out = new java.util.zip.ZipOutputStream(Files.newOutputStream(copy))) {
            for (var entry : java.util.Collections.list(in.entries())) {
                byte[] bytes = in.getInputStream(entry).readAllBytes();
                if (entry.getName().equals("manifest.json")) {
                    String text = new String(bytes, StandardCharsets.UTF_8);
                    assertThat(text).contains(from);
                    bytes = text.replaceFirst(java.util.regex.Pattern.quote(from), to)
                            .getBytes(StandardCharsets.UTF_8);
                    out.setComment("isoflop backup, manifest sha256 "
                            + PlatformClient.sha256(new String(bytes, StandardCharsets.UTF_8)));
                }
                out.putNextEntry(new java.util.zip.ZipEntry(entry.getName()));
                out.write(bytes);
                out.closeEntry();
            }
        }
        return copy;
    }
}
