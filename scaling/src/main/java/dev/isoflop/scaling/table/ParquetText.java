package dev.isoflop.scaling.table;

import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.schema.ColumnSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;

/** A flat Parquet file as CSV, so that what tables mean is said once. Files of runs are small: it is held as a whole. */
final class ParquetText {

    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

    // it tells of the instructions it uses, on the terminal; held, or the setting is collected with it
    private static final Logger QUIET = Logger.getLogger("dev.hardwood");

    static {
        QUIET.setLevel(Level.WARNING);
    }

    private ParquetText() {}

    static boolean isParquet(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return java.util.Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
        }
    }

    /** @throws TableException if the file is damaged, or has columns within columns */
    static String csv(Path file) throws TableException {
        try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file))) {
            if (!parquet.getFileSchema().isFlatSchema()) {
                throw new TableException(0, "its Parquet has columns within columns; write one column a quantity");
            }
            List<ColumnSchema> columns = parquet.getFileSchema().getColumns();
            StringWriter out = new StringWriter();
            try (CSVPrinter printer = new CSVPrinter(out, CSVFormat.RFC4180);
                    RowReader rows = parquet.rowReader()) {
                printer.printRecord(columns.stream().map(ColumnSchema::name));
                @Nullable Object[] row = new Object[columns.size()];
                while (rows.hasNext()) {
                    rows.next();
                    for (int i = 0; i < row.length; i++) {
                        row[i] = rows.isNull(i) ? null : rows.getValue(i);
                    }
                    printer.printRecord(row);
                }
            }
            return out.toString();
        } catch (RuntimeException | IOException | OutOfMemoryError e) {
            // what a damaged file makes of the reader is of many kinds; a length in it may be taken for that of an
            // array
            throw new TableException(0, "its Parquet cannot be read: " + e.getMessage());
        }
    }
}
