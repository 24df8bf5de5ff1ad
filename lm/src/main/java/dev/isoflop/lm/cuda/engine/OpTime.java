package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaGraph;
import dev.isoflop.lm.cuda.driver.CudaStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Time of one kind of operation in a step.
 *
 * @param name the operation's, the same in all layers
 * @param count how many of them a step has
 * @param micros all of them together
 * @param flops all of them together, a multiply-add being two
 * @param bytes to be moved from and to device memory at least, all of them together
 */
public record OpTime(String name, int count, double micros, double flops, double bytes) {

    /**
     * Runs a program once with a time mark around every operation, in one stream, as a graph, so that the host's launches take no part.
     *
     * @param launch gives the graph to the device in its stream
     * @return the most expensive first
     */
    static List<OpTime> of(Program program, CudaDevice device, CudaStream stream, Consumer<CudaGraph> launch) {
        List<Program.Op> all = program.ops();
        List<CudaEvent> times = new ArrayList<>();
        try {
            for (int i = 0; i <= all.size(); i++) {
                times.add(CudaEvent.create(device));
            }
            try (CudaGraph graph = CudaGraph.capture(stream, () -> program.runTimed(stream, times))) {
                launch.accept(graph);
                stream.synchronize();
            }
            Map<String, OpTime> table = new LinkedHashMap<>();
            for (int i = 0; i < all.size(); i++) {
                Program.Op op = all.get(i);
                double micros = 1e3 * times.get(i + 1).millisSince(times.get(i));
                OpTime one = new OpTime(op.name(), 1, micros, op.flops(), op.bytes());
                table.merge(op.name(), one, OpTime::plus);
            }
            return table.values().stream()
                    .sorted((a, b) -> Double.compare(b.micros(), a.micros()))
                    .toList();
        } finally {
            times.forEach(CudaEvent::close);
        }
    }

    private OpTime plus(OpTime other) {
        return new OpTime(name, count + other.count, micros + other.micros, flops + other.flops, bytes + other.bytes);
    }
}
