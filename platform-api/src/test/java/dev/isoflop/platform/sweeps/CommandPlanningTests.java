package dev.isoflop.platform.sweeps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.CommandSpec;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class CommandPlanningTests {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static SweepSpec.Command spec(String more) {
        String text = "{\"kind\":\"command\",\"name\":\"s\",\"command\":[\"run\",\"--lr={lr}\"]" + more + "}";
        return (SweepSpec.Command) JSON.readValue(text, SweepSpec.class);
    }

    private static List<String> names(String more) {
        SweepSpec.Command spec = spec(more);
        assertThat(CommandChecks.check(spec)).isEmpty();
        return CommandPlanning.plan(spec).cells().stream()
                .map(CommandPlanning.Cell::name)
                .toList();
    }

    @Test
    void listsMakeAGridNamedByItsValues() {
        assertThat(names(",\"parameters\":{\"lr\":{\"values\":[0.001,1e-4]},\"deep\":{\"values\":[true,\"a b\"]}}"))
                .containsExactly("lr=0.001,deep=true", "lr=0.001,deep=a_b", "lr=1e-4,deep=true", "lr=1e-4,deep=a_b");
    }

    @Test
    void haltonCoversARangeEvenlyAndIsTheSameEachTime() {
        assertThat(names(",\"parameters\":{\"lr\":{\"min\":0,\"max\":8}},\"search\":{\"count\":7}"))
                .containsExactly("lr=4", "lr=2", "lr=6", "lr=1", "lr=5", "lr=3", "lr=7");
        assertThat(CommandPlanning.radicalInverse(5, 3)).isCloseTo(7.0 / 9, within(1e-15));
    }

    @Test
    void randomDrawsFollowTheSeedAndALogarithmicRangeItsLogarithms() {
        String random =
                ",\"parameters\":{\"lr\":{\"min\":1e-4,\"max\":1,\"scale\":\"LOG\"}},\"search\":{\"method\":\"RANDOM\",\"count\":400,\"seed\":%d}";
        assertThat(names(random.formatted(7)))
                .isEqualTo(names(random.formatted(7)))
                .isNotEqualTo(names(random.formatted(8)));
        long small = CommandPlanning.plan(spec(random.formatted(7))).cells().stream()
                .mapToDouble(cell -> Double.parseDouble(cell.parameters().get("lr")))
                .peek(lr -> assertThat(lr).isBetween(1e-4, 1.0))
                .filter(lr -> lr < 1e-2)
                .count();
        assertThat(small)
                .as("half of them lie below the middle of the logarithms")
                .isBetween(160L, 240L);
    }

    @Test
    void wholeNumbersReachBothEndsAndRepeatsAreLeftOut() {
        SweepSpec.Command spec = spec(
                ",\"parameters\":{\"lr\":{\"min\":1,\"max\":3,\"integer\":true},\"x\":{\"values\":[1,2]}},\"search\":{\"count\":20}");
        CommandPlanning.Planned planned = CommandPlanning.plan(spec);
        assertThat(planned.cells())
                .extracting(CommandPlanning.Cell::name)
                .containsExactlyInAnyOrder("lr=1,x=1", "lr=1,x=2", "lr=2,x=1", "lr=2,x=2", "lr=3,x=1", "lr=3,x=2");
        assertThat(planned.repeated()).hasSize(34);
        assertThat(CommandPlanning.size(spec)).isEqualTo(40);
    }

    @Test
    void valuesGoIntoArgumentsAndEnvironmentButNotIntoSecretsOrDoubledBraces() {
        SweepSpec.Command spec = spec(
                ",\"parameters\":{\"lr\":{\"values\":[0.5]}},\"environment\":{\"LR\":\"{lr}\",\"KEY\":\"{lr}{x}\"},\"secrets\":[\"KEY\"]");
        assertThat(CommandChecks.check(spec)).isEmpty();
        CommandSpec job =
                CommandSweeps.job(spec, CommandPlanning.plan(spec).cells().getFirst(), List.of());
        assertThat(job.argv()).containsExactly("run", "--lr=0.5");
        assertThat(job.environment()).containsEntry("LR", "0.5").containsEntry("KEY", "{lr}{x}");
        assertThat(job.masked().environment()).containsEntry("KEY", CommandSpec.MASK);
        assertThat(CommandPlanning.fill("{{lr}} {\"json\": {lr}} $x", Map.of("lr", "$1")))
                .isEqualTo("{lr} {\"json\": $1} $x");
        assertThat(CommandPlanning.unknown("{lr} {other} {{third}}", Set.of("lr")))
                .containsExactly("other");
    }

    @Test
    void drawsStayInTheirRangeWhenTheyAreRounded() {
        SweepSpec.Command spec =
                spec(",\"parameters\":{\"lr\":{\"min\":0.1234561,\"max\":0.1234564}},\"search\":{\"count\":5}");
        assertThat(CommandPlanning.plan(spec).cells())
                .allSatisfy(
                        cell -> assertThat(Double.parseDouble(cell.parameters().get("lr")))
                                .isBetween(0.1234561, 0.1234564));
    }

    @Test
    void aSecretIsHiddenByTheLineAndNotByAPartOfIt() {
        SweepSpec.Command spec = spec(",\"parameters\":{\"lr\":{\"values\":[1]}},\"environment\":{\"A\":\"hunter\","
                + "\"B\":\"hunter22\",\"C\":\"first line\\nsecond line\"},\"secrets\":[\"A\",\"B\",\"C\"]");
        assertThat(CommandChecks.check(spec)).isEmpty();
        CommandSpec job =
                CommandSweeps.job(spec, CommandPlanning.plan(spec).cells().getFirst(), List.of());
        assertThat(job.mask("hunter22 hunter")).isEqualTo(CommandSpec.MASK + " " + CommandSpec.MASK);
        assertThat(job.mask("> second line <")).isEqualTo("> " + CommandSpec.MASK + " <");
    }

    @Test
    void aSecretThatCannotBeHiddenOrIsNoneIsRefused() {
        assertThat(CommandChecks.check(spec(",\"parameters\":{\"lr\":{\"values\":[1]}},\"environment\":{\"A\":\"abc\","
                        + "\"B\":\"" + CommandSpec.MASK + "\"},\"secrets\":[\"A\",\"B\"]")))
                .extracting(Problem.FieldError::pointer)
                .containsExactly("/environment/A", "/environment/B");
    }

    @Test
    void whatIsWrongIsSaidFieldByField() {
        SweepSpec.Command spec = spec(
                ",\"parameters\":{\"width\":{\"min\":2},\"b\":{\"values\":[]},\"c\":{\"min\":0,\"max\":1,"
                        + "\"scale\":\"LOG\"},\"d\":{\"values\":[{}]}},\"environment\":{\"ISOFLOP_RUN\":\"1\"},\"secrets\":[\"Z\"],"
                        + "\"files\":{\"../x\":\"\"},\"outputs\":[\"*.json\",\"[a\",\" \"],\"gpus\":-1,\"checkpointDirectory\":\"/tmp\"");
        assertThat(CommandChecks.check(spec))
                .extracting(Problem.FieldError::pointer)
                .containsExactlyInAnyOrder(
                        "/parameters/width",
                        "/parameters/b/values",
                        "/parameters/c/min",
                        "/parameters/d/values/0",
                        "/command/1",
                        "/environment/ISOFLOP_RUN",
                        "/secrets/0",
                        "/files/..~1x",
                        "/outputs/1",
                        "/outputs/2",
                        "/gpus",
                        "/checkpointDirectory");
        assertThat(
                        CommandChecks.check(
                                spec(
                                        ",\"parameters\":{\"lr\":{\"min\":0,\"max\":1},\"b\":{\"values\":[1,2]}},\"search\":{\"count\":9000}")))
                .extracting(Problem.FieldError::message)
                .containsExactly("The sweep has too many runs.");
    }
}
