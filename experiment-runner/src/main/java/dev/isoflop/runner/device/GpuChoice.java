package dev.isoflop.runner.device;

import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which GPUs of its machine a runner offers. */
public sealed interface GpuChoice {

    /** Every one there is, none if there is none. */
    record All() implements GpuChoice {}

    /** None; nobody looks for any, so CUDA is not even started. */
    record None() implements GpuChoice {}

    /** @param indices their numbers as CUDA counts them, at least one */
    record These(SortedSet<Integer> indices) implements GpuChoice {}

    /**
     * @param text {@code all}, {@code none}, or numbers such as {@code 0,1}
     * @throws IllegalArgumentException if it is none of these; the message names the option and what it takes
     */
    static GpuChoice parse(String text) {
        String trimmed = text.strip();
        if (trimmed.equalsIgnoreCase("all")) {
            return new All();
        }
        if (trimmed.equalsIgnoreCase("none")) {
            return new None();
        }
        SortedSet<Integer> indices = new TreeSet<>();
        for (String word : trimmed.split(",", -1)) {
            if (!word.strip().matches("\\d{1,4}")) {
                throw new IllegalArgumentException("--gpus (or ISOFLOP_GPUS) is '" + trimmed
                        + "'; it takes all, none, or the numbers of GPUs, such as 0,1.");
            }
            indices.add(Integer.parseInt(word.strip()));
        }
        return new These(indices);
    }

    /**
     * Those that are meant of what was found.
     *
     * @throws IllegalArgumentException if one that was named is not there; the message says which there are
     */
    default List<Device> choose(DeviceProbe.Found found) {
        return switch (this) {
            case All() -> found.devices();
            case None() -> List.of();
            case These(SortedSet<Integer> indices) -> chosen(indices, found);
        };
    }

    private static List<Device> chosen(SortedSet<Integer> indices, DeviceProbe.Found found) {
        List<Device> chosen = new ArrayList<>();
        SortedSet<Integer> missing = new TreeSet<>(indices);
        for (Device device : found.devices()) {
            if (missing.remove(device.index())) {
                chosen.add(device);
            }
        }
        if (missing.isEmpty()) {
            return List.copyOf(chosen);
        }
        String there = found.devices().isEmpty()
                ? "no GPU can be used here; leave --gpus out or give none to run on the CPU."
                : "there are "
                        + found.devices().stream()
                                .map(d -> d.index() + " (" + d.name() + ")")
                                .collect(Collectors.joining(", "))
                        + "; name some of these, or all.";
        String why = found.reason().isEmpty() ? "" : "\nWhy: " + found.reason();
        throw new IllegalArgumentException("--gpus (or ISOFLOP_GPUS) names GPU "
                + missing.stream().map(String::valueOf).collect(Collectors.joining(", "))
                + ", but " + there + why);
    }
}
