package dev.isoflop.scaling.bench;

import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Runs benchmarks/scaling_scipy.py on the same points, on one thread. */
final class ScipyPeer {

    /**
     * @param seconds of the whole job
     * @param of starts or resamples it has
     * @param ran how many of them were run; the rest is scaled up
     * @param objective reached; null where a job has none
     */
    record Job(
            double seconds,
            int of,
            int ran,
            @org.jspecify.annotations.Nullable Double objective) {}

    private ScipyPeer() {}

    /** Empty if there is no such Python, no scipy or no script. */
    static Optional<Map<String, Job>> run(String python, Path script, List<FitPoint> points)
            throws IOException, InterruptedException {
        if (!Files.exists(script)) {
            return Optional.empty();
        }
        ProcessBuilder builder = new ProcessBuilder(python, script.toString());
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().put("OPENBLAS_NUM_THREADS", "1");
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            return Optional.empty();
        }
        try (Writer in = process.outputWriter(StandardCharsets.UTF_8)) {
            for (FitPoint p : points) {
                in.write(p.N() + " " + p.D() + " " + p.loss() + "\n");
            }
        } catch (IOException e) {
            // it ended before it read them: scipy is not there
            process.destroy();
        }
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            return Optional.empty();
        }
        Map<String, Job> jobs = new LinkedHashMap<>();
        printed.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
            String[] words = line.split(" ", -1);
            jobs.put(
                    words[0],
                    new Job(
                            Double.parseDouble(words[1]),
                            Integer.parseInt(words[2]),
                            Integer.parseInt(words[3]),
                            words[4].equals("-") ? null : Double.valueOf(words[4])));
        });
        return Optional.of(jobs);
    }
}
