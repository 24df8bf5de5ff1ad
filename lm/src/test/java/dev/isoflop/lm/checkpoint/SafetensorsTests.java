package dev.isoflop.lm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SafetensorsTests {

    @Test
    void floatsAndIntegersOfAnyLengthAreWrittenAsTheFormatSays(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("x.safetensors");
        // more than one buffer of each
        long[] integers =
                LongStream.range(0, 300_001).map(i -> i * 0x123456789L - 7).toArray();
        float[] floats = new float[400_005];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = 0.25f * i;
        }
        Safetensors.write(
                file,
                List.of(
                        new Safetensors.Integers("starts", new long[] {1, integers.length}, integers),
                        new Safetensors.Source("loss", new long[] {400_000}, floats, 5)),
                Map.of("k", "v"));
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        JsonNode root = JsonMapper.shared().readTree(new String(bytes.array(), 8, header, StandardCharsets.UTF_8));
        assertThat(root.at("/starts/dtype").asString()).isEqualTo("I64");
        assertThat(root.at("/starts/shape").toString()).isEqualTo("[1,300001]");
        assertThat(root.at("/starts/data_offsets").toString()).isEqualTo("[0,2400008]");
        assertThat(root.at("/loss/data_offsets").toString()).isEqualTo("[2400008,4000008]");
        assertThat(bytes.capacity()).isEqualTo(8 + header + 4_000_008);
        long[] read = new long[integers.length];
        bytes.slice(8 + header, 8 * read.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer()
                .get(read);
        assertThat(read).isEqualTo(integers);
        float[] back = new float[400_000];
        Safetensors.open(file).read("loss", new long[] {400_000}, back, 0);
        assertThat(back[0]).isEqualTo(1.25f);
        assertThat(back[399_999]).isEqualTo(0.25f * 400_004);
    }
}
