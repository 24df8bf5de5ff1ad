package dev.isoflop.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/**
 * Unpacks the regular files of a {@code .tar.gz}: ustar, with the long names of GNU and POSIX (pax). Links and devices are passed
 * over, and a name that leads out of the target is refused.
 */
final class TarGz {

    private static final int BLOCK = 512;
    private static final long MAX_NAME_BYTES = 1 << 16;

    private TarGz() {}

    /**
     * Unpacks the files that are wanted.
     *
     * @param wanted names to unpack, as they are in the archive
     * @return how many files were unpacked
     */
    static int unpack(Path archive, Path target, Predicate<String> wanted) throws IOException {
        int unpacked = 0;
        Path root = target.toAbsolutePath().normalize();
        try (InputStream in =
                new GZIPInputStream(new BufferedInputStream(Files.newInputStream(archive), 1 << 16), 1 << 16)) {
            byte[] header = new byte[BLOCK];
            String longName = "";
            while (in.readNBytes(header, 0, BLOCK) == BLOCK && !isZero(header)) {
                checkSum(archive, header);
                long size = octal(archive, header, 124, 12);
                char type = (char) header[156];
                if (type == 'L' || type == 'x') {
                    if (size > MAX_NAME_BYTES) {
                        throw new IOException(archive + " is corrupt: a file name of " + size + " bytes");
                    }
                    byte[] content = in.readNBytes((int) size);
                    skip(in, padding(size));
                    longName = type == 'L' ? text(content, 0, content.length) : paxPath(content, longName);
                    continue;
                }
                String name = longName.isEmpty() ? name(header) : longName;
                longName = "";
                if ((type == '0' || type == 0) && wanted.test(name)) {
                    Path file = root.resolve(name).normalize();
                    if (!file.startsWith(root) || file.equals(root)) {
                        throw new IOException(archive + " holds a file that leads out of it: " + name);
                    }
                    Path parent = file.getParent();
                    if (parent != null) {
                        Files.createDirectories(parent);
                    }
                    try (OutputStream out = Files.newOutputStream(file)) {
                        copy(in, out, size);
                    }
                    unpacked++;
                } else {
                    skip(in, size);
                }
                skip(in, padding(size));
            }
        }
        return unpacked;
    }

    private static String name(byte[] header) {
        String name = text(header, 0, 100);
        boolean ustar = text(header, 257, 5).equals("ustar");
        String prefix = ustar ? text(header, 345, 155) : "";
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    /** The {@code path} record of a pax header: lines of {@code LENGTH KEY=VALUE\n}, LENGTH counting all of the line. */
    private static String paxPath(byte[] content, String otherwise) throws IOException {
        int at = 0;
        while (at < content.length) {
            int space = at;
            while (space < content.length && content[space] != ' ') {
                space++;
            }
            int length;
            try {
                length = Integer.parseInt(text(content, at, space - at));
            } catch (NumberFormatException e) {
                throw new IOException("corrupt pax header", e);
            }
            if (length <= space - at || at + length > content.length) {
                throw new IOException("corrupt pax header");
            }
            String record = new String(content, space + 1, at + length - space - 2, StandardCharsets.UTF_8);
            if (record.startsWith("path=")) {
                return record.substring("path=".length());
            }
            at += length;
        }
        return otherwise;
    }

    private static String text(byte[] bytes, int from, int length) {
        int end = from;
        while (end < from + length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, from, end - from, StandardCharsets.UTF_8);
    }

    private static long octal(Path archive, byte[] header, int from, int length) throws IOException {
        String digits = text(header, from, length).strip();
        try {
            return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
        } catch (NumberFormatException e) {
            throw new IOException(archive + " is corrupt: \"" + digits + "\" is not an octal number", e);
        }
    }

    private static void checkSum(Path archive, byte[] header) throws IOException {
        long sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xFF;
        }
        if (sum != octal(archive, header, 148, 8)) {
            throw new IOException(archive + " is corrupt: the checksum of a header is wrong");
        }
    }

    private static boolean isZero(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static long padding(long size) {
        return -size & BLOCK - 1;
    }

    private static void skip(InputStream in, long bytes) throws IOException {
        in.skipNBytes(bytes);
    }

    private static void copy(InputStream in, OutputStream out, long size) throws IOException {
        byte[] buffer = new byte[1 << 15];
        long left = size;
        while (left > 0) {
            int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                throw new EOFException("the archive ends inside a file");
            }
            out.write(buffer, 0, read);
            left -= read;
        }
    }
}
