package dev.isoflop.platform.exports;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A flat table as Apache Parquet, format version 1: one row group, one uncompressed data page per column, PLAIN values,
 * every column optional. Any reader takes it. An export has a row per run, so neither compression nor row groups would
 * earn the libraries they need.
 */
final class ParquetWriter {

    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

    private static final int BOOLEAN = 0;
    private static final int INT64 = 2;
    private static final int DOUBLE = 5;
    private static final int BYTE_ARRAY = 6;

    private static final int OPTIONAL = 1;
    private static final int PLAIN = 0;
    private static final int RLE = 3;
    private static final int UNCOMPRESSED = 0;
    private static final int DATA_PAGE = 0;
    private static final int CONVERTED_UTF8 = 0;
    private static final int CONVERTED_TIMESTAMP_MICROS = 10;

    private ParquetWriter() {}

    static <R> void write(OutputStream out, List<Column<R>> columns, List<R> rows) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(MAGIC);
        List<byte[]> chunks = new ArrayList<>();
        for (Column<R> column : columns) {
            long start = file.size();
            byte[] page = page(column, rows);
            file.writeBytes(pageHeader(page.length, rows.size()));
            file.writeBytes(page);
            chunks.add(chunk(column, start, file.size() - start, rows.size()));
        }
        long bytes = file.size() - MAGIC.length;
        byte[] footer = ThriftCompact.struct(f -> {
            f.i32(1, 1);
            f.structs(2, schema(columns));
            f.i64(3, rows.size());
            byte[] group = ThriftCompact.struct(g -> {
                g.structs(1, chunks);
                g.i64(2, bytes);
                g.i64(3, rows.size());
            });
            f.structs(4, rows.isEmpty() ? List.of() : List.of(group));
            f.string(6, "isoflop");
        });
        file.writeBytes(footer);
        file.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(footer.length)
                .array());
        file.writeBytes(MAGIC);
        file.writeTo(out);
    }

    private static <R> List<byte[]> schema(List<Column<R>> columns) {
        List<byte[]> elements = new ArrayList<>();
        elements.add(ThriftCompact.struct(root -> {
            root.string(4, "run");
            root.i32(5, columns.size());
        }));
        for (Column<R> column : columns) {
            elements.add(ThriftCompact.struct(element -> {
                element.i32(1, type(column));
                element.i32(3, OPTIONAL);
                element.string(4, column.name());
                switch (column) {
                    case Column.Text<R> c -> {
                        element.i32(6, CONVERTED_UTF8);
                        element.struct(10, logical -> logical.struct(1, string -> {}));
                    }
                    case Column.Moment<R> c -> {
                        element.i32(6, CONVERTED_TIMESTAMP_MICROS);
                        element.struct(
                                10,
                                logical -> logical.struct(8, timestamp -> {
                                    timestamp.bool(1, true);
                                    timestamp.struct(2, unit -> unit.struct(2, micros -> {}));
                                }));
                    }
                    case Column.Whole<R> c -> {}
                    case Column.Real<R> c -> {}
                    case Column.Flag<R> c -> {}
                }
            }));
        }
        return elements;
    }

    private static <R> int type(Column<R> column) {
        return switch (column) {
            case Column.Whole<R> c -> INT64;
            case Column.Moment<R> c -> INT64;
            case Column.Real<R> c -> DOUBLE;
            case Column.Flag<R> c -> BOOLEAN;
            case Column.Text<R> c -> BYTE_ARRAY;
        };
    }

    private static byte[] pageHeader(int bytes, int rows) {
        return ThriftCompact.struct(header -> {
            header.i32(1, DATA_PAGE);
            header.i32(2, bytes);
            header.i32(3, bytes);
            header.struct(5, data -> {
                data.i32(1, rows);
                data.i32(2, PLAIN);
                data.i32(3, RLE);
                data.i32(4, RLE);
            });
        });
    }

    private static <R> byte[] chunk(Column<R> column, long start, long bytes, int rows) {
        return ThriftCompact.struct(chunk -> {
            chunk.i64(2, start);
            chunk.struct(3, meta -> {
                meta.i32(1, type(column));
                meta.i32s(2, PLAIN, RLE);
                meta.strings(3, column.name());
                meta.i32(4, UNCOMPRESSED);
                meta.i64(5, rows);
                meta.i64(6, bytes);
                meta.i64(7, bytes);
                meta.i64(9, start);
            });
        });
    }

    /** Definition levels (1 where there is a value), then the values there are. */
    private static <R> byte[] page(Column<R> column, List<R> rows) {
        boolean[] present = new boolean[rows.size()];
        Values values = new Values(rows.size());
        for (int i = 0; i < present.length; i++) {
            R row = rows.get(i);
            present[i] = switch (column) {
                case Column.Whole<R> c -> values.int64(c.value().apply(row));
                case Column.Real<R> c -> values.real(c.value().apply(row));
                case Column.Flag<R> c -> values.flag(c.value().apply(row));
                case Column.Text<R> c -> values.text(c.value().apply(row));
                case Column.Moment<R> c -> values.int64(micros(c.value().apply(row)));
            };
        }
        // One bit-packed run of the RLE/bit-packing hybrid: groups of eight levels, least significant bit first.
        byte[] levels = packed(present, present.length);
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        byte[] run = varint((long) levels.length << 1 | 1);
        page.writeBytes(littleEndian(4).putInt(run.length + levels.length).array());
        page.writeBytes(run);
        page.writeBytes(levels);
        page.writeBytes(values.bytes());
        return page.toByteArray();
    }

    private static @Nullable Long micros(@Nullable Instant at) {
        return at == null ? null : Long.valueOf(ChronoUnit.MICROS.between(Instant.EPOCH, at));
    }

    private static byte[] packed(boolean[] bits, int n) {
        byte[] bytes = new byte[(n + 7) / 8];
        for (int i = 0; i < n; i++) {
            if (bits[i]) {
                bytes[i / 8] |= (byte) (1 << i % 8);
            }
        }
        return bytes;
    }

    private static byte[] varint(long value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long rest = value;
        while (rest > 0x7F) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
        return out.toByteArray();
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** PLAIN values of one column; each method says whether there was one. */
    private static final class Values {

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final boolean[] flags;
        private int flagCount;

        Values(int rows) {
            flags = new boolean[rows];
        }

        boolean int64(@Nullable Long value) {
            if (value != null) {
                out.writeBytes(littleEndian(8).putLong(value).array());
            }
            return value != null;
        }

        boolean real(@Nullable Double value) {
            if (value != null) {
                out.writeBytes(littleEndian(8).putDouble(value).array());
            }
            return value != null;
        }

        boolean flag(@Nullable Boolean value) {
            if (value != null) {
                flags[flagCount++] = value;
            }
            return value != null;
        }

        boolean text(@Nullable String value) {
            if (value != null) {
                byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
                out.writeBytes(littleEndian(4).putInt(bytes.length).array());
                out.writeBytes(bytes);
            }
            return value != null;
        }

        byte[] bytes() {
            out.writeBytes(packed(flags, flagCount));
            return out.toByteArray();
        }
    }
}
