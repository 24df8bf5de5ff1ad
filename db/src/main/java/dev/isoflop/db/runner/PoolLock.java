package dev.isoflop.db.runner;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The right to scale a pool: of all platforms on a database one has it at a time.
 *
 * <p>Crash: the lock is the connection's, so it goes with the process. It is no transaction: what is written under it is
 * committed at once, and asking a slow provider holds no row.
 */
public final class PoolLock implements AutoCloseable {

    /** The first half of the key, to be told from other advisory locks. */
    private static final int SPACE = 0x150F100;

    private final Connection connection;
    private final String pool;

    private PoolLock(Connection connection, String pool) {
        this.connection = connection;
        this.pool = pool;
    }

    /** The lock, unless another platform has it. */
    public static Optional<PoolLock> tryTake(DataSource database, String pool) {
        try {
            Connection connection = database.getConnection();
            try {
                if (ask(connection, "select pg_try_advisory_lock(?, hashtext(?))", pool)) {
                    return Optional.of(new PoolLock(connection, pool));
                }
            } catch (SQLException e) {
                connection.close();
                throw e;
            }
            connection.close();
            return Optional.empty();
        } catch (SQLException e) {
            throw new IllegalStateException("The lock of pool " + pool + " cannot be asked for", e);
        }
    }

    /** Whether it is held still: its connection may have broken. */
    public boolean isHeld() {
        try {
            return connection.isValid(2);
        } catch (SQLException e) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            try {
                ask(connection, "select pg_advisory_unlock(?, hashtext(?))", pool);
            } catch (SQLException e) {
                connection.abort(Runnable::run); // not back into the pool of connections with a lock on it
            } finally {
                connection.close();
            }
        } catch (SQLException e) {
            // broken, so the lock is free
        }
    }

    private static boolean ask(Connection connection, String sql, String pool) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, SPACE);
            statement.setString(2, pool);
            try (ResultSet answer = statement.executeQuery()) {
                return answer.next() && answer.getBoolean(1);
            }
        }
    }
}
