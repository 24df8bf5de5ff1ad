package dev.isoflop.platform;

import dev.isoflop.db.token.TokenStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;

/** A whole platform of one test's own, which may be ended and started again on what it left. */
final class OwnPlatform implements AutoCloseable {

    final ConfigurableApplicationContext context;
    final PlatformClient client;

    private OwnPlatform(ConfigurableApplicationContext context) {
        this.context = context;
        this.client = new PlatformClient(
                context.getEnvironment(), context.getBean(TokenStore.class), context.getBean(JsonMapper.class));
    }

    /** @param arguments besides home and port, as on a command line */
    static OwnPlatform start(Path home, String... arguments) {
        List<String> all = new ArrayList<>(List.of(
                "--isoflop.home=" + home,
                "--server.port=0",
                // Quartz keeps its schedulers and their connections by name, one registry for the whole JVM
                "--spring.quartz.scheduler-name=own-" + UUID.randomUUID()));
        all.addAll(List.of(arguments));
        return new OwnPlatform(new SpringApplicationBuilder(PlatformApplication.class).run(all.toArray(String[]::new)));
    }

    int port() {
        return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
    }

    @Override
    public void close() {
        context.close();
    }
}
