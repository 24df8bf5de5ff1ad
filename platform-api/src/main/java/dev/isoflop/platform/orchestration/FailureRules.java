package dev.isoflop.platform.orchestration;

import dev.isoflop.protocol.runner.FinishAttempt.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.stereotype.Component;

/**
 * Judges why an attempt failed, by a table of rules of which the first that matches decides: the operator's
 * ({@code isoflop.failures.rules}), then those below, and if none does, what the runner itself makes of it. A rule looks at one line of
 * evidence at a time: the failure's code and message, the exception, the last words of a program, the end of the attempt's log.
 */
@Component
class FailureRules {

    /** The name of the verdict where no rule matches. */
    static final String AS_REPORTED = "as-reported";

    private static final int LONGEST_EVIDENCE = 500;

    private static final List<FailureRule> OWN = List.of(
            FailureRule.of(
                    "gpu-ecc",
                    "CUDA_ERROR_ECC_UNCORRECTABLE|(?i:uncorrectable ECC error)|Xid[^\n]*: (48|63|64|94|95)\\b",
                    FailureClass.DEVICE,
                    FailureRule.Place.SET_ASIDE),
            FailureRule.of(
                    "gpu-lost",
                    "(?i:fallen off the bus)|GPU is lost|CUDA_ERROR_DEVICE_(UNAVAILABLE|NOT_LICENSED)|Xid[^\n]*: 79\\b|CUDA_ERROR_NO_DEVICE"
                            + "|no CUDA-capable device is detected",
                    FailureClass.DEVICE,
                    FailureRule.Place.SET_ASIDE),
            FailureRule.of(
                    "out-of-memory",
                    "^out-of-(device-)?memory: |CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|torch\\.(cuda\\.)?OutOfMemoryError"
                            + "|RESOURCE_EXHAUSTED: Out of memory|java\\.lang\\.OutOfMemoryError",
                    FailureClass.OUT_OF_MEMORY,
                    FailureRule.Place.KEEP),
            FailureRule.of(
                    "nccl",
                    "NCCL (error|failure)|nccl(System|Internal|Remote|UnhandledCuda)Error|(?i:NCCL[^\n]*(watchdog|timed out|timeout))",
                    FailureClass.DEVICE,
                    FailureRule.Place.AVOID),
            FailureRule.of("gpu-xid", "NVRM: Xid", FailureClass.DEVICE, FailureRule.Place.AVOID),
            FailureRule.of(
                    "gpu-context-lost",
                    "the GPU context is lost|CUDA error: (an illegal memory access|unspecified launch failure|misaligned address"
                            + "|an illegal instruction|device-side assert|the launch timed out)|CUDA_ERROR_(ILLEGAL_ADDRESS|LAUNCH_FAILED"
                            + "|LAUNCH_TIMEOUT|HARDWARE_STACK_ERROR|ILLEGAL_INSTRUCTION|MISALIGNED_ADDRESS|INVALID_ADDRESS_SPACE|INVALID_PC)",
                    FailureClass.DEVICE,
                    FailureRule.Place.AVOID),
            FailureRule.of("gpu-error", "^gpu-error: ", FailureClass.DEVICE, FailureRule.Place.AVOID),
            FailureRule.of("stalled", "^stalled: ", FailureClass.INFRASTRUCTURE, FailureRule.Place.AVOID),
            FailureRule.of(
                    "disk-full",
                    "^disk-full: |No space left on device|Disk quota exceeded",
                    FailureClass.INFRASTRUCTURE,
                    FailureRule.Place.KEEP),
            FailureRule.of(
                    "diverged",
                    "^diverged: |(?i:loss (is|was|became|has become|=|:) ?(nan|inf)\\b)",
                    FailureClass.DIVERGED,
                    FailureRule.Place.KEEP),
            FailureRule.of("invalid-work", "^invalid-work: ", FailureClass.DATA, FailureRule.Place.KEEP));

    private final List<FailureRule> rules;

    FailureRules(FailureSettings settings) {
        rules = Stream.concat(settings.rules().stream().map(FailureSettings.Rule::compiled), OWN.stream())
                .toList();
    }

    /**
     * @param rule that decided
     * @param evidence the line it decided by
     */
    record Judgement(FailureClass verdict, String rule, String evidence, FailureRule.Place place) {}

    /** @param log the last lines of the attempt's log, oldest first */
    Judgement judge(Failure failure, List<String> log) {
        List<String> evidence = new ArrayList<>();
        evidence.add(failure.code() + ": " + failure.message());
        if (failure.stackTrace() != null) {
            failure.stackTrace().lines().forEach(evidence::add);
        }
        evidence.addAll(log);
        for (FailureRule rule : rules) {
            Optional<String> line = evidence.stream()
                    .filter(l -> rule.pattern().matcher(l).find())
                    .findFirst();
            if (line.isPresent()) {
                return new Judgement(rule.verdict(), rule.name(), shortened(line.get()), rule.place());
            }
        }
        return new Judgement(asReported(failure), AS_REPORTED, shortened(evidence.getFirst()), FailureRule.Place.KEEP);
    }

    private static FailureClass asReported(Failure failure) {
        return switch (failure.category()) {
            case USER -> FailureClass.USER;
            case INVALID_INPUT -> FailureClass.DATA;
            case OUT_OF_MEMORY -> FailureClass.OUT_OF_MEMORY;
            case INFRASTRUCTURE -> FailureClass.INFRASTRUCTURE;
        };
    }

    private static String shortened(String line) {
        String storable = line.strip().replace('\0', '\uFFFD');
        return storable.length() <= LONGEST_EVIDENCE ? storable : storable.substring(0, LONGEST_EVIDENCE) + " …";
    }
}
