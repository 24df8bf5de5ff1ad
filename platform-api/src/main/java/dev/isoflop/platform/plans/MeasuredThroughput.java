package dev.isoflop.platform.plans;

import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.question.PlanQuestion;
import java.util.Optional;
import java.util.OptionalDouble;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** What devices have reached in training. */
@Component
class MeasuredThroughput {

    private final JdbcClient jdbc;

    MeasuredThroughput(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    boolean isSweep(long id) {
        return jdbc.sql("select exists (select from sweep where id = ?)")
                .param(id)
                .query(Boolean.class)
                .single();
    }

    /**
     * FLOP/s of one GPU over the attempts of the sweep's finished runs. Runs that shared a GPU are charged their shares of its time, so
     * this is what the GPU did, not one lane; steps that were trained twice count twice.
     *
     * @return empty if no run has finished on a GPU
     */
    Optional<PlanQuestion.Measured> ofSweep(long sweep) {
        OptionalDouble perSecond = measured(sweep, true);
        return perSecond.isEmpty()
                ? Optional.empty()
                : Optional.of(new PlanQuestion.Measured(perSecond.getAsDouble(), precision(sweep)));
    }

    private Precision precision(long sweep) {
        return jdbc.sql("select coalesce(spec -> 'training' ->> 'precision', 'FP32') from sweep where id = ?")
                .param(sweep)
                .query((rs, i) -> Precision.valueOf(rs.getString(1)))
                .single();
    }

    /** The same, or FLOP/s of a whole runner without a GPU where none has trained on one. */
    OptionalDouble ofRunners(long sweep) {
        OptionalDouble gpu = measured(sweep, true);
        return gpu.isPresent() ? gpu : measured(sweep, false);
    }

    private OptionalDouble measured(long sweep, boolean onGpu) {
        return jdbc.sql("""
                        select sum(a.flops * r.flops_exact / r.flops) / nullif(sum(a.device_seconds), 0)
                          from attempt a join run r on r.id = a.run_id
                         where r.sweep_id = ? and r.kind = 'pretrain' and r.state = 'succeeded'
                           and a.on_gpu = ? and a.flops > 0 and r.flops > 0 and r.flops_exact > 0
                        """)
                .param(sweep)
                .param(onGpu)
                .query((rs, i) -> {
                    double value = rs.getDouble(1);
                    return rs.wasNull() ? OptionalDouble.empty() : OptionalDouble.of(value);
                })
                .single();
    }
}
