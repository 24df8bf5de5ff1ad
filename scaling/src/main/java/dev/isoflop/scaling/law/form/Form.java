package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Law;
import java.util.List;

/** What a form says of itself. */
public abstract class Form implements Law {

    private final String name;
    private final String formula;
    private final List<Input> inputs;
    private final List<Coefficient> coefficients;

    protected Form(String name, String formula, List<Input> inputs, List<Coefficient> coefficients) {
        this.name = name;
        this.formula = formula;
        this.inputs = List.copyOf(inputs);
        this.coefficients = List.copyOf(coefficients);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String formula() {
        return formula;
    }

    @Override
    public final List<Input> inputs() {
        return inputs;
    }

    @Override
    public final List<Coefficient> coefficients() {
        return coefficients;
    }
}
