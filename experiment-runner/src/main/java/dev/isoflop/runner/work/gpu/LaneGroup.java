package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.train.StepResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs of one shape and dataset that train together, and the thread that trains them.
 *
 * <p>It first waits a moment for runs that were claimed together, then makes an array of as many lanes, and steps all lanes that may go on
 * at once. A lane whose attempt has to look around (a metric, an evaluation, a signal) is waited for a few milliseconds, since others
 * mostly stop at the same step; one that stays away longer is left behind, and its place in the launches is idle until it is back. Lanes
 * that have ended are given to new runs, and left out of the array when few are left.
 *
 * <p>Concurrency: the monitor guards who is in the group; all that touches the device happens in the group's thread.
 */
final class LaneGroup implements Runnable, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(LaneGroup.class);

    private static final long GATHER_NANOS = 250_000_000;
    private static final long GATHER_MOST_NANOS = 2_000_000_000;
    private static final long PATIENCE_NANOS = 4_000_000;
    private static final long LINGER_MILLIS = 300;

    /** Sizes that arrays have, so that few shapes of products have to be timed. */
    private static final int[] SIZES = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};

    /**
     * What runs have to share to be lanes of one array.
     *
     * @param plan of one lane
     * @param dataset id of the data
     */
    record Shape(GpuPlan plan, String dataset) {

        boolean fits(Shape other) {
            GpuPlan a = plan;
            GpuPlan b = other.plan;
            return dataset.equals(other.dataset)
                    && a.spec().equals(b.spec())
                    && a.precision() == b.precision()
                    && a.batch() == b.batch()
                    && a.context() == b.context()
                    && a.accumulation() == b.accumulation()
                    && a.optimizer() == b.optimizer();
        }
    }

    private final LaneHost host;
    private final Shape shape;
    private final int most;
    private final List<LaneSession> members = new ArrayList<>();
    private final ArrayProfile profile = new ArrayProfile();
    private @Nullable LaneArray array;
    private boolean open = true;
    private int places;
    private long bytes;
    private long joinedAt = System.nanoTime();
    private volatile boolean stopping;
    private volatile @Nullable Thread thread;

    LaneGroup(LaneHost host, Shape shape) {
        this.host = host;
        this.shape = shape;
        this.most = Math.max(1, Math.min(host.calibration().lanes(shape.plan()), fitting()));
        this.places = most;
    }

    private int fitting() {
        long one = Math.max(1, shape.plan().totalBytes());
        return (int) Math.clamp(host.freeBytes() / one, 1, GpuPlan.MOST_LANES);
    }

    Shape shape() {
        return shape;
    }

    /** Takes a session if it fits and there is a place. */
    synchronized boolean join(Shape wanted, LaneSession session) {
        if (!open || members.size() >= places || !shape.fits(wanted)) {
            return false;
        }
        members.add(session);
        session.joined(this);
        joinedAt = System.nanoTime();
        notifyAll();
        return true;
    }

    /** Part of the device that the group keeps busy. */
    synchronized double load() {
        return members.size() / (double) host.calibration().lanes(shape.plan());
    }

    synchronized boolean holdsMemory() {
        return bytes > 0;
    }

    synchronized void wake() {
        notifyAll();
    }

    @Override
    public void run() {
        thread = Thread.currentThread();
        try {
            gather();
            while (!stopping && turn()) {
                // goes on
            }
            if (stopping && !members.isEmpty()) {
                throw new CudaLost("the runner ends");
            }
        } catch (Throwable e) {
            log.warn("{} runs of {} end: {}", members.size(), shape.plan().spec(), e.toString());
            end(e);
            host.failed(e);
        } finally {
            end(new CudaLost("the group has ended"));
            closeArray();
            host.ended(this, bytes);
        }
    }

    /** A group that stops although its runs are not done. */
    private static final class CudaLost extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        CudaLost(String message) {
            super(message);
        }
    }

    private void closeArray() {
        LaneArray trained = array;
        if (trained != null) {
            try {
                trained.close();
            } catch (CudaException e) {
                log.debug("array could not be closed: {}", e.toString()); // its context is lost
            }
        }
    }

    private synchronized void end(Throwable error) {
        open = false;
        members.forEach(m -> m.fail(error));
        members.clear();
    }

    /** Ends the group because the device's context is lost. */
    void abandon(CudaException error) {
        end(error);
        stopping = true;
        wake();
    }

    /** Ends the group and waits for its thread. */
    @Override
    public void close() {
        stopping = true;
        wake();
        Thread own = thread;
        if (own != null && own != Thread.currentThread()) {
            try {
                own.join(10_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // --- the array

    private void gather() throws InterruptedException {
        long begin = System.nanoTime();
        int lanes;
        synchronized (this) {
            while (!stopping && members.size() < most) {
                long now = System.nanoTime();
                long left = Math.min(joinedAt + GATHER_NANOS, begin + GATHER_MOST_NANOS) - now;
                if (left <= 0) {
                    break;
                }
                wait(Math.max(1, left / 1_000_000));
            }
            lanes = Math.min(most, size(members.size()));
            places = lanes;
        }
        GpuPlan plan = shape.plan().withLanes(lanes);
        long wanted = plan.totalBytes();
        host.reserve(wanted);
        synchronized (this) {
            bytes = wanted;
        }
        long begun = System.nanoTime();
        LaneArray made = open(plan);
        array = made;
        synchronized (this) {
            places = made.plan().lanes();
        }
        log.info(
                "{} lanes of {} parameters, {} MiB, ready in {} ms",
                made.plan().lanes(),
                plan.spec().parameters(),
                made.plan().totalBytes() >> 20,
                (System.nanoTime() - begun) / 1_000_000);
    }

    /** An array of as many lanes, or of fewer if the device has less memory than it said; who finds no place in it waits for one. */
    private LaneArray open(GpuPlan wanted) {
        GpuPlan plan = wanted;
        while (true) {
            try {
                return host.open(shape, plan);
            } catch (CudaException e) {
                if (!e.isOutOfMemory() || plan.lanes() == 1) {
                    throw e;
                }
                log.warn("{} lanes do not fit after all ({}); trying half", plan.lanes(), e.getMessage());
                plan = plan.withLanes(plan.lanes() / 2);
            }
        }
    }

    private static int size(int members) {
        for (int size : SIZES) {
            if (size >= members) {
                return size;
            }
        }
        return SIZES[SIZES.length - 1];
    }

    /** One look at all members and whatever follows from it; false when there is nothing left to do. */
    private boolean turn() throws InterruptedException, IOException {
        List<LaneSession> all;
        synchronized (this) {
            all = List.copyOf(members);
        }
        LaneArray trained = java.util.Objects.requireNonNull(array);
        boolean changed = admitAndRelease(trained, all);
        if (changed) {
            return true;
        }
        if (all.isEmpty()) {
            return linger();
        }
        List<LaneSession> now = all.stream().filter(m -> m.lane >= 0).toList();
        if (answer(trained, now)) {
            return true;
        }
        profile.answer(now);
        boolean[] held = new boolean[trained.plan().lanes()];
        boolean any = false;
        boolean expected = false;
        long nanos = System.nanoTime();
        for (LaneSession m : now) {
            boolean goes = m.limit() > trained.stepsSubmitted(m.lane);
            held[m.lane] = !goes;
            any |= goes;
            if (goes) {
                m.stillSince = 0;
            } else if (trained.stepsSubmitted(m.lane) < m.options().steps()) {
                if (m.stillSince == 0) {
                    m.stillSince = nanos;
                }
                expected |= nanos - m.stillSince < PATIENCE_NANOS;
            }
        }
        if (any && !expected) {
            if (profile.isDue(now)) {
                settle(trained, now);
                measure(trained, now, held);
            } else if (trained.canSubmit()) {
                trained.submit(held);
                trained.collect((lane, result) -> deliver(now, lane, result));
            } else {
                trained.await((lane, result) -> deliver(now, lane, result));
            }
        } else if (trained.inFlight() > 0) {
            trained.await((lane, result) -> deliver(now, lane, result));
        } else {
            pause(any ? 1 : 20);
        }
        return true;
    }

    private static void deliver(List<LaneSession> members, int lane, StepResult result) {
        for (LaneSession m : members) {
            if (m.lane == lane) {
                m.deliver(result);
            }
        }
    }

    /** Whether someone came or went. */
    private boolean admitAndRelease(LaneArray trained, List<LaneSession> now) throws IOException {
        boolean changed = false;
        for (LaneSession m : now) {
            if (m.isClosed()) {
                settle(trained, now);
                if (m.lane >= 0) {
                    trained.release(m.lane);
                }
                synchronized (this) {
                    members.remove(m);
                }
                changed = true;
            } else if (m.lane < 0) {
                int lane = free(trained);
                if (lane >= 0) {
                    settle(trained, now);
                    admit(trained, m, lane);
                    changed = true;
                }
            }
        }
        if (changed) {
            shrink(trained);
        }
        return changed;
    }

    private static int free(LaneArray trained) {
        for (int lane = 0; lane < trained.plan().lanes(); lane++) {
            if (trained.free(lane)) {
                return lane;
            }
        }
        return -1;
    }

    private void admit(LaneArray trained, LaneSession m, int lane) throws IOException {
        try {
            if (m.checkpoint() == null) {
                trained.start(lane, m.options());
            } else {
                trained.resume(lane, m.checkpoint());
            }
        } catch (IOException | IllegalArgumentException e) {
            // its own fault: the others go on
            synchronized (this) {
                members.remove(m);
            }
            m.fail(e);
            return;
        }
        m.lane = lane;
        m.begin(trained.stepsDone(lane));
    }

    /** Leaves empty lanes out once half of them are, unless what is left would not be worth it. */
    private void shrink(LaneArray trained) {
        int[] kept;
        List<LaneSession> now;
        synchronized (this) {
            now = List.copyOf(members);
            if (now.isEmpty() || now.stream().anyMatch(m -> m.lane < 0)) {
                return;
            }
            int lanes = trained.plan().lanes();
            int wanted = size(now.size());
            long left = now.stream()
                    .mapToLong(m -> m.options().steps() - trained.stepsDone(m.lane))
                    .max()
                    .orElse(0);
            double seconds = left * host.calibration().stepSeconds(trained.plan());
            if (2 * wanted > lanes || seconds < SHRINK_SECONDS) {
                return;
            }
            kept = new int[wanted];
            boolean[] used = new boolean[lanes];
            now.forEach(m -> used[m.lane] = true);
            int at = 0;
            int empty = wanted - now.size();
            for (int lane = 0; lane < lanes && at < wanted; lane++) {
                if (used[lane] || empty-- > 0) {
                    kept[at++] = lane;
                }
            }
            places = wanted;
        }
        trained.keep(kept);
        profile.forget();
        for (LaneSession m : now) {
            m.lane = java.util.Arrays.binarySearch(kept, m.lane);
        }
    }

    /** Remaining time above which a smaller array pays for its making. */
    private static final double SHRINK_SECONDS = 3;

    /** Evaluates and copies where asked; whether anything was. */
    private boolean answer(LaneArray trained, List<LaneSession> now) {
        boolean asked = false;
        for (LaneSession m : now) {
            switch (m.request()) {
                case null -> {}
                case LaneSession.Request.Copy copy -> {
                    settle(trained, now);
                    m.answered();
                    copy.state().complete(trained.snapshot(m.lane));
                    asked = true;
                }
                case LaneSession.Request.Evaluate first -> {
                    settle(trained, now);
                    evaluate(trained, now, first.maxTokens());
                    asked = true;
                }
            }
        }
        return asked;
    }

    /** One evaluation of all lanes answers all that want the same. */
    private void evaluate(LaneArray trained, List<LaneSession> now, long maxTokens) {
        double[] losses = trained.evaluate(maxTokens);
        for (LaneSession m : now) {
            if (m.request() instanceof LaneSession.Request.Evaluate e && e.maxTokens() == maxTokens) {
                m.answered();
                e.loss().complete(losses[m.lane]);
            }
        }
    }

    /** The next step, with the time of its operations. A device that cannot tell them trains on without. */
    private void measure(LaneArray trained, List<LaneSession> now, boolean[] held) {
        long before = submitted(trained, now);
        try {
            List<OpTime> operations = trained.profile(held, (lane, result) -> deliver(now, lane, result));
            profile.measured(ArrayProfile.of(now.getFirst().device(), trained.plan(), now.size(), operations));
            profile.answer(now);
        } catch (CudaException e) {
            if (e.isSticky() || submitted(trained, now) != before) {
                throw e; // a step was begun that did not end
            }
            log.warn(
                    "the time of operations of {} cannot be measured: {}",
                    shape.plan().spec(),
                    e.toString());
            profile.failed();
        }
    }

    private static long submitted(LaneArray trained, List<LaneSession> now) {
        return now.stream().mapToLong(m -> trained.stepsSubmitted(m.lane)).sum();
    }

    private static void settle(LaneArray trained, List<LaneSession> now) {
        while (trained.inFlight() > 0) {
            trained.await((lane, result) -> deliver(now, lane, result));
        }
    }

    private synchronized void pause(long millis) throws InterruptedException {
        if (members.stream().noneMatch(m -> m.isClosed() || m.request() != null)) {
            wait(millis);
        }
    }

    /** Waits for another run of the shape; false, and no more are taken, if none came. */
    private synchronized boolean linger() throws InterruptedException {
        if (members.isEmpty() && !stopping) {
            wait(LINGER_MILLIS);
        }
        open = !members.isEmpty();
        return open;
    }
}
