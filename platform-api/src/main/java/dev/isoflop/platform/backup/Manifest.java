package dev.isoflop.platform.backup;

import java.time.Instant;
import java.util.List;

/**
 * What a backup holds; the entry {@code manifest.json} of the archive.
 *
 * @param format of the archive, see {@link #FORMAT}
 * @param createdAt when the snapshot was taken, by the database's clock
 * @param server version of the PostgreSQL it came from
 * @param schemaVersion newest Flyway migration that had been applied
 * @param migrations all that had been applied, in order
 * @param tables in an order of no meaning
 * @param sequences that hand out ids
 * @param artifacts files that the database names, each an entry {@code artifacts/<sha256>}
 * @param leftOut files that the database names and that were missing or damaged when the backup was made
 */
record Manifest(
        int format,
        Instant createdAt,
        String server,
        String schemaVersion,
        List<Migration> migrations,
        List<Table> tables,
        List<Sequence> sequences,
        List<Artifact> artifacts,
        List<Artifact> leftOut) {

    /** The newest format that this version reads, and the one it writes. */
    static final int FORMAT = 1;

    static final String ENTRY = "manifest.json";

    /** @param checksum Flyway's, of the script */
    record Migration(String version, int checksum) {}

    /**
     * The rows of a table in PostgreSQL's text format for COPY.
     *
     * @param columns those that were copied, in that order
     * @param bytes length of the entry, uncompressed
     * @param sha256 of the entry
     */
    record Table(String schema, String name, List<String> columns, long rows, long bytes, String sha256) {

        String entry() {
            return "tables/" + schema + "." + name + ".copy";
        }
    }

    /** @param called whether {@code value} has been given out */
    record Sequence(String schema, String name, long value, boolean called) {}

    record Artifact(String sha256, long bytes) {

        String entry() {
            return "artifacts/" + sha256;
        }
    }

    long rows() {
        return tables.stream().mapToLong(Table::rows).sum();
    }

    long artifactBytes() {
        return artifacts.stream().mapToLong(Artifact::bytes).sum();
    }
}
