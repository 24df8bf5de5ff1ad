package dev.isoflop.platform.exports;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** A sweep as a file. Built in memory before the first byte goes out, so that an error is an answer and not half a file. */
@RestController
@RequestMapping("/api/v1/sweeps/{id}")
class ExportController {

    private static final MediaType CSV = new MediaType("text", "csv", StandardCharsets.UTF_8);
    private static final MediaType PARQUET = new MediaType("application", "vnd.apache.parquet");

    private final ExportRows rows;

    ExportController(ExportRows rows) {
        this.rows = rows;
    }

    @FunctionalInterface
    private interface Format {
        void write(ByteArrayOutputStream out, List<Column<RunRow>> columns, List<RunRow> rows) throws IOException;
    }

    @GetMapping(path = "/export.csv", produces = "text/csv")
    ResponseEntity<byte[]> csv(@PathVariable("id") long sweepId) throws IOException {
        return file(sweepId, CSV, ".csv", CsvWriter::write);
    }

    @GetMapping(path = "/export.parquet", produces = "application/vnd.apache.parquet")
    ResponseEntity<byte[]> parquet(@PathVariable("id") long sweepId) throws IOException {
        return file(sweepId, PARQUET, ".parquet", ParquetWriter::write);
    }

    private ResponseEntity<byte[]> file(long sweepId, MediaType type, String suffix, Format format) throws IOException {
        String name = rows.sweepName(sweepId)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + sweepId + "."));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        format.write(out, RunRow.COLUMNS, rows.ofSweep(sweepId));
        ContentDisposition disposition = ContentDisposition.attachment()
                .filename(name.replaceAll("[^A-Za-z0-9._-]", "_") + suffix)
                .build();
        return ResponseEntity.ok()
                .contentType(type)
                .header(HttpHeaders.CONTENT_DISPOSITION, disposition.toString())
                .body(out.toByteArray());
    }
}
