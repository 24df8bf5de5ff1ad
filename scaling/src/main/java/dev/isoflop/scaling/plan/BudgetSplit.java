package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.plan.Ladder.Rung;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * From what may be spent in all to the budgets and models of an IsoFLOP sweep. Budgets are evenly spaced in ln C, so most goes into the largest, which says most of what is beyond it;
 * each is cut into as many models, evenly spaced in ln N about where its optimum is expected.
 *
 * @param flops to spend in all, 6ND
 * @param budgets at least 3, which a power law with a check needs
 * @param sizes models at each budget, at least 4, which a parabola with a check needs
 * @param decades between the smallest and the largest budget
 * @param fold how far the smallest and the largest model are from the expected optimum, as a factor
 * @param vocabSize of the models
 * @param contextLength of the models
 * @param tokensPerParameter of the expected optimum where there is no law; about 20 (Hoffmann et al. 2022)
 * @param precision that the models are trained in, which not every one can be
 * @param law of runs so far, whose optima are expected; null for none
 */
public record BudgetSplit(
        double flops,
        int budgets,
        int sizes,
        double decades,
        double fold,
        int vocabSize,
        int contextLength,
        double tokensPerParameter,
        Precision precision,
        @Nullable ChinchillaLaw law) {

    public BudgetSplit {
        if (!(flops > 0) || Double.isInfinite(flops)) {
            throw new IllegalArgumentException("flops must be positive and finite, was " + flops);
        }
        if (budgets < 3 || budgets > 20 || sizes < 4 || sizes > 20) {
            throw new IllegalArgumentException(
                    "3 to 20 budgets and 4 to 20 sizes needed, were %d and %d: fewer leave a fit nothing to test"
                            .formatted(budgets, sizes));
        }
        if (!(decades > 0 && decades <= 6) || !(fold > 1 && fold <= 100)) {
            throw new IllegalArgumentException(
                    "decades is above 0 to 6 and fold above 1 to 100, were %s and %s".formatted(decades, fold));
        }
        if (vocabSize < 2 || contextLength < 1 || !(tokensPerParameter > 0)) {
            throw new IllegalArgumentException("vocabSize, contextLength and tokensPerParameter must be positive");
        }
    }

    /**
     * @return budgets with their models, batch by {@link BatchRule}
     * @throws IllegalArgumentException if the models would be outside the ladder of widths
     */
    public List<BudgetPlan> plan() {
        Ladder ladder = Ladder.of(vocabSize, contextLength).trainedIn(precision);
        double ratio = Math.pow(10, decades / (budgets - 1));
        double largest = flops / sizes * (1 - 1 / ratio) / (1 - Math.pow(ratio, -budgets));
        List<BudgetPlan> out = new ArrayList<>();
        for (int b = budgets - 1; b >= 0; b--) {
            double c = TrainableRuns.rounded(largest * Math.pow(ratio, -b));
            out.add(new BudgetPlan(c, shapes(ladder, c), BatchRule.defaults().batchSequences(c, contextLength), null));
        }
        return out;
    }

    private double expected(double c) {
        return law != null ? law.optimum(c).N() : Math.sqrt(c / 6 / tokensPerParameter);
    }

    private String narrower(double parameters) {
        double least = Ladder.of(vocabSize, contextLength)
                .trainedIn(Precision.FP32)
                .rungs()
                .getFirst()
                .parameters();
        return precision == Precision.BF16 && parameters >= least
                ? ", or precision FP32, which trains narrower models"
                : "";
    }

    private List<TransformerShape> shapes(Ladder ladder, double c) {
        double middle = expected(c);
        TreeSet<Rung> chosen = new TreeSet<>(Comparator.comparingDouble(Rung::parameters));
        for (int i = 0; i < sizes; i++) {
            double wanted = middle * Math.pow(fold, 2.0 * i / (sizes - 1) - 1);
            chosen.add(ladder.nearest(wanted));
        }
        // neighbours on a coarse ladder may be one; the next larger fill up, then the next smaller
        for (Rung rung : ladder.rungs()) {
            if (chosen.size() < sizes && rung.parameters() > chosen.last().parameters()) {
                chosen.add(rung);
            }
        }
        for (Rung rung : ladder.rungs().reversed()) {
            if (chosen.size() < sizes && rung.parameters() < chosen.first().parameters()) {
                chosen.add(rung);
            }
        }
        double least = ladder.rungs().getFirst().parameters();
        double most = ladder.rungs().getLast().parameters();
        if (middle < least || middle > most) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "at %.3g FLOPs the best model is expected at %.3g parameters, and with a vocabulary of %d the ladder has %.3g to %.3g%s; %s",
                    c,
                    middle,
                    vocabSize,
                    least,
                    most,
                    precision == Precision.BF16 ? " in BF16" : "",
                    middle > most
                            ? "spend less, or take a larger vocabulary"
                            : "spend more, or take a smaller vocabulary" + narrower(middle)));
        }
        return chosen.stream().map(Rung::shape).toList();
    }
}
