package dev.isoflop.lm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The safetensors format: eight bytes of little-endian header length, a JSON header of names, types, shapes and ranges, then raw data.
 * Written here with the data aligned to 64 bytes, by padding the header with spaces as the format allows.
 */
public final class Safetensors {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int ALIGN = 64;
    private static final long MAX_HEADER = 100_000_000;
    private static final int BUFFER = 1 << 20;

    /** A tensor to write. */
    public sealed interface Written permits Source, Integers {
        String name();

        long[] shape();
    }

    /** A tensor of F32: {@code data[offset .. offset + Π shape)}. */
    public record Source(String name, long[] shape, float[] data, int offset) implements Written {}

    /** A tensor of I64: {@code data[0 .. Π shape)}. */
    public record Integers(String name, long[] shape, long[] data) implements Written {}

    /** A tensor of a file: type as named there, shape, and its bytes' range in the file. */
    public record Entry(String name, String dtype, long[] shape, long begin, long end) {

        /** Product of the shape. */
        public long elements() {
            long n = 1;
            for (long s : shape) {
                n *= s;
            }
            return n;
        }
    }

    private final Path file;
    private final Map<String, Entry> entries;
    private final Map<String, String> metadata;

    private Safetensors(Path file, Map<String, Entry> entries, Map<String, String> metadata) {
        this.file = file;
        this.entries = entries;
        this.metadata = metadata;
    }

    /** Writes a file and forces it to the device. */
    public static void write(Path file, List<? extends Written> tensors, Map<String, String> metadata)
            throws IOException {
        ObjectNode header = JSON.createObjectNode();
        ObjectNode meta = header.putObject("__metadata__");
        metadata.forEach(meta::put);
        long at = 0;
        for (Written t : tensors) {
            ObjectNode node = header.putObject(t.name());
            boolean floats = t instanceof Source;
            node.put("dtype", floats ? "F32" : "I64");
            var shape = node.putArray("shape");
            long n = floats ? Float.BYTES : Long.BYTES;
            for (long s : t.shape()) {
                shape.add(s);
                n *= s;
            }
            node.putArray("data_offsets").add(at).add(at + n);
            at += n;
        }
        byte[] json = JSON.writeValueAsBytes(header);
        int padded = Math.ceilDiv(8 + json.length, ALIGN) * ALIGN - 8;
        byte[] text = Arrays.copyOf(json, padded);
        Arrays.fill(text, json.length, padded, (byte) ' ');
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putLong(padded);
            drain(channel, buffer);
            writeAll(channel, ByteBuffer.wrap(text));
            for (Written t : tensors) {
                int length = Math.toIntExact(new Entry(t.name(), "", t.shape(), 0, 0).elements());
                for (int i = 0; i < length; ) {
                    int n = Math.min(length - i, BUFFER / Long.BYTES);
                    switch (t) {
                        case Source f -> {
                            buffer.asFloatBuffer().put(f.data(), f.offset() + i, n);
                            buffer.position(Float.BYTES * n);
                        }
                        case Integers l -> {
                            buffer.asLongBuffer().put(l.data(), i, n);
                            buffer.position(Long.BYTES * n);
                        }
                    }
                    drain(channel, buffer);
                    i += n;
                }
            }
            channel.force(true);
        }
    }

    private static void drain(FileChannel channel, ByteBuffer buffer) throws IOException {
        writeAll(channel, buffer.flip());
        buffer.clear();
    }

    private static void writeAll(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /**
     * Reads and checks the header.
     *
     * @throws CorruptCheckpointException if the file is cut short or is not safetensors, saying where
     */
    public static Safetensors open(Path file) throws IOException {
        long size = Files.size(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (size < 8) {
                throw corrupt(file, "it has " + size + " bytes, fewer than the 8 of the header length");
            }
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            readAll(channel, length, 0, file);
            long headerLength = length.getLong(0);
            if (headerLength < 2 || headerLength > MAX_HEADER || headerLength > size - 8) {
                throw corrupt(
                        file, "its header length of " + headerLength + " bytes does not fit in a file of " + size);
            }
            ByteBuffer text = ByteBuffer.allocate((int) headerLength);
            readAll(channel, text, 8, file);
            return parse(file, new String(text.array(), StandardCharsets.UTF_8), 8 + headerLength, size);
        }
    }

    private static Safetensors parse(Path file, String header, long base, long size) throws CorruptCheckpointException {
        JsonNode root;
        try {
            root = JSON.readTree(header);
        } catch (JacksonException e) {
            throw new CorruptCheckpointException(file + " is not a safetensors file: its header is not JSON", e);
        }
        if (!root.isObject()) {
            throw corrupt(file, "its header is not a JSON object");
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> property : root.properties()) {
            String name = property.getKey();
            JsonNode node = property.getValue();
            if (name.equals("__metadata__")) {
                node.properties()
                        .forEach(p -> metadata.put(p.getKey(), p.getValue().asString()));
                continue;
            }
            JsonNode shape = node.path("shape");
            JsonNode range = node.path("data_offsets");
            if (!node.path("dtype").isString() || !shape.isArray() || !range.isArray() || range.size() != 2) {
                throw corrupt(file, "tensor " + name + " lacks dtype, shape or data_offsets");
            }
            List<Long> sizes = new ArrayList<>();
            shape.forEach(s -> sizes.add(s.asLong()));
            Entry entry = new Entry(
                    name,
                    node.path("dtype").asString(),
                    sizes.stream().mapToLong(Long::longValue).toArray(),
                    base + range.get(0).asLong(),
                    base + range.get(1).asLong());
            if (entry.begin() < base || entry.end() < entry.begin() || entry.end() > size) {
                throw corrupt(
                        file,
                        "tensor " + name + " ends at byte " + entry.end() + " of a file of " + size
                                + "; the file is cut short");
            }
            entries.put(name, entry);
        }
        return new Safetensors(file, entries, metadata);
    }

    /** Tensors by name, in the header's order. */
    public Map<String, Entry> entries() {
        return java.util.Collections.unmodifiableMap(entries);
    }

    /** The {@code __metadata__} of the header. */
    public Map<String, String> metadata() {
        return java.util.Collections.unmodifiableMap(metadata);
    }

    /**
     * Reads a tensor of type F32, F16 or BF16 into {@code target[offset ..)}.
     *
     * @param shape the shape wanted
     * @throws CorruptCheckpointException if there is no such tensor or it has another shape, type or length
     */
    public void read(String name, long[] shape, float[] target, int offset) throws IOException {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw corrupt(file, "there is no tensor " + name);
        }
        if (!Arrays.equals(entry.shape(), shape)) {
            throw corrupt(
                    file,
                    "tensor " + name + " has shape " + Arrays.toString(entry.shape()) + ", the model wants "
                            + Arrays.toString(shape));
        }
        int width = switch (entry.dtype()) {
            case "F32" -> 4;
            case "F16", "BF16" -> 2;
            default ->
                throw corrupt(
                        file, "tensor " + name + " has type " + entry.dtype() + "; F32, F16 and BF16 can be read");
        };
        int length = Math.toIntExact(entry.elements());
        if (entry.end() - entry.begin() != (long) width * length) {
            throw corrupt(
                    file,
                    "tensor " + name + " has " + (entry.end() - entry.begin()) + " bytes, its shape takes "
                            + (long) width * length);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < length; ) {
                int n = Math.min(length - i, BUFFER / width);
                buffer.clear().limit(n * width);
                readAll(channel, buffer, entry.begin() + (long) i * width, file);
                buffer.flip();
                convert(buffer, entry.dtype(), target, offset + i, n);
                i += n;
            }
        }
    }

    private static void convert(ByteBuffer buffer, String dtype, float[] target, int at, int n) {
        if (dtype.equals("F32")) {
            buffer.asFloatBuffer().get(target, at, n);
            return;
        }
        boolean brain = dtype.equals("BF16");
        for (int i = 0; i < n; i++) {
            short half = buffer.getShort(2 * i);
            target[at + i] = brain ? Float.intBitsToFloat(half << 16) : Float.float16ToFloat(half);
        }
    }

    private static void readAll(FileChannel channel, ByteBuffer buffer, long from, Path file) throws IOException {
        long at = from;
        while (buffer.hasRemaining()) {
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw corrupt(file, "it ends at byte " + at);
            }
            at += n;
        }
    }

    private static CorruptCheckpointException corrupt(Path file, String why) {
        return new CorruptCheckpointException(file + " cannot be read: " + why);
    }
}
