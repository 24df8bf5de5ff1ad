package dev.isoflop.runner.report;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Every point since the last committed checkpoint, on disk: what an attempt that goes on from a checkpoint the platform never got has
 * to tell again. A point is the metric's name (modified UTF-8 behind its length), step, value and time of eight bytes each; the
 * journal is cut into segments, so that what a commit has made needless can be deleted.
 *
 * <p>Concurrency: one thread at a time. Crash: the points before the last {@link #force} are there; an incomplete one at the end of a
 * segment is ignored.
 */
public final class PointJournal implements AutoCloseable {

    private static final long SEGMENT_BYTES = 4L << 20;

    /** A point as it was recorded. */
    public record Point(String metric, long step, double value, long timeMillis) {}

    private static final class Segment {
        final Path file;
        long lastStep = Long.MIN_VALUE;
        long bytes;

        Segment(Path file) {
            this.file = file;
        }
    }

    private final Path directory;
    private final Deque<Segment> segments = new ArrayDeque<>();
    private long number;
    private @Nullable FileChannel channel;
    private @Nullable DataOutputStream out;

    /** @param directory made if need be; segments of an earlier journal in it are deleted */
    public PointJournal(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory);
        for (Path old : files(directory)) {
            Files.delete(old);
        }
    }

    /** The points in a directory, in order. */
    public static List<Point> read(Path directory) throws IOException {
        List<Point> points = new ArrayList<>();
        for (Path file : files(directory)) {
            try (DataInputStream in =
                    new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
                while (true) {
                    points.add(new Point(in.readUTF(), in.readLong(), in.readDouble(), in.readLong()));
                }
            } catch (EOFException end) {
                // whole or torn: what came before counts
            }
        }
        return points;
    }

    public void append(Point point) throws IOException {
        DataOutputStream to = out;
        Segment last = segments.peekLast();
        if (to == null || last == null || last.bytes >= SEGMENT_BYTES) {
            close();
            last = new Segment(directory.resolve("points-%09d.bin".formatted(number++)));
            FileChannel opened = FileChannel.open(last.file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            channel = opened;
            to = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(opened), 1 << 16));
            out = to;
            segments.addLast(last);
        }
        to.writeUTF(point.metric);
        to.writeLong(point.step);
        to.writeDouble(point.value);
        to.writeLong(point.timeMillis);
        last.bytes += 26 + point.metric.length();
        last.lastStep = Math.max(last.lastStep, point.step);
    }

    /** Brings all that was appended to the disk. */
    public void force() throws IOException {
        DataOutputStream to = out;
        FileChannel opened = channel;
        if (to != null && opened != null) {
            to.flush();
            opened.force(false);
        }
    }

    /** Deletes segments in which no step is later than that. */
    public void forget(long step) throws IOException {
        while (!segments.isEmpty() && segments.getFirst().lastStep <= step) {
            if (segments.size() == 1) {
                close();
            }
            Files.deleteIfExists(segments.removeFirst().file);
        }
    }

    /** Bytes on disk, about. */
    public long bytes() {
        return segments.stream().mapToLong(s -> s.bytes).sum();
    }

    @Override
    public void close() throws IOException {
        DataOutputStream to = out;
        out = null;
        channel = null;
        if (to != null) {
            to.close();
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(f -> f.getFileName().toString().matches("points-\\d+\\.bin"))
                    .sorted(Comparator.comparing(f -> f.getFileName().toString()))
                    .toList();
        }
    }
}
