package dev.isoflop.cli.show;

import java.util.Locale;

/** Numbers as people read them. */
public final class Numbers {

    private static final String[] SUFFIXES = {"", "k", "M", "G", "T", "P", "E"};

    private Numbers() {}

    /** Three significant digits with a suffix: 35.8k, 1.3M. */
    public static String count(double value) {
        if (!Double.isFinite(value)) {
            return "–";
        }
        double scaled = value;
        int i = 0;
        while (Math.abs(scaled) >= 999.5 && i < SUFFIXES.length - 1) {
            scaled /= 1_000;
            i++;
        }
        int decimals = Math.abs(scaled) >= 99.95 || i == 0 && scaled == Math.rint(scaled)
                ? 0
                : Math.abs(scaled) >= 9.995 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + decimals + "f%s", scaled, SUFFIXES[i]);
    }

    /** FLOPs and other quantities over many magnitudes: 3e10, 1.25e11. */
    public static String power(double value) {
        if (!Double.isFinite(value) || value == 0) {
            return value == 0 ? "0" : "–";
        }
        int exponent = (int) Math.floor(Math.log10(Math.abs(value)) + 1e-12);
        String mantissa = String.format(Locale.ROOT, "%.2f", value / Math.pow(10, exponent))
                .replaceAll("0+$", "")
                .replaceAll("\\.$", "");
        return mantissa + "e" + exponent;
    }

    /** Up to five significant digits. */
    public static String plain(double value) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
        }
        double size = Math.abs(value);
        return size != 0 && (size >= 1e5 || size < 1e-3)
                ? power(value)
                : String.format(Locale.ROOT, size >= 100 ? "%.1f" : size >= 10 ? "%.3f" : "%.4f", value);
    }

    /** 42 s, 3 min 10 s, 2 h 5 min. */
    public static String duration(double seconds) {
        if (!Double.isFinite(seconds) || seconds < 0) {
            return "–";
        }
        long s = Math.round(seconds);
        if (s < 60) {
            return s + " s";
        }
        return s < 3_600 ? s / 60 + " min " + s % 60 + " s" : s / 3_600 + " h " + s % 3_600 / 60 + " min";
    }
}
