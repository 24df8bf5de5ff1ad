package dev.isoflop.scaling.accounting;

/** The cache of keys and values, and what decoding takes when the memory's bandwidth bounds it. */
final class ServingAccount {

    final Section cache;
    final Section decoding;

    ServingAccount(Shape m, ParameterAccount parameters, FlopAccount flops, Workload w, Deployment on) {
        Term u = Term.named("u", w.precision().bytes());
        Term batch = Term.named("B", w.batchSequences());
        Section.Builder kv = new Section.Builder(
                "kvCache",
                "KV cache",
                "A key and a value for each key-value head of each block, in u = "
                        + w.precision().bytes() + " bytes.");
        Line perToken = kv.other(
                "perToken", "KV a token", Term.product(2, m.L, m.g, m.dh).times(u), Unit.BYTES_PER_TOKEN);
        Line perSequence =
                kv.other("perSequence", "KV a sequence", perToken.term().times(m.T), Unit.BYTES);
        Line all = kv.other("batch", "KV of B sequences", perSequence.term().times(batch), Unit.BYTES);
        this.cache = kv.build();

        Section.Builder out = new Section.Builder(
                "decoding",
                "Decoding, one device",
                "One token for each of B sequences with a full cache: the weights are read once for all of them, the cache of each for itself"
                        + " (Pope et al. 2022). The longer of the two times is the least a step takes; it fits if weights and cache do.");
        Term read = parameters.total.minus(parameters.lookedUp);
        if (parameters.lookedUp.value() == 0) {
            read = parameters.total;
        }
        if (m.of.isMixture()) {
            // a token takes k of E; of B tokens, each expert is left out by all with probability (1 - k/E)^B
            Term untouched = m.E.times(Term.of(1).minus(m.k.over(m.E)).power(batch));
            read = read.minus(untouched.times(parameters.expert.as("an expert")));
        }
        Line weights = out.other("weights", "weights read", u.times(read), Unit.BYTES);
        Term bandwidth = Term.named("bandwidth", on.device().bytesPerSecond());
        Term peak = Term.named("peak", on.device().flops(w.precision()));
        Line memoryTime = out.other(
                "memorySeconds",
                "time of the memory",
                weights.term().plus(all.term()).over(bandwidth),
                Unit.SECONDS);
        Term keys = Term.product(4, m.L, m.h, m.dh).times(m.T);
        Line work = out.other(
                "flops",
                "FLOPs a token",
                flops.forwardPerToken
                        .minus(flops.forward.line("attention").term())
                        .plus(keys),
                Unit.FLOPS_PER_TOKEN);
        Line computeTime = out.other(
                "computeSeconds",
                "time of the products",
                batch.times(work.term()).over(peak),
                Unit.SECONDS);
        Line step = out.other("stepSeconds", "time a step", memoryTime.term().max(computeTime.term()), Unit.SECONDS);
        out.other("tokensPerSecond", "tokens a second", batch.over(step.term()), Unit.TOKENS_PER_SECOND);
        Term mfu = Term.named("MFU", on.mfu());
        out.other(
                "prefillSeconds",
                "time to read B prompts",
                batch.times(m.T, flops.forwardPerToken).over(mfu.times(peak)),
                Unit.SECONDS);
        Line resident = out.other("resident", "all weights", u.times(parameters.total), Unit.BYTES);
        out.other(
                "ofDevice",
                "of the device's memory",
                resident.term()
                        .plus(all.term())
                        .over(Term.named("memory of the device", on.device().memoryBytes())),
                Unit.RATIO);
        this.decoding = out.build();
    }
}
