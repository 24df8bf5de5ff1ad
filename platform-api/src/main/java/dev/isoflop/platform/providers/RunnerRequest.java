package dev.isoflop.platform.providers;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * One runner that is wanted.
 *
 * @param key of the request, and the runner's name on the platform
 * @param poolName the pool it serves
 * @param pool how runners of that pool are
 * @param url where the runner finds the platform
 * @param token secret of scope runner. Never put on a command line, which every user of a machine may read
 * @param command what starts a runner, without its arguments
 */
public record RunnerRequest(
        String key, String poolName, PoolSettings pool, URI url, String token, List<String> command) {

    /** Environment variable that carries the token. */
    public static final String TOKEN_VARIABLE = "ISOFLOP_TOKEN";

    public RunnerRequest {
        command = List.copyOf(command);
    }

    /** The whole command line: no secret is in it. */
    public List<String> commandLine(String workDirectory) {
        List<String> line = new ArrayList<>(command);
        line.addAll(List.of("--url", url.toString(), "--name", key, "--pool", poolName, "--home", workDirectory));
        if (pool.passedSlots() > 0) {
            line.addAll(List.of("--slots", Integer.toString(pool.passedSlots())));
        }
        if (pool.gpus() == 0) {
            line.addAll(List.of("--gpus", "none"));
        }
        return line;
    }

    /** Not the token. */
    @Override
    public String toString() {
        return "RunnerRequest[" + key + "]";
    }
}
