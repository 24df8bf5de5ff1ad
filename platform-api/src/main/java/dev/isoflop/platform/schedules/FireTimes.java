package dev.isoflop.platform.schedules;

import dev.isoflop.protocol.api.ScheduleViews;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.quartz.CronExpression;

/**
 * The fire times of a cron expression in a time zone, as Quartz computes them for its triggers.
 *
 * <p>Daylight saving: a local time that does not exist, because clocks go forward over it, does not fire. One that comes
 * twice, because clocks go back, fires once, the second time; an expression that fires every few minutes therefore pauses
 * for the hour that is repeated.
 */
final class FireTimes {

    /** What Quartz's column takes, less what five fields gain when they become six. */
    private static final int LONGEST = 100;

    private static final int MOST_ENUMERATED = 10_000;
    private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN");
    private static final Pattern DAY_NUMBER = Pattern.compile("(?<![\\d/#])([0-7])(?!\\d)");
    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mmxx", Locale.ROOT);
    private static final DateTimeFormatter SECOND = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxx", Locale.ROOT);
    private static final DateTimeFormatter MILLI =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxx", Locale.ROOT);

    private final ZoneId zone;
    private final CronExpression cron;
    /** The same on a clock that is never changed. */
    private final CronExpression wall;

    private FireTimes(String quartz, ZoneId zone) throws ParseException {
        this.zone = zone;
        this.cron = new CronExpression(quartz);
        this.cron.setTimeZone(TimeZone.getTimeZone(zone));
        this.wall = new CronExpression(quartz);
        this.wall.setTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC));
    }

    /** An expression or a zone that cannot be. */
    static final class InvalidTimingException extends Exception {

        private static final long serialVersionUID = 1L;

        private final String pointer;
        private final String expected;

        InvalidTimingException(String pointer, String message, String expected) {
            super(message);
            this.pointer = pointer;
            this.expected = expected;
        }

        String pointer() {
            return pointer;
        }

        String expected() {
            return expected;
        }
    }

    /**
     * As {@link #of}, for a schedule that is to be stored: it has to fire some time.
     *
     * @param now when it is stored
     */
    static FireTimes parse(String cron, String zone, Instant now) throws InvalidTimingException {
        FireTimes times = of(cron, zone);
        if (times.next(now) == null) {
            throw new InvalidTimingException("/cron", "'" + cron + "' never fires again.", "times in the future");
        }
        return times;
    }

    /**
     * @param cron five fields as crontab has them, or Quartz's six or seven
     * @param zone IANA name
     */
    static FireTimes of(String cron, String zone) throws InvalidTimingException {
        if (!ZoneId.getAvailableZoneIds().contains(zone)) {
            throw new InvalidTimingException(
                    "/zone", "There is no time zone '" + zone + "'.", "an IANA name, such as Europe/Berlin or UTC");
        }
        if (cron.length() > LONGEST) {
            throw new InvalidTimingException("/cron", "The expression is too long.", "at most 100 characters");
        }
        try {
            return new FireTimes(quartz(cron), ZoneId.of(zone));
        } catch (ParseException | RuntimeException e) {
            // of wrong fields Quartz throws several kinds of exceptions
            InvalidTimingException invalid = new InvalidTimingException(
                    "/cron",
                    "'" + cron + "' is no cron expression: " + e.getMessage(),
                    "minute hour day month weekday, such as 30 2 * * *");
            invalid.initCause(e);
            throw invalid;
        }
    }

    /** Five fields become Quartz's six: a second before them, weekdays by name, and {@code ?} for the day that is open. */
    private static String quartz(String cron) throws InvalidTimingException {
        String[] fields = cron.trim().split("\\s+");
        if (fields.length != 5) {
            return cron.trim();
        }
        String day = fields[2];
        String weekday = DAY_NUMBER.matcher(fields[4]).replaceAll(m -> DAYS.get(Integer.parseInt(m.group(1))));
        boolean anyDay = day.equals("*") || day.equals("?");
        boolean anyWeekday = weekday.equals("*") || weekday.equals("?");
        if (!anyDay && !anyWeekday) {
            throw new InvalidTimingException(
                    "/cron",
                    "The expression restricts both the day of the month and the day of the week.",
                    "* for one of the two");
        }
        return "0 %s %s %s %s %s"
                .formatted(
                        fields[0],
                        fields[1],
                        anyWeekday ? (anyDay ? "*" : day) : "?",
                        fields[3],
                        anyWeekday ? "?" : weekday);
    }

    /** What a trigger of Quartz is made of. */
    CronExpression expression() {
        return new CronExpression(cron);
    }

    /** The first fire time after the instant, absent when there is none. */
    @Nullable
    Instant next(Instant after) {
        return QuartzDates.next(cron, after);
    }

    /** @param earlierLeftOut whether there are more, before the first of these */
    record Span(List<Instant> times, boolean earlierLeftOut) {}

    /** Fire times after the first instant and up to the second; of very many, the newest. */
    Span between(Instant after, Instant until) {
        Instant from = after;
        while (true) {
            List<Instant> times = new ArrayList<>();
            Instant at = next(from);
            while (at != null && !at.isAfter(until) && times.size() < MOST_ENUMERATED) {
                times.add(at);
                at = next(at);
            }
            if (at == null || at.isAfter(until)) {
                return new Span(times, !from.equals(after));
            }
            from = from.plus(Duration.between(from, until).dividedBy(2));
        }
    }

    /** The next times, each with what daylight saving does to it or to those before it. */
    List<ScheduleViews.FireTime> upcoming(Instant after, int count) {
        List<ScheduleViews.FireTime> times = new ArrayList<>();
        Instant before = after;
        Instant at = next(before);
        while (at != null && times.size() < count) {
            times.add(new ScheduleViews.FireTime(at, local(at), note(before, at)));
            before = at;
            at = next(at);
        }
        return times;
    }

    /** In the zone, with its offset: ISO 8601. */
    String local(Instant at) {
        return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(at.atZone(zone));
    }

    /**
     * The time as it ends the name of a sweep: in the zone, with its offset, so that a time that comes twice gives two
     * names. Seconds and milliseconds only where there are any.
     */
    String suffix(Instant at) {
        ZonedDateTime local = at.atZone(zone);
        if (local.get(ChronoField.MILLI_OF_SECOND) != 0) {
            return MILLI.format(local);
        }
        return (local.getSecond() == 0 ? MINUTE : SECOND).format(local);
    }

    private @Nullable String note(Instant before, Instant at) {
        List<String> notes = new ArrayList<>();
        ZoneOffsetTransition change = zone.getRules().nextTransition(before);
        while (change != null && !change.getInstant().isAfter(at)) {
            if (change.isGap()) {
                LocalDateTime lost = lost(change);
                if (lost != null) {
                    notes.add("There is no %s on %s, when clocks go forward in %s: it does not fire then."
                            .formatted(lost.toLocalTime(), lost.toLocalDate(), zone));
                }
            }
            change = zone.getRules().nextTransition(change.getInstant());
        }
        LocalDateTime local = LocalDateTime.ofInstant(at, zone);
        ZoneOffsetTransition around = zone.getRules().getTransition(local);
        if (around != null && around.isOverlap()) {
            notes.add("%s comes twice on %s, when clocks go back in %s: it fires once, the second time, at UTC%s."
                    .formatted(local.toLocalTime(), local.toLocalDate(), zone, around.getOffsetAfter()));
        }
        return notes.isEmpty() ? null : String.join(" ", notes);
    }

    /** The first local time the change takes away from the expression. */
    private @Nullable LocalDateTime lost(ZoneOffsetTransition change) {
        Instant begin = change.getDateTimeBefore().toInstant(ZoneOffset.UTC);
        Instant end = change.getDateTimeAfter().toInstant(ZoneOffset.UTC);
        Instant first = QuartzDates.next(wall, begin.minusMillis(1));
        return first == null || !first.isBefore(end) ? null : LocalDateTime.ofInstant(first, ZoneOffset.UTC);
    }
}
