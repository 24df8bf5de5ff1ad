/** Experiments of the stand-in, with ledgers made of their sweeps' runs. */

export function makeExperiments(now, sweeps) {
  return [...new Map(sweeps.map((sweep) => [sweep.experimentId, sweep.experiment]))].map(([id, name]) => ({
    id,
    name,
    createdAt: new Date(now - 9 * 3600e3).toISOString(),
    sweeps: sweeps.filter((sweep) => sweep.experimentId === id).length,
    weight: 1,
    version: 0,
  }));
}

function accountOf(runs) {
  const sum = (of) => runs.reduce((total, run) => total + of(run), 0);
  const done = (run) => (run.steps ? run.flops * Math.min(1, run.step / run.steps) : 0);
  const stands = (run) => !["failed", "cancelled"].includes(run.state);
  const achieved = sum((run) => (stands(run) ? (run.state === "succeeded" ? run.flops : done(run)) : 0));
  const failed = sum((run) => (run.state === "failed" ? run.flops * 0.4 : 0));
  // a runner was lost now and then, between two checkpoints
  const lost = achieved * 0.021;
  return {
    plannedFlops: sum((run) => run.flops),
    executedFlops: achieved + failed + lost,
    achievedFlops: achieved,
    replayed: { lost, failed: 0, preempted: 0 },
    abandoned: { failed, cancelled: 0 },
    remainingFlops: sum((run) =>
      ["succeeded", "failed", "cancelled"].includes(run.state) ? 0 : run.flops - done(run),
    ),
    gpuHours: 0,
    deviceHours: achieved / 1e13,
    wastedDeviceHours: (failed + lost) / 1e13,
    attempts: runs.length + 1,
  };
}

export function ledgerOf(experiment, sweeps, runs) {
  const own = sweeps.filter((sweep) => sweep.experimentId === experiment.id);
  const of = (ids) => accountOf(runs.filter((run) => ids.includes(run.sweepId)));
  const total = of(own.map((sweep) => sweep.id));
  return {
    experimentId: experiment.id,
    experiment: experiment.name,
    flopBudget: experiment.flopBudget,
    gpuHourBudget: experiment.gpuHourBudget,
    committedFlops: total.executedFlops + total.remainingFlops,
    total,
    sweeps: own.map((sweep) => ({ sweepId: sweep.id, sweep: sweep.name, account: of([sweep.id]) })),
  };
}

/** Sets all bounds at once, as the platform does: what is absent has none. */
export function setBudget(experiment, { flops, gpuHours, weight }) {
  return Object.assign(experiment, {
    flopBudget: flops,
    gpuHourBudget: gpuHours,
    weight: weight ?? 1,
    version: experiment.version + 1,
  });
}
