package dev.isoflop.lm.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenBinTests {

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 1024, 65_536, 65_537, 200_000, Integer.MAX_VALUE})
    void whatIsWrittenIsRead(int vocabSize) throws IOException {
        Random random = new Random(vocabSize);
        List<int[]> documents = new ArrayList<>();
        for (int d = 0; d < 300; d++) {
            documents.add(random.ints(random.nextInt(2000), 0, vocabSize).toArray());
        }
        Path file = write(documents, vocabSize);

        try (TokenBin bin = TokenBin.open(file)) {
            assertThat(bin.vocabSize()).isEqualTo(vocabSize);
            assertThat(bin.documents()).isEqualTo(300);
            int[] all = documents.stream().flatMapToInt(Arrays::stream).toArray();
            assertThat(bin.length()).isEqualTo(all.length);
            assertThat(read(bin, 0, all.length)).isEqualTo(all);
            for (int i = 0; i < 100; i++) {
                int from = random.nextInt(all.length);
                int to = from + random.nextInt(Math.min(500, all.length - from) + 1);
                assertThat(read(bin, from, to - from)).isEqualTo(Arrays.copyOfRange(all, from, to));
            }
            for (int d = 0; d < 300; d++) {
                long start = bin.documentStart(d);
                assertThat(read(bin, start, (int) (bin.documentEnd(d) - start))).isEqualTo(documents.get(d));
            }
        }
        assertThat(Files.size(file) % 8).isZero();
    }

    @Test
    void theSameTokensGiveTheSameBytes() throws IOException {
        byte[] first = Files.readAllBytes(write(List.of(new int[] {1, 2, 3}, new int[] {4}), 10));
        byte[] second = Files.readAllBytes(write(List.of(new int[] {1, 2, 3}, new int[] {4}), 10));

        assertThat(second).isEqualTo(first);
    }

    @Test
    void anEmptyBinIsAllowed() throws IOException {
        try (TokenBin bin = TokenBin.open(write(List.of(), 10))) {
            assertThat(bin.length()).isZero();
            assertThat(bin.documents()).isZero();
        }
    }

    @Test
    void readingOutsideTheSequenceOrTheArrayThrows() throws IOException {
        try (TokenBin bin = TokenBin.open(write(List.of(new int[] {1, 2, 3}), 10))) {
            int[] target = new int[2];
            assertThatThrownBy(() -> bin.read(2, target, 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bin.read(-1, target, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bin.read(0, target, 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bin.read(Long.MAX_VALUE, target, 0, 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bin.documentStart(1)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void everyTruncationIsToldAsOne() throws IOException {
        Path file = write(List.of(new int[] {1, 2, 3}, new int[] {4, 5}), 10);
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> TokenBin.open(file))
                    .as("%d bytes", length)
                    .isInstanceOf(TokenBinException.class)
                    .hasMessageContaining("truncated")
                    .hasMessageContaining(file.toString());
        }
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        assertThatThrownBy(() -> TokenBin.open(file)).hasMessageContaining("too long");
    }

    @Test
    void everyFlippedBitIsNoticed() throws IOException {
        Path file = write(List.of(new int[] {1, 2, 3}, new int[] {4, 5}), 10);
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < whole.length; at++) {
            if ((at >= 20 && at < 24) || (at >= 72 && at < TokenBin.HEADER_BYTES) || (at >= 16 && at < 20)) {
                continue; // reserved zeros; the vocabulary size has its own test
            }
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x10;
            Files.write(file, damaged);
            assertThatThrownBy(() -> TokenBin.open(file))
                    .as("byte %d", at)
                    .isInstanceOf(TokenBinException.class)
                    .hasMessageContaining(file.toString());
        }
    }

    @Test
    void anIdOutsideTheVocabularyIsNoticed() throws IOException {
        Path file = write(List.of(new int[] {1, 9}), 10);
        byte[] bytes = Files.readAllBytes(file);
        bytes[16] = 9;
        Files.write(file, bytes);

        assertThatThrownBy(() -> TokenBin.open(file))
                .isInstanceOf(TokenBinException.class)
                .hasMessageContaining("token 1 is 9");
        try (TokenBinWriter writer = new TokenBinWriter(folder.resolve("other.bin"), 10)) {
            assertThatThrownBy(() -> writer.addDocument(new int[] {10})).hasMessageContaining("token id 10");
        }
    }

    @Test
    void aWriterThatIsNotCommittedLeavesNothing() throws IOException {
        Path file = folder.resolve("tokens.bin");
        Files.writeString(file, "what was there");
        try (TokenBinWriter writer = new TokenBinWriter(file, 10)) {
            writer.addDocument(new int[] {1, 2});
        }

        assertThat(file).hasContent("what was there");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void binsOfLlmCAreRead() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1024 + 3 * 2).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(20240520).putInt(1).putInt(3);
        bytes.position(1024).putShort((short) 15496).putShort((short) 50256).putShort((short) 0);
        Path file = folder.resolve("llmc.bin");
        Files.write(file, bytes.array());

        try (TokenBin bin = TokenBin.openLlmC(file, 50257)) {
            assertThat(read(bin, 0, 3)).containsExactly(15496, 50256, 0);
            assertThat(bin.documents()).isZero();
        }
        assertThatThrownBy(() -> TokenBin.openLlmC(file, 50256)).hasMessageContaining("token 1 is 50256");
        assertThatThrownBy(() -> TokenBin.open(file)).hasMessageContaining("ISOFTOK1");
        Files.write(file, Arrays.copyOf(bytes.array(), 1028));
        assertThatThrownBy(() -> TokenBin.openLlmC(file, 50257)).hasMessageContaining("truncated");
        bytes.putInt(0, 20240521);
        Files.write(file, bytes.array());
        assertThatThrownBy(() -> TokenBin.openLlmC(file, 50257)).hasMessageContaining("20240520");
    }

    private Path write(List<int[]> documents, int vocabSize) throws IOException {
        Path file = folder.resolve("tokens.bin");
        try (TokenBinWriter writer = new TokenBinWriter(file, vocabSize)) {
            for (int[] document : documents) {
                writer.addDocument(document);
            }
            writer.commit();
        }
        return file;
    }

    private static int[] read(TokenSource source, long position, int count) {
        int[] ids = new int[count + 2];
        source.read(position, ids, 1, count);
        assertThat(ids[0]).isZero();
        assertThat(ids[count + 1]).isZero();
        return Arrays.copyOfRange(ids, 1, count + 1);
    }
}
