package dev.isoflop.platform.fits;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.fits.BestRecipe.Recipe;
import dev.isoflop.platform.fits.BestRecipe.Trained;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BestRecipeTests {

    @Test
    void aCellWithOneRecipeKeepsAllItsSeeds() {
        BestRecipe.Choice choice = BestRecipe.among(
                List.of(run(1, "a", 2, 0.01, 3.0), run(2, "a", 2, 0.01, 3.1), run(3, "b", 4, 0.003, 2.9)));
        assertThat(choice.cells()).isZero();
        assertThat(choice.reasons()).isEmpty();
    }

    @Test
    void recipesAreComparedByTheirMeansWithinACellOnly() {
        BestRecipe.Choice choice = BestRecipe.among(List.of(
                run(1, "a", 2, 0.01, 3.0),
                run(2, "a", 2, 0.01, 3.2),
                run(3, "a", 2, 0.003, 2.9),
                run(4, "a", 2, 0.003, 3.4),
                run(5, "b", 2, 0.01, 2.5)));
        assertThat(choice.cells()).isEqualTo(1);
        assertThat(choice.reasons()).containsOnlyKeys(3L, 4L);
        assertThat(choice.reasons().get(3L))
                .isEqualTo(
                        "not the best recipe: batch 2, learning rate 0.003 has a mean loss of 3.1500, batch 2, learning"
                                + " rate 0.01 has 3.1000");
    }

    @Test
    void equalMeansGoToTheSmallerBatchThenTheLowerRateInWhateverOrderTheyCome() {
        List<Trained> runs = new ArrayList<>(List.of(
                run(1, "a", 4, 0.003, 3.0),
                run(2, "a", 2, 0.01, 3.0),
                run(3, "a", 2, 0.003, 3.0),
                run(4, "a", 8, 0.001, 3.0)));
        long seed = 5;
        Random random = new Random(seed);
        for (int i = 0; i < 20; i++) {
            Collections.shuffle(runs, random);
            assertThat(BestRecipe.among(runs).reasons()).as("seed " + seed).containsOnlyKeys(1L, 2L, 4L);
        }
    }

    @Test
    void aRunThatDoesNotTellItsRecipeIsStillOne() {
        BestRecipe.Choice choice =
                BestRecipe.among(List.of(new Trained(1, "a", new Recipe(null, null), 3.0), run(2, "a", 2, 0.01, 3.0)));
        assertThat(choice.reasons()).containsOnlyKeys(2L);
        assertThat(choice.reasons().get(2L)).endsWith("batch unknown, learning rate unknown has 3.0000");
    }

    private static Trained run(long id, String cell, int batch, double rate, double loss) {
        return new Trained(id, cell, new Recipe(batch, rate), loss);
    }
}
