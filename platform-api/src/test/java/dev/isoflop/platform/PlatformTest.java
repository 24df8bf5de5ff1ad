package dev.isoflop.platform;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.db.testing.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.ContextConfiguration;
import org.springframework.test.context.TestConstructor;

/**
 * A test against the whole platform, as a user starts it: its embedded PostgreSQL in a home of its own, a real port. All
 * such tests of a JVM share one. Take a {@link PlatformClient} in the constructor. The build runs them again with an external database, a
 * PostgreSQL in a container.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@DatabaseTest
@SpringBootTest(classes = PlatformApplication.class, webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@ContextConfiguration(initializers = PlatformTest.Home.class)
@Import(PlatformClient.class)
@TestConstructor(autowireMode = TestConstructor.AutowireMode.ALL)
public @interface PlatformTest {

    /** A fresh home directory. */
    final class Home implements ApplicationContextInitializer<ConfigurableApplicationContext> {

        @Override
        public void initialize(ConfigurableApplicationContext context) {
            try {
                Path home = Files.createTempDirectory("isoflop-test-home");
                TestPropertyValues.of("isoflop.home=" + home).applyTo(context);
                if (TestDatabase.inContainer()) {
                    TestDatabase database = TestDatabase.start();
                    TestPropertyValues.of(
                                    "isoflop.database.url=" + database.url(),
                                    "isoflop.database.user=" + database.user(),
                                    "isoflop.database.password=" + database.password())
                            .applyTo(context);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
