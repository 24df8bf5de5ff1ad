/**
 * What the fake platform plans. IsoFLOP curves: three budgets with four sizes, cells of over 1,000 tokens a parameter left
 * out. An optimal sweep: small and large models in turn, from the largest budget down, and many cells left out.
 */

/** FLOP/s by what runs are trained in. */
const PER_SECOND = { BF16: 3.4e14, FP32: 2.3e13 };
/** The sweep that was measured trained in it. */
const MEASURED = "FP32";

const precisionOf = (plan, throughputOf) => plan.precision ?? (throughputOf === undefined ? "BF16" : MEASURED);

const fault = (field, message) => ({ fault: { pointer: `/plan/${field}`, message } });

function cellOf(budget, n, plan) {
  const d = Math.round(budget / 6 / n);
  const seconds = (budget * 1.1) / PER_SECOND[plan.precision];
  const dModel = Math.round(n ** 0.35);
  return {
    budget,
    model: `d${dModel}`,
    dModel,
    layers: 4,
    n,
    d,
    steps: 400,
    batchSequences: 8,
    learningRate: 0.003,
    flops: budget,
    exactFlops: budget * 1.1,
    memoryBytes: n * 16,
    seconds,
    ...(plan.pricePerHour ? { cost: (seconds / 3600) * plan.pricePerHour } : {}),
  };
}

function leftOut(budget, n, reason, words) {
  const dModel = Math.round(n ** 0.35);
  const sentence = `Width ${dModel} at ${budget.toExponential(2)} FLOPs: ${words}`;
  return { budget, model: `d${dModel}`, dModel, n, d: budget / 6 / n, reason, sentence };
}

function curves(all, plan) {
  const cells = [];
  const dropped = [];
  for (const share of [0.02, 0.05, 0.15]) {
    const budget = all * share;
    for (const fold of [0.1, 0.6, 1.6, 4]) {
      const n = Math.round(Math.sqrt(budget / 120) * fold);
      const ratio = budget / 6 / n / n;
      if (ratio > 1000) {
        const words = `${Math.round(ratio)} tokens a parameter; at most 1000 allowed`;
        dropped.push(leftOut(budget, n, "TOO_MANY_TOKENS_PER_PARAMETER", words));
      } else {
        cells.push(cellOf(budget, n, plan));
      }
    }
  }
  return { cells, dropped };
}

function optimal(all, plan) {
  const steps = 12;
  const budgets = Array.from({ length: steps }, (_, i) => (all / 8) * 10 ** ((-(plan.decades ?? 2.5) * i) / steps));
  const expected = (budget) => Math.sqrt(budget / 120);
  const most = Math.min(plan.runs ?? 30, 16);
  const cells = Array.from({ length: most }, (_, i) => {
    const budget = budgets[Math.floor(i / 2)];
    return cellOf(budget, Math.round(expected(budget) * (i % 2 ? 3.1 : 0.34)), plan);
  });
  const dropped = budgets.flatMap((budget, i) => {
    const n = (fold) => Math.round(expected(budget) * fold);
    return [
      leftOut(
        budget,
        n(0.25),
        "TOO_MANY_EPOCHS",
        `${(9 - i / 2).toFixed(1)} passes over the corpus; at most 4 allowed`,
      ),
      leftOut(
        budget,
        n(0.29),
        "TOO_MANY_EPOCHS",
        `${(8 - i / 2).toFixed(1)} passes over the corpus; at most 4 allowed`,
      ),
      ...(i < 5 ? [leftOut(budget, n(3.9), "DOES_NOT_FIT_MEMORY", `${90 - 2 * i} GiB; there are 80 GiB`)] : []),
      ...(i > 3 ? [leftOut(budget, n(3.6), "TOO_FEW_STEPS", `${99 - 5 * i} steps; at least 100 needed`)] : []),
    ];
  });
  return { cells, dropped };
}

export function planOf({ plan: asked, sweep, fit, throughputOf }) {
  const precision = precisionOf(asked, throughputOf);
  const plan = { ...asked, precision };
  if (throughputOf !== undefined && precision !== MEASURED) {
    return fault("precision", `= ${precision} is not what was measured`);
  }
  const amount = plan.flops ?? plan.gpuHours ?? plan.deadlineHours;
  if (!(amount > 0)) {
    const field = "gpuHours" in plan ? "gpuHours" : "deadlineHours" in plan ? "deadlineHours" : "flops";
    return fault(field, `must be positive and finite, was ${amount}`);
  }
  const design = plan.design ?? "ISOFLOP";
  for (const field of design === "OPTIMAL" ? ["budgets", "sizes"] : ["runs"]) {
    if (field in plan) return fault(field, `is of the other design than ${design}`);
  }
  if ("target" in plan && !(plan.target > 0)) return fault("target", `must be positive and finite, was ${plan.target}`);
  const all = plan.flops ?? amount * 3600 * PER_SECOND[precision];
  const { cells, dropped } = design === "OPTIMAL" ? optimal(all, plan) : curves(all, plan);
  const sum = (of) => cells.reduce((total, cell) => total + of(cell), 0);
  const deviceSeconds = sum((cell) => cell.seconds);
  const target = plan.target ?? 10 * all;
  // the farther the target, the less is known of it; runs so far and an optimal design tell more
  const sd = 0.04 * Math.log10(target / all) * (design === "OPTIMAL" ? 0.55 : 1) * (fit === undefined ? 1 : 0.7) + 0.02;
  return {
    plan: {
      design,
      precision,
      target,
      sd,
      cells,
      dropped,
      plannedFlops: sum((cell) => cell.flops),
      exactFlops: sum((cell) => cell.exactFlops),
      tokens: sum((cell) => cell.d),
      flopsPerSecond: PER_SECOND[precision],
      devices: plan.devices ?? 1,
      deviceSeconds,
      wallSeconds: deviceSeconds / (plan.devices ?? 1),
      ...(plan.pricePerHour ? { cost: (deviceSeconds / 3600) * plan.pricePerHour } : {}),
      sweep: {
        kind: "isoflop",
        ...sweep,
        dataset: { corpus: sweep.corpus },
        models: [],
        budgets: [],
        training: { precision },
      },
    },
  };
}
