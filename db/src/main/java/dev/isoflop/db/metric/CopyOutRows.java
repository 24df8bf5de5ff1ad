package dev.isoflop.db.metric;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Rows of a query in the binary format of COPY: arrays arrive as primitives, without a boxed element between. The
 * fields of a row are read in order.
 */
final class CopyOutRows {

    private static final int HEADER_BYTES = 19;

    private final ByteBuffer in;

    private CopyOutRows(ByteBuffer in) {
        this.in = in;
    }

    /** @param query may delete and return rows; holds no text from outside */
    static CopyOutRows of(Connection connection, String query) throws SQLException {
        Bytes bytes = new Bytes();
        try {
            connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyOut("copy (" + query + ") to stdout (format binary)", bytes);
        } catch (IOException e) {
            throw new SQLException("cannot buffer the rows", e);
        }
        return new CopyOutRows(bytes.afterHeader());
    }

    boolean next() {
        return in.getShort() >= 0;
    }

    int int4() {
        in.getInt();
        return in.getInt();
    }

    long int8() {
        in.getInt();
        return in.getLong();
    }

    double float8() {
        in.getInt();
        return in.getDouble();
    }

    @Nullable
    Long int8OrAbsent() {
        return in.getInt() < 0 ? null : Long.valueOf(in.getLong());
    }

    double[] float8s() {
        in.getInt();
        double[] values = new double[elements()];
        for (int i = 0; i < values.length; i++) {
            in.getInt();
            values[i] = in.getDouble();
        }
        return values;
    }

    int[] int4s() {
        in.getInt();
        int[] values = new int[elements()];
        for (int i = 0; i < values.length; i++) {
            in.getInt();
            values[i] = in.getInt();
        }
        return values;
    }

    long @Nullable [] int8s() {
        if (in.getInt() < 0) {
            return null;
        }
        long[] values = new long[elements()];
        for (int i = 0; i < values.length; i++) {
            in.getInt();
            values[i] = in.getLong();
        }
        return values;
    }

    private int elements() {
        int dimensions = in.getInt();
        in.getInt();
        in.getInt();
        if (dimensions == 0) {
            return 0;
        }
        int n = in.getInt();
        in.getInt();
        return n;
    }

    /** Spares the copy that {@link ByteArrayOutputStream#toByteArray} makes. */
    private static final class Bytes extends ByteArrayOutputStream {

        Bytes() {
            super(1 << 13);
        }

        ByteBuffer afterHeader() {
            return ByteBuffer.wrap(buf, HEADER_BYTES, count - HEADER_BYTES);
        }
    }
}
