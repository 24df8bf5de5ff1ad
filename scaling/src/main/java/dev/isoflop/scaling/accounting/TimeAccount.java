package dev.isoflop.scaling.accounting;

/** How long training takes and what it costs, at a utilisation. */
final class TimeAccount {

    final Section section;

    TimeAccount(Shape m, ParameterAccount parameters, FlopAccount flops, Workload w, Deployment on) {
        Section.Builder out = new Section.Builder(
                "time",
                "Time and cost of training",
                "Time = FLOPs ÷ (MFU × peak × devices), by the model's own FLOPs: what is computed again counts as lost time, and is in the"
                        + " MFU (Chowdhery et al. 2022).");
        Term tokens = Term.named("D", w.tokens());
        Term devices = Term.named("devices", on.devices());
        Line total = out.other("flops", "C", flops.perToken.times(tokens), Unit.FLOPS);
        out.other("sixNd", "6 N D", Term.product(6, parameters.active, tokens), Unit.FLOPS);
        out.other("tokensPerParameter", "D over N", tokens.over(parameters.active), Unit.RATIO);
        Term rate =
                Term.named("MFU", on.mfu()).times(Term.named("peak", on.device().flops(w.precision())), devices);
        Line reached = out.other("rate", "FLOP/s reached", rate, Unit.FLOPS_PER_SECOND);
        out.other("tokensPerSecond", "tokens a second", reached.term().over(flops.perToken), Unit.TOKENS_PER_SECOND);
        Term pass = devices.times(Term.named("B", w.batchSequences()), m.T);
        out.other("stepSeconds", "time a step", flops.perToken.times(pass).over(reached.term()), Unit.SECONDS);
        out.other("steps", "steps", tokens.over(pass).ceiling(), Unit.RATIO);
        Line seconds = out.other("seconds", "time", total.term().over(reached.term()), Unit.SECONDS);
        Line hours = out.other(
                "deviceHours", "device-hours", seconds.term().times(devices).over(3600), Unit.DEVICE_HOURS);
        Double price = on.pricePerHour();
        if (price != null) {
            out.other("cost", "cost", hours.term().times(Term.named("price", price)), Unit.MONEY);
        }
        this.section = out.build();
    }
}
