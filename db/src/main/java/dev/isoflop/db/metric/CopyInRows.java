package dev.isoflop.db.metric;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Rows in the binary format of PostgreSQL's COPY (documentation of COPY, "Binary Format"): no text is made or parsed on
 * either side, and any number of rows is one statement.
 */
final class CopyInRows {

    private static final byte[] HEADER = header();
    private static final int OID_INT4 = 23;
    private static final int OID_INT8 = 20;
    private static final int OID_FLOAT8 = 701;

    private ByteBuffer out = ByteBuffer.allocate(1 << 14).put(HEADER);
    private int rows;

    boolean isEmpty() {
        return rows == 0;
    }

    CopyInRows row(int fields) {
        rows++;
        room(2).putShort((short) fields);
        return this;
    }

    CopyInRows int4(int value) {
        room(8).putInt(4).putInt(value);
        return this;
    }

    CopyInRows int8(long value) {
        room(12).putInt(8).putLong(value);
        return this;
    }

    CopyInRows absent() {
        room(4).putInt(-1);
        return this;
    }

    /** NaN stands for an absent value. */
    CopyInRows float8OrAbsent(double value) {
        if (Double.isNaN(value)) {
            return absent();
        }
        room(12).putInt(8).putDouble(value);
        return this;
    }

    CopyInRows float8s(double[] values, int n) {
        array(OID_FLOAT8, n, 8);
        for (int i = 0; i < n; i++) {
            out.putInt(8).putDouble(values[i]);
        }
        return this;
    }

    CopyInRows int4s(int[] values, int n) {
        array(OID_INT4, n, 4);
        for (int i = 0; i < n; i++) {
            out.putInt(4).putInt(values[i]);
        }
        return this;
    }

    CopyInRows int8s(long @Nullable [] values, int n) {
        if (values == null) {
            return absent();
        }
        array(OID_INT8, n, 8);
        for (int i = 0; i < n; i++) {
            out.putInt(8).putLong(values[i]);
        }
        return this;
    }

    /** Sends the rows. On an error the connection's transaction is aborted and nothing was stored. */
    void copyTo(Connection connection, String tableAndColumns) throws SQLException {
        if (rows == 0) {
            return;
        }
        room(2).putShort((short) -1);
        CopyIn copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("copy " + tableAndColumns + " from stdin (format binary)");
        try {
            copy.writeToCopy(out.array(), 0, out.position());
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private void array(int elementOid, int n, int elementBytes) {
        int bytes = 20 + n * (4 + elementBytes);
        room(4 + bytes).putInt(bytes);
        // dimensions, null flag, element type, then length and lower bound of the one dimension
        out.putInt(1).putInt(0).putInt(elementOid).putInt(n).putInt(1);
    }

    private ByteBuffer room(int bytes) {
        if (out.remaining() < bytes) {
            int position = out.position();
            byte[] larger = Arrays.copyOf(out.array(), Math.max(2 * out.capacity(), position + bytes));
            out = ByteBuffer.wrap(larger).position(position);
        }
        return out;
    }

    private static byte[] header() {
        byte[] signature = "PGCOPY\n\u00ff\r\n\0".getBytes(StandardCharsets.ISO_8859_1);
        return Arrays.copyOf(signature, signature.length + 8); // no flags, no header extension
    }
}
