package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.sweepfile.NearestName;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.type.TypeReference;

/** Which platform a command speaks to. */
final class PlatformOptions {

    @Option(names = "--home", description = "The product's directory (default: $ISOFLOP_HOME or ~/.isoflop).")
    @Nullable
    Path home;

    @Option(names = "--url", description = "Address of the platform (default: the one that up noted).")
    @Nullable
    URI url;

    @Option(
            names = "--token",
            description = "Token of scope submit or admin (default: $ISOFLOP_TOKEN, else the one that up noted).")
    @Nullable
    String token;

    Home home() {
        return Home.of(home);
    }

    ApiClient client() throws IOException {
        Optional<Home.Client> known = home().client();
        URI at = url != null
                ? url
                : known.map(c -> URI.create(c.url()))
                        .orElseThrow(() -> new CliException(
                                ExitCode.UNREACHABLE,
                                "No platform is known in " + home().root()
                                        + ". Start one with ./isoflop up, or name one with --url and --token."));
        String environment = System.getenv("ISOFLOP_TOKEN");
        String secret = token != null
                ? token
                : environment != null && !environment.isBlank()
                        ? environment
                        : known.map(Home.Client::token).orElse(null);
        return new ApiClient(at, secret);
    }

    /** Finds a sweep by id or by name (the newest of that name). */
    static Views.Sweep sweep(ApiClient api, String idOrName) {
        if (idOrName.matches("\\d{1,18}")) {
            return api.get("/sweeps/" + idOrName, Views.Sweep.class);
        }
        Set<String> names = new LinkedHashSet<>();
        Optional<Views.Sweep> found = api.all("/sweeps?limit=200", new TypeReference<Page<Views.Sweep>>() {})
                .peek(sweep -> names.add(sweep.name()))
                .filter(sweep -> sweep.name().equals(idOrName))
                .findFirst();
        if (found.isPresent()) {
            return found.get();
        }
        throw new CliException(
                ExitCode.FAILED,
                "There is no sweep named " + idOrName
                        + NearestName.of(idOrName, names)
                                .map(n -> "; did you mean " + n + "?")
                                .orElse(names.isEmpty() ? "; none has been submitted yet." : "."));
    }
}
