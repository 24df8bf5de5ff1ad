package dev.isoflop.platform.schedules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.protocol.api.ScheduleViews;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FireTimesTests {

    private static List<String> upcoming(String cron, String zone, String after) throws Exception {
        return FireTimes.of(cron, zone).upcoming(Instant.parse(after), 5).stream()
                .map(ScheduleViews.FireTime::local)
                .toList();
    }

    @Test
    void aTimeThatComesTwiceFiresOnceTheSecondTime() throws Exception {
        FireTimes nightly = FireTimes.of("30 2 * * *", "Europe/Berlin");
        List<ScheduleViews.FireTime> times = nightly.upcoming(Instant.parse("2026-10-23T12:00:00Z"), 3);
        assertThat(times)
                .extracting(ScheduleViews.FireTime::local)
                .containsExactly("2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00");
        assertThat(times)
                .extracting(ScheduleViews.FireTime::at)
                .as("24 hours and one more, then 24")
                .containsExactly(
                        Instant.parse("2026-10-24T00:30:00Z"),
                        Instant.parse("2026-10-25T01:30:00Z"),
                        Instant.parse("2026-10-26T01:30:00Z"));
        assertThat(times)
                .extracting(ScheduleViews.FireTime::note)
                .containsExactly(
                        null,
                        "02:30 comes twice on 2026-10-25, when clocks go back in Europe/Berlin:"
                                + " it fires once, the second time, at UTC+01:00.",
                        null);
        assertThat(nightly.suffix(times.get(1).at())).isEqualTo("2026-10-25T02:30+0100");
        assertThat(nightly.suffix(Instant.parse("2026-10-25T00:30:00Z")))
                .as("the first time would have another name")
                .isEqualTo("2026-10-25T02:30+0200");
    }

    @Test
    void aTimeThatDoesNotExistDoesNotFireAndTheNextOneSaysSo() throws Exception {
        List<ScheduleViews.FireTime> times =
                FireTimes.of("30 2 * * *", "Europe/Berlin").upcoming(Instant.parse("2026-03-27T12:00:00Z"), 3);
        assertThat(times)
                .extracting(ScheduleViews.FireTime::local)
                .containsExactly("2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00");
        assertThat(times)
                .extracting(ScheduleViews.FireTime::note)
                .containsExactly(
                        null,
                        "There is no 02:30 on 2026-03-29, when clocks go forward in Europe/Berlin: it does not fire then.",
                        null);
    }

    @Test
    void timesOutsideTheChangeKeepTheirLocalHour() throws Exception {
        assertThat(upcoming("0 4 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"))
                .startsWith("2026-03-29T04:00:00+02:00", "2026-03-30T04:00:00+02:00");
        assertThat(FireTimes.of("0 4 * * *", "Europe/Berlin").upcoming(Instant.parse("2026-03-27T12:00:00Z"), 5))
                .extracting(ScheduleViews.FireTime::note)
                .containsOnlyNulls();
        assertThat(upcoming("30 2 * * *", "UTC", "2026-03-28T12:00:00Z")).startsWith("2026-03-29T02:30:00Z");
    }

    @Test
    void everyHalfHourPausesForTheRepeatedHour() throws Exception {
        assertThat(upcoming("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:15:00Z"))
                .containsExactly(
                        "2026-10-25T01:30:00+02:00",
                        "2026-10-25T02:00:00+01:00",
                        "2026-10-25T02:30:00+01:00",
                        "2026-10-25T03:00:00+01:00",
                        "2026-10-25T03:30:00+01:00");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0 2 * * 0         | 2026-11-29T02:00:00Z
            0 2 * * 7         | 2026-11-29T02:00:00Z
            0 2 * * 1-5       | 2026-11-26T02:00:00Z
            0 2 * * 6,7       | 2026-11-28T02:00:00Z
            0 2 * * SAT       | 2026-11-28T02:00:00Z
            0 2 1 * *         | 2026-12-01T02:00:00Z
            */15 * * * *      | 2026-11-25T12:15:00Z
            0/10 * * * * ?    | 2026-11-25T12:00:10Z
            0 0 2 ? * 1       | 2026-11-29T02:00:00Z
            0 0 2 1 1 ? 2030  | 2030-01-01T02:00:00Z
            """)
    void fiveFieldsAreReadAsCrontabDoesAndSixOrSevenAsQuartzDoes(String cron, String first) throws Exception {
        assertThat(upcoming(cron, "UTC", "2026-11-25T12:00:00Z").getFirst()).isEqualTo(first);
    }

    @ParameterizedTest
    @CsvSource({
        "61 * * * *,UTC,/cron",
        "nightly,UTC,/cron",
        "* *,UTC,/cron",
        "'',UTC,/cron",
        "0 2 1 * 1,UTC,/cron",
        "0 0 2 1 1 ? 2020,UTC,/cron",
        "0 2 * * *,Europe/Bonn,/zone",
        "0 2 * * *,+02:00,/zone"
    })
    void whatCannotBeReadSaysWhere(String cron, String zone, String pointer) {
        assertThatThrownBy(() -> FireTimes.parse(cron, zone, Instant.parse("2026-11-25T12:00:00Z")))
                .isInstanceOfSatisfying(
                        FireTimes.InvalidTimingException.class,
                        e -> assertThat(e.pointer()).isEqualTo(pointer));
    }

    @Test
    void ofVeryManyTimesTheNewestAreGiven() throws Exception {
        FireTimes everySecond = FireTimes.of("* * * * * ?", "UTC");
        Instant until = Instant.parse("2026-11-25T12:00:00Z");
        FireTimes.Span span = everySecond.between(until.minusSeconds(30L * 86_400), until);
        assertThat(span.earlierLeftOut()).isTrue();
        assertThat(span.times()).hasSizeBetween(1_000, 10_000);
        assertThat(span.times().getLast()).isEqualTo(until);
        assertThat(everySecond.between(until.minusSeconds(5), until).times()).hasSize(5);
    }
}
