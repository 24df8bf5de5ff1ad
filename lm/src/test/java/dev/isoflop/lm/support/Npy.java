package dev.isoflop.lm.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Arrays in numpy's file format, version 1, C order: what the goldens are stored in. */
public record Npy(int[] shape, double[] data) {

    private static final Pattern DESCR = Pattern.compile("'descr': '([^']+)'");
    private static final Pattern SHAPE = Pattern.compile("'shape': \\(([^)]*)\\)");

    public static Npy read(Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int headerLength = buffer.getShort(8);
        String header = new String(bytes, 10, headerLength, StandardCharsets.US_ASCII);
        Matcher descr = DESCR.matcher(header);
        Matcher dims = SHAPE.matcher(header);
        if (!descr.find() || !dims.find()) {
            throw new IllegalStateException(file + " has no numpy header");
        }
        String[] parts = dims.group(1).split(",");
        int[] shape = java.util.Arrays.stream(parts)
                .map(String::strip)
                .filter(s -> !s.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
        int n = 1;
        for (int s : shape) {
            n *= s;
        }
        double[] data = new double[n];
        buffer.position(10 + headerLength);
        for (int i = 0; i < n; i++) {
            data[i] = switch (descr.group(1)) {
                case "<f4" -> buffer.getFloat();
                case "<f8" -> buffer.getDouble();
                case "<i8" -> buffer.getLong();
                case "|u1", "|b1" -> buffer.get();
                default -> throw new IllegalStateException(file + " has type " + descr.group(1));
            };
        }
        return new Npy(shape, data);
    }

    public float[] floats() {
        float[] out = new float[data.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) data[i];
        }
        return out;
    }

    public int[] ints() {
        int[] out = new int[data.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (int) data[i];
        }
        return out;
    }
}
