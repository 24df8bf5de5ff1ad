package dev.isoflop.runner;

import dev.isoflop.runner.platform.Retry;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * How a runner works.
 *
 * @param url of the platform
 * @param token secret of scope runner
 * @param name unique on the platform
 * @param pool it serves
 * @param slots attempts at once
 * @param threads each of them may keep busy
 * @param home work directory
 * @param offline whether corpora may only come from what was fetched before
 * @param kinds of work it takes
 * @param endurance what it bears without the platform, and with a full disk
 * @param linger how long points and log lines are collected before they are sent
 * @param poll pause between two claims that brought nothing
 * @param grace time for the last checkpoints when the runner is told to end
 * @param retry pauses between the tries of a request that was not answered
 */
record RunnerSettings(
        URI url,
        String token,
        String name,
        String pool,
        int slots,
        int threads,
        Path home,
        boolean offline,
        List<String> kinds,
        Endurance endurance,
        Duration linger,
        Duration poll,
        Duration grace,
        Retry retry) {

    RunnerSettings {
        kinds = List.copyOf(kinds);
    }
}
