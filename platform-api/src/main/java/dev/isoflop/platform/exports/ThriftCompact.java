package dev.isoflop.platform.exports;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * As much of Thrift's compact protocol as Parquet's headers need: structs of integers, strings, lists and structs.
 * Fields must be written in ascending order of id.
 */
final class ThriftCompact {

    private static final int TRUE = 1;
    private static final int FALSE = 2;
    private static final int I32 = 5;
    private static final int I64 = 6;
    private static final int BINARY = 8;
    private static final int LIST = 9;
    private static final int STRUCT = 12;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int lastField;

    /** The bytes of a struct whose fields {@code fields} writes. */
    static byte[] struct(Consumer<ThriftCompact> fields) {
        ThriftCompact struct = new ThriftCompact();
        fields.accept(struct);
        struct.out.write(0);
        return struct.out.toByteArray();
    }

    void bool(int id, boolean value) {
        header(id, value ? TRUE : FALSE);
    }

    void i32(int id, int value) {
        header(id, I32);
        zigzag(value);
    }

    void i64(int id, long value) {
        header(id, I64);
        zigzag(value);
    }

    void string(int id, String value) {
        header(id, BINARY);
        text(value);
    }

    void struct(int id, Consumer<ThriftCompact> fields) {
        header(id, STRUCT);
        out.writeBytes(struct(fields));
    }

    void i32s(int id, int... values) {
        list(id, I32, values.length);
        for (int value : values) {
            zigzag(value);
        }
    }

    void strings(int id, String... values) {
        list(id, BINARY, values.length);
        for (String value : values) {
            text(value);
        }
    }

    /** A list of structs, each as {@link #struct(Consumer)} gave it. */
    void structs(int id, List<byte[]> structs) {
        list(id, STRUCT, structs.size());
        structs.forEach(out::writeBytes);
    }

    private void header(int id, int type) {
        int delta = id - lastField;
        if (delta < 1 || delta > 15) {
            throw new IllegalArgumentException("field " + id + " cannot follow " + lastField);
        }
        out.write(delta << 4 | type);
        lastField = id;
    }

    private void list(int id, int elementType, int size) {
        header(id, LIST);
        if (size < 15) {
            out.write(size << 4 | elementType);
        } else {
            out.write(0xF0 | elementType);
            varint(size);
        }
    }

    private void text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        varint(bytes.length);
        out.writeBytes(bytes);
    }

    private void zigzag(long value) {
        varint(value << 1 ^ value >> 63);
    }

    private void varint(long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}
