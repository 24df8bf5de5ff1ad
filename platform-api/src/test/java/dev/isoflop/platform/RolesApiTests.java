package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What the roles on an experiment let people do. */
class RolesApiTests extends PrivateStudy {

    RolesApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    @Test
    void aViewerSeesEverythingAndChangesNothing() {
        Token viewer = newToken("submit");
        restrict("viewer", viewer);
        everyOperation((method, path) -> {
            Reply reply = as(viewer, method, path, "{}");
            if (method.equals("GET")) {
                // the fit there is a row without content, and the run a command, which has no curve to look out from
                if (path.contains("/fits") || path.endsWith("/outlook")) {
                    assertThat(reply.status()).as(path).isNotIn(403, 404);
                } else if (!path.endsWith("/profile")) {
                    assertThat(reply.status()).as(path + reply.text()).isEqualTo(200);
                }
            } else if (path.endsWith("/next-runs")) {
                assertThat(reply.status()).as("a question: " + reply.text()).isNotIn(403, 404);
            } else {
                assertThat(reply.status())
                        .as(method + " " + path + reply.text())
                        .isEqualTo(403);
                if (!path.endsWith("/budget")) {
                    assertThat(reply.at("/detail")).contains("you have viewer");
                }
            }
        });
        Reply submitted = as(viewer, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"));
        assertThat(submitted.status()).isEqualTo(403);
        assertThat(get(viewer, access()).at("/yours")).isEqualTo("viewer");
    }

    @Test
    void anEditorUsesItAndDoesNotRuleIt() {
        Token editor = newToken("submit");
        restrict("editor", editor);
        assertThat(as(editor, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(201);
        assertThat(as(editor, "POST", "/api/v1/runs/" + study.queued() + "/cancellation", "{}")
                        .status())
                .isEqualTo(200);
        assertThat(as(editor, "POST", "/api/v1/schedules/" + study.schedule() + "/pause", "{}")
                        .status())
                .isEqualTo(200);
        Reply took = as(editor, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}]}""".formatted(editor.id()));
        assertThat(took.status()).as(took.text()).isEqualTo(403);
        // the scope still counts: a role gives a reader nothing that a reader may not do
        Token reader = newToken("read");
        restrict("owner", reader);
        assertThat(as(reader, "POST", "/api/v1/runs/" + study.queued() + "/cancellation", "{}")
                        .status())
                .isEqualTo(403);
    }

    @Test
    void anOutsiderCannotEnterBySubmittingOrScheduling() {
        Reply submitted = as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"));
        assertThat(submitted.status()).isEqualTo(404);
        // not even to learn which sweeps there are
        assertThat(as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), study.mark(), "p", "v"))
                        .text())
                .doesNotContain("already");
        assertThat(as(outsider, "POST", "/api/v1/sweeps?validateOnly=true", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(404);
        String spec = sweep(study.mark(), "another", "p", "v");
        assertThat(as(
                                outsider,
                                "POST",
                                "/api/v1/schedules",
                                "{\"name\":\"into %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                                        .formatted(study.mark(), spec))
                        .status())
                .isEqualTo(404);
        Reply own = as(
                outsider,
                "POST",
                "/api/v1/schedules",
                "{\"name\":\"own %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                        .formatted(study.mark(), sweep("own" + study.mark(), "n", "p", "v")));
        assertThat(own.status()).as(own.text()).isEqualTo(201);
        assertThat(as(
                                outsider,
                                "PUT",
                                "/api/v1/schedules/" + own.at("/id"),
                                "{\"name\":\"own %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                                        .formatted(study.mark(), spec))
                        .status())
                .isEqualTo(404);
    }

    @Test
    void aScheduleDoesNotDoWhatItsWriterMayNoLongerDo() throws InterruptedException {
        open();
        Reply made = as(
                outsider,
                "POST",
                "/api/v1/schedules",
                "{\"name\":\"early %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                        .formatted(study.mark(), sweep(study.mark(), "n", study.mark(), "v")));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        restrict("owner", owner);
        String fires = "/api/v1/schedules/" + made.at("/id") + "/fires";
        assertThat(get(outsider, fires).status()).isEqualTo(404);
        assertThat(as(owner, "POST", fires, "{}").status()).isEqualTo(201);
        Reply fired = get(owner, fires);
        for (int i = 0; i < 100 && fired.at("/items/0/state").equals("pending"); i++) {
            Thread.sleep(100);
            fired = get(owner, fires);
        }
        assertThat(fired.at("/items/0/state")).as(fired.text()).isEqualTo("failed");
        assertThat(fired.at("/items/0/reason")).contains("that you may use");
    }

    @Test
    void anOpenExperimentIsEverybodysButItsRolesAreNot() {
        open();
        assertThat(get(outsider, "/api/v1/sweeps/" + study.sweep()).status()).isEqualTo(200);
        assertThat(as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(201);
        Reply took = as(outsider, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}]}""".formatted(outsider.id()));
        assertThat(took.status()).isEqualTo(403);
        assertThat(get(outsider, access()).at("/yours")).isEqualTo("editor");
    }

    @Test
    void whoLosesTheRoleLosesTheSightOfItAtOnceAndARevokedTokenItsRoles() {
        Token viewer = newToken("read");
        restrict("viewer", viewer);
        String run = "/api/v1/runs/" + study.run();
        assertThat(get(viewer, run).status()).isEqualTo(200);
        restrict("owner", owner);
        assertThat(get(viewer, run).status()).isEqualTo(404);
        restrict("viewer", viewer);
        client.send("DELETE", "/api/v1/tokens/" + viewer.id(), client.token("admin"), null, Map.of());
        assertThat(get(owner, access()).text()).doesNotContain("token:" + viewer.id() + "\"");
    }

    @Test
    void rolesThatMakeNoSenseAreRefusedFieldByField() {
        String me = "{\"principal\":\"token:%d\",\"role\":\"owner\"}".formatted(owner.id());
        Map.of(
                        "{\"visibility\":\"privat\",\"roles\":[" + me + "]}",
                        "/visibility",
                        "{\"visibility\":\"private\",\"roles\":[]}",
                        "/roles",
                        "{\"visibility\":\"private\"}",
                        "/roles",
                        "{\"visibility\":\"open\",\"roles\":[null]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"mallory\",\"role\":\"owner\"}]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"user:a\",\"role\":\"boss\"}]}",
                        "/roles/0/role",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"token:999999999\",\"role\":\"owner\"}]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[" + me + "," + me + "]}",
                        "/roles/1/principal")
                .forEach((body, pointer) -> {
                    Reply reply = as(owner, "PUT", access(), body);
                    assertThat(reply.status()).as(body + reply.text()).isEqualTo(400);
                    assertThat(reply.at("/errors/0/pointer")).as(body).isEqualTo(pointer);
                });
        Reply stale = client.send("PUT", access(), owner.secret(), "{}", Map.of("If-Match", "\"99\""));
        assertThat(stale.status()).isEqualTo(412);
        assertThat(client.send("PUT", access(), owner.secret(), "{}", Map.of()).status())
                .isEqualTo(428);
    }
}
