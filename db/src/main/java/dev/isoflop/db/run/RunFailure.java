package dev.isoflop.db.run;

/**
 * Why a run failed for good.
 *
 * @param category user, invalid_input, out_of_memory, infrastructure, preemption or dependency
 * @param code short and stable
 * @param message one sentence
 */
public record RunFailure(String category, String code, String message) {}
