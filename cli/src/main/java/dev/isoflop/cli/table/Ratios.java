package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;

/** Bounds of tokens a parameter, as an option has them. */
record Ratios(double low, double high) {

    /** @throws CliException if they are no two numbers */
    static Ratios of(String text) {
        String[] ends = text.split(":", -1);
        try {
            return new Ratios(Double.parseDouble(ends[0]), Double.parseDouble(ends.length == 2 ? ends[1] : ""));
        } catch (NumberFormatException e) {
            throw new CliException(
                    ExitCode.USAGE, "--tokens-per-parameter is two numbers such as 1:400, was '" + text + "'.");
        }
    }
}
