package dev.isoflop.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.FitViews;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class FitTableTests {

    private static final JsonMapper JSON = JsonMapper.shared();

    private static List<String> lines(int single) {
        String few =
                IntStream.range(0, single).mapToObj(i -> """
                        ,{"flops":%d.5e10,"nMin":1e6,"nMax":1e6,"refusal":{"code":"too-few-sizes","message":"1 size, 3 are needed."}}
                        """.formatted(i + 1)).collect(Collectors.joining());
        return FitTable.lines(List.of(JSON.readValue("""
                {"id":4,"sweepId":1,"method":"isoflop","status":"converged","level":0.95,"parameters":[],"points":[],"excluded":[],"warnings":["Something else."],
                 "budgets":[{"flops":1e10,"nMin":1e6,"nMax":1e6,"refusal":{"code":"edge-optimum","message":"The least loss lies at the end."}}%s],
                 "options":{},"diagnostics":{},"inputHash":"h","createdAt":"2026-11-27T00:00:00Z"}""".formatted(few), FitViews.Fit.class)));
    }

    /** A sweep that grew run by run has dozens. */
    @Test
    void budgetsOfARunOrTwoAreToldAsOneOnceTheyAreMany() {
        assertThat(lines(3)).filteredOn(l -> l.contains("too-few-sizes")).hasSize(3);
        List<String> many = lines(20);
        assertThat(many)
                .noneMatch(l -> l.contains("too-few-sizes"))
                .anyMatch(l -> l.contains("refused, edge-optimum: The least loss lies at the end."))
                .contains("  20 more budgets have too few sizes for a parabola; the parametric fit has their runs.")
                .contains("  note: Something else.");
    }
}
