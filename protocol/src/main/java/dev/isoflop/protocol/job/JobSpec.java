package dev.isoflop.protocol.job;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** What a runner is to do for one run. The {@code kind} property selects the record. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = PretrainSpec.class, name = "pretrain"),
    @JsonSubTypes.Type(value = DataSpec.class, name = "data"),
    @JsonSubTypes.Type(value = CommandSpec.class, name = "command"),
})
public sealed interface JobSpec permits PretrainSpec, DataSpec, CommandSpec {}
