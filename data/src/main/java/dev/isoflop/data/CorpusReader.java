package dev.isoflop.data;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads documents from files, one after the other, holding one at a time.
 *
 * <ul>
 *   <li>{@code .jsonl}, {@code .ndjson}: a document a line, its text in the field {@code text}, its name in {@code id} where there is
 *       one, {@code FILE:LINE} otherwise. Empty lines are skipped.
 *   <li>any other file named by itself is text that is cut into documents: one ends at the first blank line after
 *       {@value #DOCUMENT_CHARS} characters, so that there is something to hold out, and at a line that is only
 *       {@code <|endoftext|>}, which is dropped. Nothing else is: the documents put together are the file. Their names are {@code STEM#1},
 *       {@code STEM#2}, and so on.
 *   <li>a directory: its {@code .txt} files, one document each, named by the path without extension, and its {@code .jsonl} files, in
 *       the order of their paths, subdirectories included.
 * </ul>
 *
 * <p>{@code .gz} and {@code .zst} after these are unpacked on the way. Text is UTF-8; what is not is refused by file and line.
 */
public final class CorpusReader {

    private static final int DOCUMENT_CHARS = 2048;
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Takes documents in their order. */
    @FunctionalInterface
    public interface Sink {
        void accept(Document document) throws IOException;
    }

    private CorpusReader() {}

    /**
     * Reads a file or directory.
     *
     * @throws CorpusException if it is not there, holds no document or cannot be read; it names file and line
     */
    public static void read(Path path, Sink sink) throws IOException {
        long[] count = {0};
        Sink counting = document -> {
            count[0]++;
            sink.accept(document);
        };
        if (Files.isDirectory(path)) {
            readDirectory(path, CorpusReader::stem, counting);
        } else if (Files.isRegularFile(path)) {
            readFile(path, fileName(path), null, counting);
        } else {
            throw new CorpusException("there is no corpus at " + path + ": no such file or directory");
        }
        if (count[0] == 0) {
            throw new CorpusException("there is no document in " + path
                    + (Files.isDirectory(path) ? ": it has no .txt or .jsonl file with text" : ": it is empty"));
        }
    }

    /**
     * Reads the texts of an npm package, each named as in the package's archive, {@code package/data/FILE.txt}: these names make the
     * split, and a published table of reference runs depends on it.
     */
    static void readNpmTexts(Path texts, Sink sink) throws IOException {
        readDirectory(texts, name -> "package/data/" + name, sink);
    }

    private static void readDirectory(Path directory, UnaryOperator<String> naming, Sink sink) throws IOException {
        List<String> names;
        try (Stream<Path> files = Files.walk(directory)) {
            names = files.filter(Files::isRegularFile)
                    .map(file -> directory.relativize(file).toString().replace('\\', '/'))
                    .filter(name -> isJsonLines(name) || uncompressed(name).endsWith(".txt"))
                    .sorted()
                    .toList();
        }
        for (String name : names) {
            readFile(directory.resolve(name), name, naming, sink);
        }
    }

    /** @param naming of the one document a text file is; null if it is to be cut into documents */
    private static void readFile(Path file, String name, @Nullable UnaryOperator<String> naming, Sink sink)
            throws IOException {
        try (InputStream in = open(file)) {
            if (isJsonLines(name)) {
                readJsonLines(file, in, sink);
            } else if (naming != null) {
                readOneDocument(file, naming.apply(name), in, sink);
            } else {
                readText(file, name, in, sink);
            }
        } catch (CorpusException e) {
            throw e;
        } catch (IOException e) {
            throw new CorpusException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static InputStream open(Path file) throws IOException {
        String name = fileName(file).toLowerCase(Locale.ROOT);
        InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        try {
            if (name.endsWith(".gz")) {
                return new GZIPInputStream(raw, 1 << 16);
            }
            return name.endsWith(".zst") ? new ZstdInputStream(raw) : raw;
        } catch (Throwable t) {
            raw.close();
            throw t;
        }
    }

    private static void readJsonLines(Path file, InputStream in, Sink sink) throws IOException {
        Lines lines = new Lines(file, in);
        for (String line = lines.next(); line != null; line = lines.next()) {
            if (line.isBlank()) {
                continue;
            }
            String where = file + ", line " + lines.number();
            JsonNode record;
            try {
                record = JSON.readTree(line);
            } catch (JacksonException e) {
                throw new CorpusException(where + ": not JSON: " + e.getOriginalMessage(), e);
            }
            JsonNode text = record.path("text");
            if (!text.isString()) {
                throw new CorpusException(where + ": "
                        + (text.isMissingNode() ? "there is no field \"text\"" : "the field \"text\" is not a string"));
            }
            JsonNode id = record.path("id");
            String name = id.isString() || id.isNumber() ? id.asString() : fileName(file) + ":" + lines.number();
            if (!text.asString().isEmpty()) {
                sink.accept(new Document(name, text.asString()));
            }
        }
    }

    private static void readOneDocument(Path file, String name, InputStream in, Sink sink) throws IOException {
        Lines lines = new Lines(file, in);
        StringBuilder text = new StringBuilder();
        for (String line = lines.next(); line != null; line = lines.next()) {
            text.append(line);
        }
        if (!text.isEmpty()) {
            sink.accept(new Document(name, text.toString()));
        }
    }

    private static void readText(Path file, String name, InputStream in, Sink sink) throws IOException {
        Lines lines = new Lines(file, in);
        StringBuilder text = new StringBuilder();
        int number = 1;
        boolean blankBefore = false;
        for (String line = lines.next(); line != null; line = lines.next()) {
            boolean blank = line.isBlank();
            boolean mark = line.strip().equals("<|endoftext|>");
            // white space between documents belongs to the one before
            boolean ends = mark || (blankBefore && !blank && text.length() >= DOCUMENT_CHARS);
            if (ends && !text.toString().isBlank()) {
                sink.accept(new Document(stem(name) + "#" + number++, text.toString()));
                text.setLength(0);
            }
            if (!mark) {
                text.append(line);
            }
            blankBefore = blank;
        }
        if (!text.toString().isBlank()) {
            sink.accept(new Document(stem(name) + "#" + number, text.toString()));
        }
    }

    private static String fileName(Path path) {
        Path name = path.getFileName();
        return name == null ? path.toString() : name.toString();
    }

    private static boolean isJsonLines(String name) {
        String plain = uncompressed(name);
        return plain.endsWith(".jsonl") || plain.endsWith(".ndjson");
    }

    private static String uncompressed(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        int dot = lower.endsWith(".gz") || lower.endsWith(".zst") ? lower.lastIndexOf('.') : lower.length();
        return lower.substring(0, dot);
    }

    private static String stem(String name) {
        String plain = name.substring(0, uncompressed(name).length());
        int dot = plain.lastIndexOf('.');
        return dot > plain.lastIndexOf('/') + 1 ? plain.substring(0, dot) : plain;
    }

    /** The lines of a stream, with their ends, each decoded strictly. */
    private static final class Lines {

        private final Path file;
        private final InputStream in;
        private byte[] buffer = new byte[1 << 16];
        private int from;
        private int to;
        private long number;

        Lines(Path file, InputStream in) {
            this.file = file;
            this.in = in;
        }

        long number() {
            return number;
        }

        @Nullable
        String next() throws IOException {
            int scanned = from;
            while (true) {
                while (scanned < to) {
                    if (buffer[scanned++] == '\n') {
                        return take(scanned);
                    }
                }
                if (from > 0) {
                    System.arraycopy(buffer, from, buffer, 0, to - from);
                    to -= from;
                    scanned -= from;
                    from = 0;
                }
                if (to == buffer.length) {
                    if (to > Integer.MAX_VALUE / 2) {
                        throw new CorpusException(file + ", line " + (number + 1) + ": the line is longer than 1 GB");
                    }
                    buffer = Arrays.copyOf(buffer, 2 * to);
                }
                int read;
                try {
                    read = in.read(buffer, to, buffer.length - to);
                } catch (IOException e) {
                    throw new CorpusException(
                            file + ", after line " + number + ": cannot be read on: " + e.getMessage(), e);
                }
                if (read < 0) {
                    return to > from ? take(to) : null;
                }
                to += read;
            }
        }

        private String take(int end) throws CorpusException {
            number++;
            try {
                String line = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(buffer, from, end - from))
                        .toString();
                from = end;
                return line;
            } catch (CharacterCodingException e) {
                throw new CorpusException(file + ", line " + number + ": the text is not UTF-8", e);
            }
        }
    }
}
