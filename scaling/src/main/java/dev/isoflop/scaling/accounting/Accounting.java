package dev.isoflop.scaling.accounting;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model takes: every figure with its arithmetic.
 *
 * @param architecture as it was reckoned with, defaults filled in
 * @param workload likewise
 * @param deployment likewise
 * @param sections parameters, forward, backward, training, memory, engine, kvCache, decoding and time, in that order
 * @param noEngine why there is no section of Isoflop's own engine; null where there is one
 */
public record Accounting(
        Architecture architecture,
        Workload workload,
        Deployment deployment,
        List<Section> sections,
        @Nullable String noEngine) {

    /** Reckons. */
    public static Accounting of(Architecture architecture, Workload workload, Deployment deployment) {
        Shape shape = new Shape(architecture);
        ParameterAccount parameters = new ParameterAccount(shape);
        FlopAccount flops = new FlopAccount(shape, parameters, workload);
        EngineMemory engine = new EngineMemory(shape, workload, deployment);
        ServingAccount serving = new ServingAccount(shape, parameters, flops, workload, deployment);
        List<Section> sections = new ArrayList<>(List.of(
                parameters.section,
                flops.forward,
                flops.backward,
                flops.training,
                new MemoryAccount(shape, parameters, workload, deployment).section));
        if (engine.section != null) {
            sections.add(engine.section);
        }
        sections.add(new TimeAccount(shape, parameters, flops, workload, deployment).section);
        sections.add(serving.cache);
        sections.add(serving.decoding);
        return new Accounting(architecture, workload, deployment, List.copyOf(sections), engine.foreign);
    }

    /** @throws IllegalArgumentException if there is no such section */
    public Section section(String key) {
        return sections.stream()
                .filter(section -> section.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no section " + key));
    }
}
