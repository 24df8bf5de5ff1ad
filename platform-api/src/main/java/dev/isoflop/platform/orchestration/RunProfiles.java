package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.RunProfileStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.runner.RunProfile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/** What attempts say of where their time and memory go, behind the fence and harmless when repeated. */
@Component
class RunProfiles {

    private static final int LONGEST_NAME = 200;
    private static final int MOST_LANES = 100_000;

    private final AttemptFence fence;
    private final RunProfileStore store;
    private final JsonMapper json;

    RunProfiles(AttemptFence fence, RunProfileStore store, JsonMapper json) {
        this.fence = fence;
        this.store = store;
        this.json = json;
    }

    @Transactional
    public void put(long runId, int attempt, RunProfile profile) {
        List<Problem.FieldError> errors = new Check().of(profile);
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The profile makes no sense.", errors);
        }
        fence.lock(runId, attempt);
        store.put(runId, attempt, json.writeValueAsString(profile));
    }

    /** Fields absent from the JSON arrive as null whatever their declared type. */
    private static final class Check {

        private final List<Problem.FieldError> errors = new ArrayList<>();

        List<Problem.FieldError> of(RunProfile p) {
            require("/step", p.step() >= 0, "at least 0");
            require("/tokensPerStep", p.tokensPerStep() >= 1, "at least 1");
            require("/flopsPerToken", isPositive(p.flopsPerToken()), "above 0");
            name("/device", p.device());
            require("/precision", p.precision() != null, "FP32 or BF16");
            require("/lanes", p.lanes() >= 1 && p.lanes() <= MOST_LANES, "1 to " + MOST_LANES);
            require("/runs", p.runs() >= 1 && p.runs() <= p.lanes(), "1 to lanes");
            peaks("/datasheet", p.datasheet());
            peaks("/measured", p.measured());
            memory(p.memory());
            require(
                    "/operations",
                    p.operations().size() <= RunProfile.MAX_OPERATIONS,
                    "at most " + RunProfile.MAX_OPERATIONS);
            for (int i = 0; i < Math.min(p.operations().size(), RunProfile.MAX_OPERATIONS); i++) {
                operation("/operations/" + i, p.operations().get(i));
            }
            return errors;
        }

        private void peaks(String pointer, RunProfile.@Nullable Peaks peaks) {
            if (peaks != null) {
                Double bandwidth = peaks.bytesPerSecond();
                require(pointer + "/flops", isPositive(peaks.flops()), "above 0");
                require(pointer + "/bytesPerSecond", bandwidth == null || isPositive(bandwidth), "above 0");
            }
        }

        private void memory(RunProfile.@Nullable Memory memory) {
            require("/memory", memory != null, "the bytes of each arena");
            if (memory != null) {
                require("/memory/parameters", memory.parameters() >= 0, "at least 0");
                require("/memory/gradients", memory.gradients() >= 0, "at least 0");
                require("/memory/optimizer", memory.optimizer() >= 0, "at least 0");
                require("/memory/activations", memory.activations() >= 0, "at least 0");
            }
        }

        private void operation(String pointer, RunProfile.Operation o) {
            name(pointer + "/name", o.name());
            require(pointer + "/count", o.count() >= 1, "at least 1");
            require(pointer + "/micros", isAmount(o.micros()), "a finite number, at least 0");
            require(pointer + "/flops", isAmount(o.flops()), "a finite number, at least 0");
            require(pointer + "/bytes", isAmount(o.bytes()), "a finite number, at least 0");
        }

        private void name(String pointer, @Nullable String name) {
            boolean good = name != null
                    && !name.isBlank()
                    && name.length() <= LONGEST_NAME
                    && name.indexOf('\0') < 0; // which PostgreSQL cannot store
            require(pointer, good, "1 to " + LONGEST_NAME + " characters");
        }

        private void require(String pointer, boolean holds, String expected) {
            if (!holds) {
                errors.add(new Problem.FieldError(pointer, "Not a valid value.", expected, null));
            }
        }

        private static boolean isPositive(double value) {
            return Double.isFinite(value) && value > 0;
        }

        private static boolean isAmount(double value) {
            return Double.isFinite(value) && value >= 0;
        }
    }
}
