package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.scaling.question.QuestionException;
import java.util.Locale;
import java.util.Map;

/** Fields of a question as options of the command line. */
public final class OptionNames {

    private OptionNames() {}

    /** A constant as people write it. */
    public static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** The fault of a question, said of the option that asked it. */
    public static CliException usage(QuestionException e) {
        return usage(e, Map.of());
    }

    /** @param named options that are not called after their field */
    public static CliException usage(QuestionException e, Map<String, String> named) {
        String option = named.getOrDefault(
                e.field(), "--" + e.field().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
        return new CliException(ExitCode.USAGE, option + " " + e.fault() + ".");
    }
}
