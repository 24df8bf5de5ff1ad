/** What the fake platform plans: three budgets with four sizes, cells of over 1,000 tokens a parameter left out. */
export function planOf({ plan, sweep }) {
  const amount = plan.flops ?? plan.gpuHours ?? plan.deadlineHours;
  if (!(amount > 0)) {
    const field = "gpuHours" in plan ? "gpuHours" : "deadlineHours" in plan ? "deadlineHours" : "flops";
    return { fault: { pointer: `/plan/${field}`, message: `must be positive and finite, was ${amount}` } };
  }
  const perSecond = 3.4e14;
  const all = plan.flops ?? amount * 3600 * perSecond;
  const cells = [];
  const dropped = [];
  for (const share of [0.02, 0.05, 0.15]) {
    const budget = all * share;
    for (const fold of [0.1, 0.6, 1.6, 4]) {
      const n = Math.round(Math.sqrt(budget / 120) * fold);
      const d = budget / 6 / n;
      const model = `d${Math.round(n ** 0.35)}`;
      const dModel = Number(model.slice(1));
      if (d / n > 1000) {
        const sentence = `Width ${dModel} at ${budget.toExponential(2)} FLOPs: ${Math.round(d / n)} tokens a parameter; at most 1000 allowed`;
        dropped.push({ budget, model, dModel, n, d, reason: "TOO_MANY_TOKENS_PER_PARAMETER", sentence });
        continue;
      }
      const seconds = (budget * 1.1) / perSecond;
      cells.push({
        budget,
        model,
        dModel,
        layers: 4,
        n,
        d: Math.round(d),
        steps: 400,
        batchSequences: 8,
        learningRate: 0.003,
        flops: budget,
        exactFlops: budget * 1.1,
        memoryBytes: n * 16,
        seconds,
        ...(plan.pricePerHour ? { cost: (seconds / 3600) * plan.pricePerHour } : {}),
      });
    }
  }
  const sum = (of) => cells.reduce((total, cell) => total + of(cell), 0);
  const deviceSeconds = sum((cell) => cell.seconds);
  return {
    plan: {
      cells,
      dropped,
      plannedFlops: sum((cell) => cell.flops),
      exactFlops: sum((cell) => cell.exactFlops),
      tokens: sum((cell) => cell.d),
      flopsPerSecond: perSecond,
      devices: plan.devices ?? 1,
      deviceSeconds,
      wallSeconds: deviceSeconds / (plan.devices ?? 1),
      ...(plan.pricePerHour ? { cost: (deviceSeconds / 3600) * plan.pricePerHour } : {}),
      sweep: { kind: "isoflop", ...sweep, dataset: { corpus: sweep.corpus }, models: [], budgets: [] },
    },
  };
}
