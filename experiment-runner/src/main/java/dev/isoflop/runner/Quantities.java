package dev.isoflop.runner;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.util.unit.DataSize;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Options with a unit. */
final class Quantities {

    private static final Pattern TIME = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

    private Quantities() {}

    /** Such as {@code 90s} or {@code 2h}; {@code 0} needs no unit. */
    static final class Time implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String text) {
            if (text.equals("0")) {
                return Duration.ZERO;
            }
            Matcher m = TIME.matcher(text.toLowerCase(Locale.ROOT));
            if (!m.matches()) {
                throw new TypeConversionException("'" + text + "' is no time; write 90s, 15m, 2h or 1d");
            }
            long n = Long.parseLong(m.group(1));
            return switch (m.group(2)) {
                case "ms" -> Duration.ofMillis(n);
                case "s" -> Duration.ofSeconds(n);
                case "m" -> Duration.ofMinutes(n);
                case "h" -> Duration.ofHours(n);
                default -> Duration.ofDays(n);
            };
        }
    }

    /** Such as {@code 512MB}, in powers of 1024; {@code 0} needs no unit. */
    static final class Size implements ITypeConverter<DataSize> {
        @Override
        public DataSize convert(String text) {
            try {
                DataSize size = DataSize.parse(text.toUpperCase(Locale.ROOT));
                if (!size.isNegative()) {
                    return size;
                }
            } catch (IllegalArgumentException e) {
                // said below
            }
            throw new TypeConversionException("'" + text + "' is no size; write 512MB or 1GB");
        }
    }
}
