package dev.isoflop.db.testing;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.DockerClientException;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** One PostgreSQL in a container for all tests of the JVM, started when first asked for. Each test takes a database of its own in it. */
final class ContainerDatabase {

    /** Selects another image than the public one, such as the one that docker/base-images makes. */
    private static final String IMAGE = System.getenv().getOrDefault("ISOFLOP_POSTGRES_IMAGE", "postgres:18");

    private static final long PULL_SECONDS = 300;
    private static final AtomicInteger COUNT = new AtomicInteger();

    private ContainerDatabase() {}

    /** Started, or why it could not be. */
    private record Server(Optional<PostgreSQLContainer> container, String missing) {}

    private static final class Holder {
        private static final Server SERVER = start();
    }

    /** Why there is none; nothing if there is one. A container that fails to start is no such reason but an error. */
    static Optional<String> missing() {
        return Holder.SERVER.container().isPresent() ? Optional.empty() : Optional.of(Holder.SERVER.missing());
    }

    private static Server start() {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            return new Server(Optional.empty(), "no container engine runs");
        }
        if (!hasImage()) {
            return new Server(
                    Optional.empty(),
                    "the image " + IMAGE
                            + " cannot be had; docker/base-images makes one, to be named by ISOFLOP_POSTGRES_IMAGE");
        }
        // every context of the platform's tests keeps its pools
        PostgreSQLContainer container = new PostgreSQLContainer(
                        DockerImageName.parse(IMAGE).asCompatibleSubstituteFor("postgres"))
                .withCommand("postgres", "-c", "fsync=off", "-c", "max_connections=500");
        container.start();
        return new Server(Optional.of(container), "");
    }

    /** Pulls it if it is not here: once, for Testcontainers would go on for minutes where no registry is reached. */
    private static boolean hasImage() {
        DockerClient docker = DockerClientFactory.instance().client();
        if (isHere(docker)) {
            return true;
        }
        try {
            return docker.pullImageCmd(IMAGE).start().awaitCompletion(PULL_SECONDS, TimeUnit.SECONDS) && isHere(docker);
        } catch (DockerException | DockerClientException refused) {
            return false;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static boolean isHere(DockerClient docker) {
        try {
            docker.inspectImageCmd(IMAGE).exec();
            return true;
        } catch (NotFoundException e) {
            return false;
        }
    }

    /** A fresh database, which goes with the container. */
    static TestDatabase create() {
        PostgreSQLContainer container = Holder.SERVER.container().orElseThrow();
        String name = "test_" + COUNT.incrementAndGet();
        new JdbcTemplate(new DriverManagerDataSource(
                        container.getJdbcUrl(), container.getUsername(), container.getPassword()))
                .execute("create database " + name);
        String url = "jdbc:postgresql://%s:%d/%s"
                .formatted(container.getHost(), container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT), name);
        return new TestDatabase(url, container.getUsername(), container.getPassword(), () -> {});
    }
}
