package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TableException;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** What commands that read a table of N, D or C, and loss have in common. */
public final class TableOptions {

    /** Names a column of a table of runs. */
    static final String COLUMN = "--column";

    @Option(
            names = COLUMN,
            paramLabel = "WHAT=NAME",
            description = {
                "Which column is what, where its name does not say it. WHAT is one of",
                "${COMPLETION-CANDIDATES}."
            })
    private Map<Column, String> columns = new LinkedHashMap<>();

    @Option(names = "--mixed", description = TableFit.MIXED)
    private boolean mixed;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    public boolean asJson() {
        return json;
    }

    /** @throws CliException if there is no such file, or it cannot be used */
    public PointTable read(Path file) throws IOException {
        return read(file, List.of());
    }

    /**
     * @param needed columns beside N, D or C, and loss
     * @throws CliException if there is no such file, or it cannot be used
     */
    public PointTable read(Path file, List<Column> needed) throws IOException {
        return TableFit.read(file, columns, needed, mixed);
    }

    /**
     * With bits per byte for the loss, where the table has them.
     *
     * @throws CliException if there is no such file, or it cannot be used
     */
    PointTable readBitsPerByte(Path file) throws IOException {
        return TableFit.comparable(orUsage(file, COLUMN, () -> PointTable.ofBitsPerByte(file, columns)), mixed);
    }

    /** What reads a table. */
    interface Reading<T> {
        T read() throws TableException, IOException;
    }

    /**
     * What is read of a file.
     *
     * @param option that names a column of it
     * @throws CliException if there is no such file, or it cannot be used
     */
    static <T> T orUsage(Path file, String option, Reading<T> reading) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new CliException(ExitCode.USAGE, "There is no file " + file + ".");
        }
        try {
            return reading.read();
        } catch (TableException e) {
            String advice = e.unnamed()
                    .map(column -> " Say which it is with " + option + " " + column + "=NAME.")
                    .orElse("");
            throw new CliException(ExitCode.USAGE, file + ", " + e.getMessage() + "." + advice);
        } catch (MalformedInputException e) {
            throw new CliException(ExitCode.USAGE, file + " is neither Parquet nor text in UTF-8.");
        }
    }

    /** What a fit gives, or its refusal as the command's own. */
    public static <T> T orFail(FitOutcome<T> outcome) {
        if (outcome instanceof FitOutcome.Refused<T> refused) {
            throw new CliException(ExitCode.FAILED, refused.sentence());
        }
        return outcome.orElseThrow();
    }
}
