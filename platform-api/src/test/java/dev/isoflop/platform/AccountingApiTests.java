package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import org.junit.jupiter.api.Test;

@PlatformTest
class AccountingApiTests {

    private static final String PATH = "/api/v1/accounting";

    private final PlatformClient client;

    AccountingApiTests(PlatformClient client) {
        this.client = client;
    }

    @Test
    void aReaderMayAskAndNobodyElse() {
        Reply reply = client.post(PATH, "read", "{\"preset\": \"llama-3-8b\", \"pricePerHour\": 2}");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.at("/sections/0/key")).isEqualTo("parameters");
        assertThat(reply.body().at("/sections/0/total/value").asDouble()).isEqualTo(8_030_261_248.0);
        assertThat(reply.at("/sections/1/parts/1/formula")).isEqualTo("2 L h d_h (T + 1)");
        assertThat(reply.at("/architecture/vocabSize")).isEqualTo("128256");
        assertThat(client.send("POST", PATH, null, "{}", Map.of()).status()).isEqualTo(401);
    }

    @Test
    void askingLeavesNoTraceInTheAudit() {
        client.post(PATH, "read", "{\"preset\": \"gpt-2\"}");
        Reply audit = client.send("GET", "/api/v1/audit?limit=50", client.token("admin"), null, Map.of());
        assertThat(audit.status()).isEqualTo(200);
        assertThat(audit.text()).doesNotContain("/accounting");
    }

    @Test
    void presetsAndDevicesAreListed() {
        Reply reply = client.get(PATH);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.text()).contains("mixtral-8x7b").contains("H100 80GB HBM3");
    }

    @Test
    void whatIsWrongIsNamedWithItsPlaceAndTheFix() {
        Reply heads = client.post(PATH, "read", "{\"preset\": \"llama-3-8b\", \"model\": {\"heads\": 7}}");
        assertThat(heads.status()).isEqualTo(400);
        assertThat(heads.code()).isEqualTo("invalid-request");
        assertThat(heads.at("/errors/0/pointer")).isEqualTo("/model/heads");
        assertThat(heads.at("/detail")).contains("does not divide dModel = 4096; use a divisor, such as 8");
        Reply device = client.post(PATH, "read", "{\"preset\": \"gpt-2\", \"device\": \"H1000\"}");
        assertThat(device.at("/errors/0/pointer")).isEqualTo("/device");
        Reply unknown = client.post(PATH, "read", "{\"preset\": \"gpt-2\", \"batchSequence\": 4}");
        assertThat(unknown.at("/errors/0/nearest")).isEqualTo("batchSequences");
    }
}
