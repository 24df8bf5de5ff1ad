package dev.isoflop.scaling.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A figure of points and lines with a logarithmic abscissa, as SVG that needs nothing else. */
final class SvgPlot {

    private static final int WIDTH = 640;
    private static final int HEIGHT = 360;
    private static final int LEFT = 64;
    private static final int RIGHT = 16;
    private static final int TOP = 12;
    private static final int BOTTOM = 44;

    private record Mark(double x, double y, String colour, String title) {}

    private record Path(double[] x, double[] y, String colour) {}

    private final String xLabel;
    private final String yLabel;
    private final List<Mark> marks = new ArrayList<>();
    private final List<Path> paths = new ArrayList<>();

    SvgPlot(String xLabel, String yLabel) {
        this.xLabel = xLabel;
        this.yLabel = yLabel;
    }

    /** @param title shown when the pointer rests on it */
    void point(double x, double y, String colour, String title) {
        marks.add(new Mark(x, y, colour, title));
    }

    void line(double[] x, double[] y, String colour) {
        paths.add(new Path(x, y, colour));
    }

    /** A colour for place i of n, from blue to orange, each darker than the background by far enough to read. */
    static String colour(int i, int n) {
        double t = n <= 1 ? 0 : (double) i / (n - 1);
        return String.format(
                Locale.ROOT,
                "rgb(%d,%d,%d)",
                Math.round(20 + t * 190),
                Math.round(90 - t * 10),
                Math.round(170 - t * 160));
    }

    String svg() {
        double x0 = Double.POSITIVE_INFINITY;
        double x1 = 0;
        double y0 = Double.POSITIVE_INFINITY;
        double y1 = Double.NEGATIVE_INFINITY;
        for (Mark m : marks) {
            x0 = Math.min(x0, m.x);
            x1 = Math.max(x1, m.x);
            y0 = Math.min(y0, m.y);
            y1 = Math.max(y1, m.y);
        }
        double room = y1 > y0 ? 0.05 * (y1 - y0) : Math.max(1e-9, Math.abs(y0) * 0.05);
        Frame frame = new Frame(Math.log(x0 / 1.1), Math.log(x1 * 1.1), y0 - room, y1 + room);
        StringBuilder out = new StringBuilder();
        out.append(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s against %s\" xmlns=\"http://www.w3.org/2000/svg\">%n",
                WIDTH,
                HEIGHT,
                yLabel,
                xLabel));
        axes(out, frame);
        out.append("<g clip-path=\"inset(0)\">\n");
        for (Path path : paths) {
            out.append("<polyline fill=\"none\" stroke-width=\"1.3\" stroke=\"")
                    .append(path.colour)
                    .append("\" points=\"");
            for (int i = 0; i < path.x.length; i++) {
                if (path.y[i] >= frame.y0 && path.y[i] <= frame.y1) {
                    out.append(String.format(Locale.ROOT, "%.1f,%.1f ", frame.x(path.x[i]), frame.y(path.y[i])));
                }
            }
            out.append("\"/>\n");
        }
        for (Mark m : marks) {
            out.append(String.format(
                    Locale.ROOT,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%s</title></circle>%n",
                    frame.x(m.x),
                    frame.y(m.y),
                    m.colour,
                    m.title));
        }
        return out.append("</g>\n</svg>\n").toString();
    }

    private record Frame(double logX0, double logX1, double y0, double y1) {
        double x(double value) {
            return LEFT + (Math.log(value) - logX0) / (logX1 - logX0) * (WIDTH - LEFT - RIGHT);
        }

        double y(double value) {
            return HEIGHT - BOTTOM - (value - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
        }
    }

    private void axes(StringBuilder out, Frame f) {
        double decades = (f.logX1 - f.logX0) / Math.log(10);
        int[] steps = decades > 3 ? new int[] {1} : decades > 1.4 ? new int[] {1, 3} : new int[] {1, 2, 3, 5, 7};
        for (int p = (int) Math.floor(f.logX0 / Math.log(10)); p <= Math.ceil(f.logX1 / Math.log(10)); p++) {
            for (int step : steps) {
                double tick = step * Math.pow(10, p);
                if (Math.log(tick) >= f.logX0 && Math.log(tick) <= f.logX1) {
                    tick(out, f.x(tick), HEIGHT - BOTTOM, f.x(tick), TOP);
                    text(out, f.x(tick), HEIGHT - BOTTOM + 16, "middle", step + "e" + p);
                }
            }
        }
        double wanted = (f.y1 - f.y0) / 5;
        double unit = Math.pow(10, Math.floor(Math.log10(wanted)));
        double gap = wanted / unit < 1.5
                ? unit
                : wanted / unit < 3.5 ? 2 * unit : wanted / unit < 7.5 ? 5 * unit : 10 * unit;
        int decimals = Math.max(0, (int) Math.ceil(-Math.log10(gap) - 1e-9));
        for (long i = (long) Math.ceil(f.y0 / gap); i * gap <= f.y1; i++) {
            tick(out, LEFT, f.y(i * gap), WIDTH - RIGHT, f.y(i * gap));
            text(out, LEFT - 6, f.y(i * gap) + 4, "end", String.format(Locale.ROOT, "%." + decimals + "f", i * gap));
        }
        text(out, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "middle", xLabel);
        out.append(String.format(
                Locale.ROOT,
                "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>%n",
                (TOP + HEIGHT - BOTTOM) / 2,
                yLabel));
    }

    private static void tick(StringBuilder out, double x1, double y1, double x2, double y2) {
        out.append(String.format(
                Locale.ROOT,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>%n",
                x1,
                y1,
                x2,
                y2));
    }

    private static void text(StringBuilder out, double x, double y, String anchor, String words) {
        out.append(String.format(
                Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n", x, y, anchor, words));
    }
}
