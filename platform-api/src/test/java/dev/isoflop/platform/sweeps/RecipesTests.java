package dev.isoflop.platform.sweeps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.JobResult;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class RecipesTests {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final JobResult.Dataset TEXT =
            new JobResult.Dataset("d", 100_000_000, 1_000, 4_000, 10, 1, 1024, "t", List.of());
    private static final String TWO_BY_TWO = "{'flops':1e11,'batchSequences':2},{'flops':1e11,'batchSequences':4},"
            + "{'flops':1e11,'batchSequences':2,'learningRate':3e-3},{'flops':3e10,'batchSequences':2}";

    @Test
    void namesTellTheRecipeWhereTheBudgetHasSeveral() {
        assertThat(names(TWO_BY_TWO, ""))
                .containsExactly(
                        "C3e10-d16-s1",
                        "C3e10-d24-s1",
                        "C1e11-d16-b2-lr0.01-s1",
                        "C1e11-d16-b4-lr0.01-s1",
                        "C1e11-d16-b2-lr0.003-s1",
                        "C1e11-d24-b2-lr0.01-s1",
                        "C1e11-d24-b4-lr0.01-s1",
                        "C1e11-d24-b2-lr0.003-s1")
                .doesNotHaveDuplicates();
    }

    @Test
    void ratesThatDifferInTheLastDigitGiveNamesThatDo() {
        assertThat(names(
                        "{'flops':1e11,'batchSequences':2,'learningRate':0.00100001,'models':['d16']},"
                                + "{'flops':1e11,'batchSequences':2,'learningRate':0.001,'models':['d16']}",
                        ""))
                .containsExactly("C1e11-d16-b2-lr0.00100001-s1", "C1e11-d16-b2-lr0.001-s1");
    }

    @Test
    void anEntryOfOtherModelsMayHaveTheSameRecipe() {
        assertThat(names(
                        "{'flops':1e11,'batchSequences':2,'models':['d16']},{'flops':1e11,'batchSequences':2,'models':['d24']}",
                        ""))
                .hasSize(2);
    }

    @Test
    void aReplicateAddsItsSeedsToItsRecipeOnly() {
        assertThat(names(
                        TWO_BY_TWO,
                        ",'replicates':[{'flops':1e11,'model':'d24','batchSequences':2,'learningRate':0.003,'seeds':[1,2,7]},"
                                + "{'flops':1e11,'model':'d16','batchSequences':4,'seeds':[3]},"
                                + "{'flops':3e10,'model':'d16','seeds':[2]}]"))
                .hasSize(8 + 2 + 1 + 1)
                .contains(
                        "C1e11-d24-b2-lr0.003-s2", "C1e11-d24-b2-lr0.003-s7", "C1e11-d16-b4-lr0.01-s3", "C3e10-d16-s2");
    }

    @Test
    void aCellThatIsDroppedSaysOfWhichRecipe() {
        SweepPlanning.Planned planned = plan(
                "{'flops':1e10,'batchSequences':2,'models':['d16']},{'flops':1e10,'batchSequences':16,'models':['d16']}",
                "");
        assertThat(planned.cells()).hasSize(1);
        assertThat(planned.dropped())
                .extracting(SweepPlanning.NamedDrop::label)
                .containsExactly("d16 at 1e10, batchSequences 16 with learningRate 0.01");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "{'flops':1e11,'batchSequences':2},{'flops':1e11,'batchSequences':2} | d16, d24",
                "{'flops':1e11,'batchSequences':2},{'flops':1e11,'batchSequences':2,'models':['d24']} | d24",
                // named or by default, it is the same rate
                "{'flops':1e11,'batchSequences':2},{'flops':1e11,'batchSequences':2,'learningRate':0.01} | d16, d24",
            })
    void theSameRecipeTwiceIsRefusedWithTheFieldsThatMayDiffer(String budgets, String models) {
        assertThat(mistake(budgets, "")).satisfies(error -> {
            assertThat(error.pointer()).isEqualTo("/budgets/1/flops");
            assertThat(error.message())
                    .isEqualTo(
                            "budgets[0] already trains %s at 1e11 FLOPs with the same batchSequences and learningRate."
                                    .formatted(models));
            assertThat(error.expected()).contains("another flops, batchSequences or learningRate");
        });
    }

    @Test
    void theSweepsOwnRateCountsAsTheEntrys() {
        assertThat(mistake(
                        "{'flops':1e11,'batchSequences':2},{'flops':1e11,'batchSequences':2,'learningRate':0.02}",
                        ",'training':{'learningRate':0.02}"))
                .extracting(Problem.FieldError::pointer)
                .isEqualTo("/budgets/1/flops");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'seeds':[1] | /replicates/0/batchSequences | is trained with 3 recipes",
                "'batchSequences':2,'seeds':[1] | /replicates/0/learningRate | is trained with 2 recipes",
                "'learningRate':0.01,'seeds':[1] | /replicates/0/batchSequences | is trained with 2 recipes",
                "'batchSequences':8,'seeds':[1] | /replicates/0/batchSequences | No budget trains d24 at 1e11 FLOPs like that",
                "'learningRate':0.5,'seeds':[1] | /replicates/0/learningRate | No budget trains d24 at 1e11 FLOPs like that",
                "'batchSequences':4,'learningRate':0.003,'seeds':[1] | /replicates/0/learningRate | No budget trains",
                "'batchSequences':0,'seeds':[1] | /replicates/0/batchSequences | 0 is too small",
            })
    void aReplicateOfNoOneRecipeIsRefusedAtTheFieldThatWouldSay(String replicate, String pointer, String message) {
        assertThat(mistake(TWO_BY_TWO, ",'replicates':[{'flops':1e11,'model':'d24'," + replicate + "}]"))
                .satisfies(error -> {
                    assertThat(error.pointer()).isEqualTo(pointer);
                    assertThat(error.message()).contains(message);
                    assertThat(error.expected()).isNotBlank();
                });
    }

    @Test
    void theErrorListsTheRecipesThereAre() {
        assertThat(mistake(TWO_BY_TWO, ",'replicates':[{'flops':1e11,'model':'d24','batchSequences':2,'seeds':[1]}]")
                        .expected())
                .isEqualTo("batchSequences 2 with learningRate 0.01, or batchSequences 2 with learningRate 0.003");
    }

    private static Problem.FieldError mistake(String budgets, String more) {
        var thrown = assertThatThrownBy(() -> plan(budgets, more))
                .asInstanceOf(InstanceOfAssertFactories.type(ProblemException.class))
                .actual();
        return thrown.errors().getFirst();
    }

    private static List<String> names(String budgets, String more) {
        return plan(budgets, more).cells().stream()
                .map(SweepPlanning.NamedCell::name)
                .toList();
    }

    private static SweepPlanning.Planned plan(String budgets, String more) {
        SweepSpec spec = JSON.readValue("""
                {'kind':'isoflop','name':'r','dataset':{'corpus':'c'},'models':[{'dModel':16,'layers':2},{'dModel':24,'layers':2}],
                 'budgets':[%s]%s}""".formatted(budgets, more).replace('\'', '"'), SweepSpec.class);
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop ->
                SweepPlanning.plan(isoflop, TEXT, new SweepPlanning.Memory(1L << 34, "the test"));
            case SweepSpec.Command _ -> throw new AssertionError("no sweep of commands");
        };
    }
}
