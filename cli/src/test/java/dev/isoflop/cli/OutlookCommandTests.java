package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.protocol.api.OutlookViews.Outlook;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code isoflop outlook} against a platform that answers as the real one does: what is asked of it, what is shown, and what is cancelled. */
class OutlookCommandTests {

    private static final String STOP =
            "Stop: it is to end at 4.100 (4.000 to 4.200), above the 3.200 that was asked for even at the lower end.";

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private FakePlatform platform;

    @BeforeEach
    void start() throws IOException {
        platform = FakePlatform.answering(this::answer);
    }

    @AfterEach
    void stop() {
        platform.close();
    }

    private FakePlatform.Answer answer(FakePlatform.Asked request) {
        String path = request.path();
        String version = request.header("If-Match");
        asked.add(request.method() + " " + path + (version == null ? "" : " " + version));
        int status = 200;
        String body;
        if (path.endsWith("/cancellation")) {
            status = path.contains("/5/") ? 409 : 200;
            body = status == 200
                    ? run(3, "running", 40)
                    : "{\"status\":409,\"code\":\"illegal-transition\",\"title\":\"x\",\"detail\":\"The run has already succeeded.\"}";
        } else if (path.contains("/outlook")) {
            body = path.startsWith("/runs/4/")
                    ? outlook(4, "go-on", "Go on: it is to end at 3.100 (3.000 to 3.200), as the fit allows.")
                    : outlook(path.startsWith("/runs/5/") ? 5 : 3, "stop", STOP);
        } else if (path.startsWith("/sweeps/7")) {
            body = """
                    {"id":7,"name":"study","experimentId":1,"experiment":"e","kind":"isoflop","state":"running","counts":{},
                     "plannedFlops":1,"doneFlops":0,"createdAt":"2026-11-26T00:00:00Z","version":0,"spec":null}""";
        } else if (path.startsWith("/runs?")) {
            body = "{\"items\":[%s,%s,%s,%s,%s]}"
                    .formatted(
                            run(1, "succeeded", 100),
                            run(2, "queued", 0),
                            run(3, "running", 40),
                            run(4, "running", 40),
                            run(5, "running", 40));
        } else {
            body = "{\"run\":%s,\"job\":null,\"retriesLeft\":{\"failures\":0,\"preemptions\":0,\"infrastructure\":0}}"
                    .formatted(run(3, "running", 40));
        }
        return new FakePlatform.Answer(status, body);
    }

    private static String run(long id, String state, long step) {
        return """
                {"id":%d,"sweepId":7,"name":"run-%d","kind":"pretrain","state":"%s","attempt":1,"priority":0,"pool":"default","parameters":1,
                 "nonEmbeddingParameters":1,"tokens":100,"flops":600,"flopsExact":600,"budget":600,"tokensPerStep":1,"steps":100,"step":%d,
                 "doneTokens":%d,"diverged":false,"createdAt":"2026-11-26T00:00:00Z","version":%d}""".formatted(id, id, state, step, step, 10 + id);
    }

    private static String outlook(long id, String verdict, String sentence) {
        return """
                {"runId":%d,"state":"running","progress":0.4,"level":0.9,"verdict":"%s","sentence":"%s","now":4.5,
                 "end":{"loss":4.1,"low":4.0,"high":4.2},"curve":{"loss":4.2,"low":4.05,"high":4.35},
                 "law":{"fitId":9,"sweepId":7,"loss":3.1,"low":3.0,"high":3.2,"extrapolationRatio":2},
                 "saved":{"flops":3.6e18,"seconds":7800}}""".formatted(id, verdict, sentence);
    }

    private Ended outlook(String... arguments) {
        List<String> all = new ArrayList<>(List.of("outlook"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--url", platform.url(), "--token", "isf_x"));
        return Ended.of(all.toArray(String[]::new));
    }

    @Test
    void aRunIsShownWithItsEndWhatTheFitSaidAndWhatStoppingSaves() {
        Ended ended = outlook("3", "--at-most", "3.2", "--level", "0.8", "--fit", "9");
        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(asked).contains("GET /runs/3/outlook?level=0.8&atMost=3.2&fit=9");
        assertThat(ended.out())
                .contains("run-3 (run 3, running): 40 % of the tokens seen")
                .contains("4.1000 (4.0000 to 4.2000)")
                .contains("fit 9     3.1000 (3.0000 to 3.2000)")
                .contains("stop; stopping now would save 3.6e18 FLOPs and 2 h 10 min")
                .contains(STOP);
        assertThat(asked).noneMatch(a -> a.startsWith("POST"));
    }

    @Test
    void asJsonItIsWhatThePlatformSaid() {
        Ended ended = outlook("3", "--json");
        assertThat(ApiClient.mapper().readValue(ended.out(), Outlook.class))
                .isEqualTo(ApiClient.mapper().readValue(outlook(3, "stop", STOP), Outlook.class));
        assertThat(ended.out()).contains("\"verdict\" : \"stop\"");
    }

    @Test
    void ofASweepThoseOnTheirWayAreShownAndNoneIsCancelledUnasked() {
        Ended ended = outlook("--sweep", "7");
        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out())
                .contains("run-3", "run-4", "run-5", STOP, "Go on: ")
                .doesNotContain("run-1", "run-2")
                .contains("3 on their way, 2 to stop; --cancel cancels them.");
        assertThat(asked).noneMatch(a -> a.startsWith("POST"));
    }

    @Test
    void cancelAsksForThoseThatAreToStopAloneEachWithItsReason() {
        Ended ended = outlook("--sweep", "7", "--cancel");
        assertThat(asked.stream().filter(a -> a.startsWith("POST")))
                .containsExactly("POST /runs/3/cancellation \"13\"", "POST /runs/5/cancellation \"13\"");
        assertThat(ended.out())
                .contains(STOP + " Cancelled.")
                .contains(STOP + " Not cancelled: The run has already succeeded.")
                .contains("3 on their way, 2 to stop, 1 cancelled.");
        assertThat(ended.code()).as("one was not cancelled").isEqualTo(ExitCode.FAILED.code());
    }

    @Test
    void oneRunOrOneSweepIsNamedAndCancelIsForSweeps() {
        for (String line : new String[] {"", "3 --sweep 7", "3 --cancel"}) {
            Ended ended = outlook(line.isEmpty() ? new String[0] : line.split(" "));
            assertThat(ended.code()).as(line).isEqualTo(ExitCode.USAGE.code());
        }
    }
}
