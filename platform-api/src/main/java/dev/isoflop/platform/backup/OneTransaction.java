package dev.isoflop.platform.backup;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.AbstractDataSource;

/**
 * Hands out one connection again and again, and leaves its transaction to the owner: what Flyway does through it is
 * committed with all else or not at all.
 */
final class OneTransaction extends AbstractDataSource {

    private final Connection shared;

    /** @param owned a connection in a transaction */
    OneTransaction(Connection owned) {
        this.shared = (Connection) Proxy.newProxyInstance(
                OneTransaction.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "commit", "setAutoCommit", "close" -> null;
                    case "rollback" -> throw new BackupException("A migration failed. Nothing has been restored.");
                    default -> call(owned, method, arguments);
                });
    }

    private static @Nullable Object call(
            Connection owned, java.lang.reflect.Method method, Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(owned, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    @Override
    public Connection getConnection() {
        return shared;
    }

    @Override
    public Connection getConnection(@Nullable String user, @Nullable String password) {
        return shared;
    }
}
