package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.runner.RunProfile;
import org.jspecify.annotations.Nullable;

/**
 * What a model trains on.
 *
 * @param name such as {@code NVIDIA H100 80GB HBM3}
 * @param precision of activations and products
 * @param datasheet what the maker promises in that precision, null where the device is not known
 * @param measured what was measured here in that precision, null where nothing was
 */
public record TrainingDevice(
        String name, Precision precision, RunProfile.@Nullable Peaks datasheet, RunProfile.@Nullable Peaks measured) {}
