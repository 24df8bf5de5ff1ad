package dev.isoflop.protocol.job;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a succeeded run hands back, one record per kind of work. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = JobResult.Pretrained.class, name = "pretrain"),
    @JsonSubTypes.Type(value = JobResult.Dataset.class, name = "data"),
    @JsonSubTypes.Type(value = JobResult.Command.class, name = "command"),
})
public sealed interface JobResult {

    /**
     * @param finalLoss held-out loss after the last step, nats per token; NaN or infinite when the run diverged
     * @param bitsPerByte the same loss per byte of held-out text, in bits
     * @param evalTokens held-out tokens the final loss was measured on
     * @param steps optimizer steps taken
     * @param tokens D, training tokens seen (repeats counted)
     * @param tokensPerSecond D over the seconds spent in training steps
     * @param trainSeconds seconds spent in training steps over all attempts, as far as the runner knows
     * @param diverged whether the loss stopped being finite; a result, not an error
     */
    record Pretrained(
            double finalLoss,
            double bitsPerByte,
            long evalTokens,
            long steps,
            long tokens,
            double tokensPerSecond,
            double trainSeconds,
            boolean diverged)
            implements JobResult {}

    /**
     * @param id hash of the options the dataset was built from
     * @param trainTokens tokens in the training split
     * @param validationTokens tokens in the held-out split
     * @param validationBytes bytes of held-out text
     * @param trainDocuments documents in the training split
     * @param validationDocuments documents in the held-out split
     * @param vocabSize size of the tokenizer
     * @param tokenizerHash hash of the tokenizer file; runs compare only where it agrees
     * @param files everything a pretraining run needs, uploaded as artifacts
     */
    record Dataset(
            String id,
            long trainTokens,
            long validationTokens,
            long validationBytes,
            int trainDocuments,
            int validationDocuments,
            int vocabSize,
            String tokenizerHash,
            List<FileRef> files)
            implements JobResult {

        public Dataset {
            files = List.copyOf(files);
        }
    }

    /**
     * @param exitCode of the program, always 0 for a success
     * @param metrics last value of each metric it reported, by name
     * @param outputs files it left that were asked for, uploaded as artifacts
     * @param wallSeconds it ran, over all attempts as far as the runner knows
     */
    record Command(int exitCode, Map<String, Double> metrics, List<FileRef> outputs, double wallSeconds)
            implements JobResult {

        public Command {
            // in one order, so that the same result is always written alike
            metrics = Collections.unmodifiableMap(new TreeMap<>(Map.copyOf(metrics)));
            outputs = List.copyOf(outputs);
        }
    }
}
