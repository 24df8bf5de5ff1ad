package dev.isoflop.runner.report;

import dev.isoflop.protocol.runner.LogBatch;
import dev.isoflop.runner.WallClock;
import dev.isoflop.runner.platform.PlatformClient;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Lines of a log in their order, the first of them in memory, the rest in a file while the platform is away. At the file's bound, or if
 * the disk does not take them, lines are dropped, and a line says how many.
 *
 * <p>Not safe for several threads. Crash: what it holds is lost with the process.
 */
final class LogSpool {

    private static final JsonMapper JSON = PlatformClient.mapper();

    private final Path file;
    private final int inMemory;
    private final long maxBytes;
    private final Deque<LogBatch.Line> memory = new ArrayDeque<>();
    private @Nullable BufferedWriter writer;
    private @Nullable BufferedReader reader;
    private long inFile;
    private long fileBytes;
    private long dropped;

    /** By a disk that took a part of a line: nothing is written behind it. */
    private boolean torn;

    /**
     * @param file made on first use
     * @param inMemory lines that stay in memory
     * @param maxBytes most bytes written to the file before it has been emptied
     */
    LogSpool(Path file, int inMemory, long maxBytes) {
        this.file = file;
        this.inMemory = inMemory;
        this.maxBytes = maxBytes;
    }

    void add(LogBatch.Line line) {
        if (dropped > 0) {
            long before = dropped;
            if (!put(new LogBatch.Line(
                    WallClock.millis(), "WARN", before + " lines were dropped here: the platform was away"))) {
                dropped++;
                return;
            }
            dropped = 0;
        }
        if (!put(line)) {
            dropped++;
        }
    }

    private boolean put(LogBatch.Line line) {
        if (inFile == 0 && memory.size() < inMemory) {
            memory.addLast(line);
            return true;
        }
        String json = JSON.writeValueAsString(line);
        if (torn || fileBytes + json.length() > maxBytes) {
            return false;
        }
        try {
            BufferedWriter to = writer;
            if (to == null) {
                Files.createDirectories(file.getParent());
                to = Files.newBufferedWriter(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE);
                writer = to;
            }
            to.write(json);
            to.newLine();
            to.flush(); // so that a full disk is noticed by the line that it does not take
            fileBytes += json.getBytes(StandardCharsets.UTF_8).length + 1L;
            inFile++;
            return true;
        } catch (IOException e) {
            torn = true;
            return false;
        }
    }

    boolean isEmpty() {
        return memory.isEmpty() && inFile == 0;
    }

    /** How many lines wait. */
    long size() {
        return memory.size() + inFile;
    }

    /** The first lines, at most so many; they stay until {@link #remove}. */
    List<LogBatch.Line> first(int most) {
        if (memory.size() < most && inFile > 0) {
            load();
        }
        List<LogBatch.Line> lines = new ArrayList<>(Math.min(most, memory.size()));
        for (LogBatch.Line line : memory) {
            if (lines.size() == most) {
                break;
            }
            lines.add(line);
        }
        return lines;
    }

    void remove(int lines) {
        for (int i = 0; i < lines; i++) {
            memory.removeFirst();
        }
    }

    private void load() {
        try {
            BufferedReader from = reader;
            if (from == null) {
                from = Files.newBufferedReader(file);
                reader = from;
            }
            while (inFile > 0 && memory.size() < inMemory) {
                String json = from.readLine();
                if (json == null) {
                    throw new IOException("the spool of the log ends early");
                }
                inFile--;
                memory.addLast(JSON.readValue(json, LogBatch.Line.class));
            }
        } catch (IOException | RuntimeException e) {
            dropped += inFile;
            inFile = 0;
        }
        if (inFile == 0) {
            close();
        }
    }

    /** Deletes the file. */
    void close() {
        quietly(writer);
        quietly(reader);
        quietly(() -> Files.deleteIfExists(file));
        writer = null;
        reader = null;
        fileBytes = 0;
        torn = false;
    }

    private static void quietly(@Nullable Closeable closed) {
        try {
            if (closed != null) {
                closed.close();
            }
        } catch (IOException e) {
            // nothing that is still needed: the attempt's directory is deleted as a whole
        }
    }
}
