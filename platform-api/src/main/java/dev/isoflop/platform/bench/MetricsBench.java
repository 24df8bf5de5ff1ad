package dev.isoflop.platform.bench;

import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code ./isoflop bench metrics [--seconds N] [--clients N] [--report FILE]}: points per second through REST, beside a
 * plain COPY of the same rows; and how long a chart of a million points takes.
 *
 * <p>Clients, platform and PostgreSQL share the machine. Every batch is made, written as JSON, sent over HTTP, parsed,
 * fenced and committed durably; the points counted are those acknowledged, and they are counted again in the tables.
 */
public final class MetricsBench {

    private static final int LONG_SERIES = 1_000_000;
    private static final int BUCKETS = 1_000;
    private static final double TARGET_RATE = 150_000;
    private static final double TARGET_MILLIS = 50;

    private final int clients;
    private final int seconds;
    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private MetricsBench(int clients, int seconds) {
        this.clients = clients;
        this.seconds = seconds;
    }

    /** A client's batches: so many series of so many points each. */
    private record Shape(int series, int points) {
        int batch() {
            return series * points;
        }
    }

    /** One measurement, as reported. */
    private record Ingest(
            int clients,
            int seriesPerBatch,
            int pointsPerSeries,
            double seconds,
            long points,
            double pointsPerSecond) {}

    public static void main(String[] args) throws Exception {
        int clients = 8;
        int seconds = 10;
        String report = null;
        for (int i = 0; i + 1 < args.length; i += 2) {
            switch (args[i]) {
                case "--clients" -> clients = Integer.parseInt(args[i + 1]);
                case "--seconds" -> seconds = Integer.parseInt(args[i + 1]);
                case "--report" -> report = args[i + 1];
                default -> throw new IllegalArgumentException("unknown option " + args[i]);
            }
        }
        if (args.length % 2 != 0) {
            throw new IllegalArgumentException("an option has no value: " + args[args.length - 1]);
        }
        Map<String, Object> result = new MetricsBench(clients, seconds).run();
        if (report != null) {
            Path file = Path.of(report).toAbsolutePath();
            Path parent = file.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.writeString(
                    file,
                    JsonMapper.builder()
                                    .build()
                                    .writerWithDefaultPrettyPrinter()
                                    .writeValueAsString(result) + "\n");
        }
    }

    private Map<String, Object> run() throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        try (BenchPlatform platform = BenchPlatform.start()) {
            result.put("machine", machine(platform, load));
            List<Ingest> ingest = new ArrayList<>();
            Shape first = new Shape(10, 500);
            ingest(platform, first, Math.min(5, seconds)); // warm-up, not counted
            double best = 0;
            for (Shape shape : List.of(first, new Shape(50, 100), new Shape(5, 20))) {
                Ingest row = ingest(platform, shape, seconds);
                ingest.add(row);
                if (shape == first) {
                    best = row.pointsPerSecond;
                }
            }
            result.put("ingest", ingest);
            double copy = new PlainCopy(platform.dataSource(), clients, first.batch()).pointsPerSecond(seconds);
            print("plain COPY, narrow rows, no index, no HTTP: %,.0f points/s; REST is %.2f of it", copy, best / copy);
            result.put("plainCopyPointsPerSecond", copy);
            result.put("restOverPlainCopy", best / copy);
            result.put("targetPointsPerSecond", TARGET_RATE);
            result.put("read", read(platform));
        } finally {
            http.close();
        }
        return result;
    }

    private Ingest ingest(BenchPlatform platform, Shape shape, int forSeconds) throws Exception {
        LongAdder acknowledged = new LongAdder();
        List<Long> runs = new ArrayList<>();
        List<Callable<@Nullable Void>> work = new ArrayList<>();
        long start = System.nanoTime();
        long end = start + forSeconds * 1_000_000_000L;
        for (int c = 0; c < clients; c++) {
            long run = platform.newRun();
            runs.add(run);
            work.add(() -> {
                SplittableRandom random = new SplittableRandom(run);
                for (long seq = 0; System.nanoTime() < end; seq++) {
                    acknowledged.add(send(platform.url(), run, batch(shape, seq, random)));
                }
                return null;
            });
        }
        all(work);
        double took = (System.nanoTime() - start) / 1e9;
        long stored = runs.stream().mapToLong(platform::storedPoints).sum();
        if (stored != acknowledged.sum()) {
            throw new IllegalStateException(acknowledged.sum() + " points acknowledged, " + stored + " stored");
        }
        double rate = stored / took;
        print(
                "%d clients, %d series x %d points a batch: %,.0f points/s over %.1f s",
                clients, shape.series, shape.points, rate, took);
        return new Ingest(clients, shape.series, shape.points, took, stored, rate);
    }

    private Map<String, Object> read(BenchPlatform platform) throws Exception {
        long run = platform.newRun();
        Shape shape = new Shape(1, 5_000);
        SplittableRandom random = new SplittableRandom(1);
        for (int seq = 0; seq < LONG_SERIES / shape.points; seq++) {
            send(platform.url(), run, batch(shape, seq, random));
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create(
                        platform.url() + "/runs/" + run + "/metrics/series?name=bench/m0&maxPoints=" + BUCKETS))
                .build();
        double[] server = new double[60];
        double[] overHttp = new double[60];
        int buckets = 0;
        for (int i = 0; i < server.length; i++) {
            long t0 = System.nanoTime();
            buckets = platform.reader()
                    .series(run, "bench/m0", 0, Long.MAX_VALUE, BUCKETS)
                    .orElseThrow()
                    .steps()
                    .length;
            long t1 = System.nanoTime();
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            long t2 = System.nanoTime();
            if (response.statusCode() != 200) {
                throw new IllegalStateException("series answered " + response.statusCode());
            }
            server[i] = (t1 - t0) / 1e6;
            overHttp[i] = (t2 - t1) / 1e6;
        }
        double firstMillis = server[0];
        // The first ten warm the code up.
        server = Arrays.copyOfRange(server, 10, server.length);
        overHttp = Arrays.copyOfRange(overHttp, 10, overHttp.length);
        Arrays.sort(server);
        Arrays.sort(overHttp);
        print(
                "%,d points drawn as %,d buckets: server median %.1f ms, 95th %.1f ms (first %.1f ms); over HTTP median"
                        + " %.1f ms",
                LONG_SERIES, buckets, median(server), p95(server), firstMillis, median(overHttp));
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("points", LONG_SERIES);
        row.put("buckets", buckets);
        row.put("serverFirstMillis", firstMillis);
        row.put("serverMedianMillis", median(server));
        row.put("serverP95Millis", p95(server));
        row.put("httpMedianMillis", median(overHttp));
        row.put("targetMillis", TARGET_MILLIS);
        return row;
    }

    private int send(String url, long run, MetricBatch batch) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/runs/" + run + "/attempts/1/metrics"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(batch)))
                .build();
        HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() != 200) {
            throw new IOException("a batch answered " + response.statusCode() + ": " + new String(response.body()));
        }
        return json.readValue(response.body(), MetricAck.class).accepted();
    }

    /** Loss-like values with all their digits, and wall-clock times: what a training run sends. */
    private static MetricBatch batch(Shape shape, long seq, SplittableRandom random) {
        List<MetricBatch.Series> series = new ArrayList<>(shape.series);
        long first = seq * shape.points;
        for (int s = 0; s < shape.series; s++) {
            long[] steps = new long[shape.points];
            double[] values = new double[shape.points];
            long[] times = new long[shape.points];
            for (int i = 0; i < shape.points; i++) {
                steps[i] = first + i + 1;
                values[i] = 2 + 5 / Math.sqrt(1 + steps[i]) + 0.1 * random.nextDouble();
                times[i] = 1_780_000_000_000L + 37 * steps[i];
            }
            series.add(new MetricBatch.Series("bench/m" + s, steps, values, times));
        }
        return new MetricBatch(seq, series);
    }

    static void all(List<Callable<@Nullable Void>> work) throws InterruptedException, ExecutionException {
        try (ExecutorService pool = Executors.newFixedThreadPool(work.size())) {
            for (Future<@Nullable Void> done : pool.invokeAll(work)) {
                done.get();
            }
        }
    }

    private static Map<String, Object> machine(BenchPlatform platform, double load) throws IOException {
        Path cpuinfo = Path.of("/proc/cpuinfo");
        String cpu = Files.isReadable(cpuinfo)
                ? Files.readAllLines(cpuinfo).stream()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse("unknown")
                : "unknown";
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cpu", cpu);
        machine.put("processors", Runtime.getRuntime().availableProcessors());
        // Above about 0.5 before the start, somebody else had a share of the processors.
        machine.put("loadAverageBefore", load);
        machine.put("java", Runtime.version().toString());
        machine.put("postgres", platform.postgresVersion());
        return machine;
    }

    private static double median(double[] sorted) {
        return sorted[sorted.length / 2];
    }

    private static double p95(double[] sorted) {
        return sorted[(int) (0.95 * (sorted.length - 1))];
    }

    @SuppressWarnings("SystemOut") // what the command is for
    private static void print(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }
}
