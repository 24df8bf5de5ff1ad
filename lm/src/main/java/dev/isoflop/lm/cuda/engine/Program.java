package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations in the order they run, each with what it costs, written down once and then run eagerly, captured or timed.
 *
 * <p>Most follow each other in the main stream. Those that nothing waits for soon, such as weight gradients, go to a side stream, where a
 * GPU that the main chain does not fill has room for them. A side operation sees all that the main stream did before it; the main stream
 * sees a side operation's results after {@link #await} of a mark put behind it. Run in one stream, the results are the same bits.
 *
 * <p>Concurrency: built and run by one thread.
 */
public final class Program implements AutoCloseable {

    /** Gives a stream its work. */
    @FunctionalInterface
    interface Launch {
        void on(CudaStream stream);
    }

    /**
     * One operation.
     *
     * @param name what it does; the same for all layers
     * @param flops floating-point operations, a multiply-add being two
     * @param bytes that have to be moved from and to device memory at least
     */
    public record Op(String name, double flops, double bytes, boolean side, Launch launch) implements Step {}

    private record Fork(CudaEvent event) implements Step {}

    private record Record(Mark mark) implements Step {}

    private record Await(Mark mark) implements Step {}

    private sealed interface Step permits Op, Fork, Record, Await {}

    /** A place in the side stream. */
    static final class Mark {
        private final CudaEvent event;

        private Mark(CudaEvent event) {
            this.event = event;
        }
    }

    private final CudaDevice device;
    private final List<Step> steps = new ArrayList<>();
    private final List<CudaEvent> events = new ArrayList<>();
    private boolean forked;

    Program(CudaDevice device) {
        this.device = device;
    }

    /** Adds an operation to the main stream. */
    void main(String name, double flops, double bytes, Launch launch) {
        steps.add(new Op(name, flops, bytes, false, launch));
        forked = false;
    }

    /** Adds an operation to the side stream. */
    void side(String name, double flops, double bytes, Launch launch) {
        if (!forked) {
            steps.add(new Fork(event()));
            forked = true;
        }
        steps.add(new Op(name, flops, bytes, true, launch));
    }

    /** Marks what the side stream was given so far. */
    Mark mark() {
        Mark mark = new Mark(event());
        steps.add(new Record(mark));
        return mark;
    }

    /** Lets the main stream wait for a mark; nothing for null. */
    void await(@Nullable Mark mark) {
        if (mark != null) {
            steps.add(new Await(mark));
        }
    }

    private CudaEvent event() {
        CudaEvent event = CudaEvent.withoutTiming(device);
        events.add(event);
        return event;
    }

    /** The operations, in order. */
    public List<Op> ops() {
        return steps.stream().filter(Op.class::isInstance).map(Op.class::cast).toList();
    }

    /**
     * Gives all operations to the streams.
     *
     * @param side null to run everything in the main stream
     */
    void run(CudaStream main, @Nullable CudaStream side) {
        for (int i = 0; i < steps.size(); i++) {
            switch (steps.get(i)) {
                case Op op -> op.launch().on(op.side() && side != null ? side : main);
                case Fork fork -> {
                    if (side != null) {
                        fork.event().record(main);
                        side.waitFor(fork.event());
                    }
                }
                case Record record -> {
                    if (side != null) {
                        record.mark().event.record(side);
                    }
                }
                case Await await -> {
                    if (side != null) {
                        main.waitFor(await.mark().event);
                    }
                }
            }
        }
    }

    /** Gives all operations to one stream with a time mark before each and one at the end: {@code times} has one more than there are. */
    void runTimed(CudaStream main, List<CudaEvent> times) {
        int at = 0;
        for (Step step : steps) {
            if (step instanceof Op op) {
                times.get(at++).recordInGraph(main);
                op.launch().on(main);
            }
        }
        times.get(at).recordInGraph(main);
    }

    @Override
    public void close() {
        events.forEach(CudaEvent::close);
        events.clear();
    }
}
