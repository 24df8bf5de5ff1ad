package dev.isoflop.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.isoflop.cli.chaos.Disturbance.LineFault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LinkTests {

    private static final String START = "/api/v1/runs/7/attempts/2/start";

    private final AtomicInteger arrived = new AtomicInteger();
    private final History history = new History();
    private final HttpClient client = HttpClient.newHttpClient();
    private HttpServer server;
    private Link link;

    @BeforeEach
    void begin() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            arrived.incrementAndGet();
            byte[] body = "an answer of some length".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        URI platform = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
        link = new Link("runner", platform, history, 1);
    }

    @AfterEach
    void end() {
        link.close();
        server.stop(0);
        client.close();
    }

    private String post() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(link.url() + START))
                .timeout(Duration.ofSeconds(2))
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    @Test
    void aGoodLinePassesRequestsOnAndWritesThemDown() throws Exception {
        assertThat(post()).isEqualTo("an answer of some length");
        assertThat(history.ops())
                .singleElement()
                .satisfies(op -> assertThat(op.attempt()).isEqualTo(2))
                .satisfies(op -> assertThat(op.answer()).isEqualTo(Op.Answer.ACCEPTED));
    }

    @Test
    void aCutLineAndOneThatIsSilentBringNothingThrough() {
        for (LineFault fault : new LineFault[] {LineFault.CUT, LineFault.SILENT}) {
            link.fault(fault, 60_000);
            assertThatThrownBy(this::post).isInstanceOf(IOException.class);
            link.heal();
        }
        assertThat(arrived).hasValue(0);
    }

    @Test
    void answersThatAreLostOrTornBelongToRequestsThatArrived() {
        for (LineFault fault : new LineFault[] {LineFault.LOSE_ANSWERS, LineFault.TEAR_ANSWERS}) {
            link.fault(fault, 60_000);
            assertThatThrownBy(this::post).isInstanceOf(IOException.class);
            link.heal();
        }
        assertThat(arrived).hasValueGreaterThanOrEqualTo(2);
    }

    @Test
    void aDuplicatedRequestArrivesTwice() throws Exception {
        link.fault(LineFault.DUPLICATE, 60_000);
        post();
        for (int i = 0; i < 100 && history.ops().size() < 2; i++) {
            Thread.sleep(20);
        }
        assertThat(history.ops()).hasSize(2);
    }
}
