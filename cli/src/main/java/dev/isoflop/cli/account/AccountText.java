package dev.isoflop.cli.account;

import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.accounting.Accounting;
import dev.isoflop.scaling.accounting.Architecture;
import dev.isoflop.scaling.accounting.Line;
import dev.isoflop.scaling.accounting.Section;
import dev.isoflop.scaling.accounting.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An accounting as lines of text: name, value, and the arithmetic. */
final class AccountText {

    private static final String[] BYTES = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

    private AccountText() {}

    static List<String> lines(Accounting accounting) {
        List<String> lines = new ArrayList<>();
        Architecture a = accounting.architecture();
        Workload w = accounting.workload();
        lines.add(String.format(
                Locale.ROOT,
                "V %d, T %d, d %d, L %d, h %d, g %d, d_h %d, f %d%s; B %d, D %s, %s, %s; %d × %s, MFU %s",
                a.vocabSize(),
                a.contextLength(),
                a.dModel(),
                a.layers(),
                a.heads(),
                a.kvHeads(),
                a.headDim(),
                a.dFf(),
                a.experts() > 0 ? ", E " + a.experts() + ", k " + a.expertsPerToken() + ", s " + a.sharedExperts() : "",
                w.batchSequences(),
                Numbers.power(w.tokens()),
                w.precision().name().toLowerCase(Locale.ROOT),
                w.optimizer().name().toLowerCase(Locale.ROOT),
                accounting.deployment().devices(),
                accounting.deployment().device().name(),
                accounting.deployment().mfu()));
        for (Section section : accounting.sections()) {
            lines.add("");
            lines.add(section.title());
            lines.add("  " + section.note());
            int name = section.lines().stream()
                    .mapToInt(l -> l.name().length())
                    .max()
                    .orElse(0);
            section.parts().forEach(l -> lines.add(line(l, name)));
            Line total = section.total();
            if (total != null) {
                lines.add(line(total, name));
            }
            section.others().forEach(l -> lines.add(line(l, name)));
        }
        if (accounting.noEngine() != null) {
            lines.add("");
            lines.add("Isoflop's own engine does not train this: " + accounting.noEngine() + ".");
        }
        return lines;
    }

    private static String line(Line line, int width) {
        return String.format(
                Locale.ROOT,
                "  %-" + width + "s  %16s  = %s = %s",
                line.name(),
                value(line),
                line.formula(),
                line.numbers());
    }

    private static String value(Line line) {
        double v = line.value();
        return switch (line.unit()) {
            case PARAMETERS -> String.format(Locale.ROOT, "%,.0f", v);
            case FLOPS, FLOPS_PER_TOKEN -> Numbers.power(v);
            case FLOPS_PER_SECOND -> Numbers.power(v) + "/s";
            case BYTES, BYTES_PER_TOKEN -> bytes(v);
            case TOKENS -> Numbers.count(v);
            case TOKENS_PER_SECOND -> Numbers.count(v) + "/s";
            case SECONDS -> v < 1 ? Numbers.plain(v * 1e3) + " ms" : v < 120 ? Numbers.plain(v) + " s" : longer(v);
            case DEVICE_HOURS -> Numbers.plain(v) + " h";
            case MONEY -> String.format(Locale.ROOT, "%,.2f", v);
            case RATIO -> Numbers.plain(v);
        };
    }

    private static String longer(double seconds) {
        return seconds < 2 * 86_400
                ? Numbers.duration(seconds)
                : String.format(Locale.ROOT, "%,.1f days", seconds / 86_400);
    }

    private static String bytes(double value) {
        int i = 0;
        double scaled = value;
        while (scaled >= 1024 && i < BYTES.length - 1) {
            scaled /= 1024;
            i++;
        }
        return String.format(Locale.ROOT, i == 0 ? "%.0f %s" : "%.4g %s", scaled, BYTES[i]);
    }
}
