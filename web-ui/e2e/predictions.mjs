/** Predictions as the platform serves them, made from the world's runs: by small fits of the runs of larger budgets. */

const LEVEL = 0.9;
const Z = 1.6449;

const ratioClass = (ratio) => (ratio <= 1 + 1e-9 ? "<=1" : ratio <= 3 ? "1-3" : ratio <= 10 ? "3-10" : ">10");

/**
 * @param runs the world's, of any sweep
 * @param lossAt the law the runs were made from
 */
export function predictionsOf(now, runs, sweeps, lossAt) {
  const made = [];
  const sweep = sweeps.find((one) => one.id === 1);
  const predict = (run, fit, largest, rest = {}) => {
    const n = run?.parameters ?? rest.n;
    const d = run?.tokens ?? rest.d;
    const flops = run?.budget ?? 6 * n * d;
    const ratio = flops / largest;
    // a fit knows the law the less the further it is extended
    const sd = 0.006 + 0.004 * Math.log(Math.max(1, ratio));
    const id = made.length + 1;
    const off = fit.off * Math.log(Math.max(1, ratio));
    const loss = lossAt(n, d) * Math.exp(off);
    const prediction = {
      id,
      experimentId: sweep.experimentId,
      experiment: sweep.experiment,
      fitId: fit.id,
      sweepId: sweep.id,
      sweep: sweep.name,
      inputHash: "0f".repeat(32),
      method: "parametric",
      law: "L(N, D) = E + A/N^α + B/D^β",
      n,
      d,
      flops,
      countEmbeddings: true,
      extrapolationRatio: ratio,
      level: LEVEL,
      loss,
      low: loss * Math.exp(-Z * sd),
      high: loss * Math.exp(Z * sd),
      madeBy: "ada",
      madeAt: new Date(now - 4 * 3_600_000 - id * 61_000).toISOString(),
      state: "open",
      ...(run
        ? { runId: run.id, run: run.name, runState: run.state, linkedAt: new Date(now - 4 * 3_600_000).toISOString() }
        : {}),
    };
    if (run?.state === "succeeded") {
      const logError = Math.log(run.finalLoss / loss);
      prediction.state = "scored";
      prediction.score = rest.diverged
        ? { diverged: true, covered: false }
        : {
            observed: run.finalLoss,
            diverged: false,
            logError,
            standardised: logError / sd,
            covered: run.finalLoss >= prediction.low && run.finalLoss <= prediction.high,
          };
    } else if (run?.state === "failed" || run?.state === "cancelled") {
      prediction.state = "void";
      prediction.voidReason =
        run.state === "cancelled" ? "the run was cancelled" : `the run failed: ${run.failure?.code ?? "no code"}`;
    }
    made.push(prediction);
  };
  const done = runs.filter((run) => run.sweepId === 1 && run.state === "succeeded" && run.kind === "pretrain");
  const of = (budget) => done.filter((run) => run.budget === budget);
  for (const run of of(3e11)) predict(run, { id: 12, off: 0 }, 3e11);
  for (const run of of(1e12)) predict(run, { id: 12, off: 0.002 }, 3e11);
  for (const run of of(3e12)) predict(run, { id: 12, off: -0.003 }, 3e11);
  for (const run of of(3e12).slice(1, 5)) predict(run, { id: 14, off: -0.008 }, 1e11);
  predict(of(3e12)[0], { id: 14, off: 0 }, 1e11, { diverged: true });
  const others = runs.filter((run) => run.sweepId !== 1 && run.kind === "pretrain" && run.budget > 0);
  const first = (state) => others.filter((run) => run.state === state).slice(0, 2);
  for (const state of ["failed", "cancelled", "running", "queued"]) {
    for (const run of first(state)) predict(run, { id: 12, off: 0 }, 3e11);
  }
  predict(undefined, { id: 12, off: 0 }, 3e11, { n: 1.1e6, d: 4.5e6 });
  return made;
}

function matching(predictions, query) {
  const is = (name, value) => !query.has(name) || query.get(name) === String(value);
  return predictions.filter(
    (one) =>
      is("experiment", one.experimentId) &&
      is("fit", one.fitId) &&
      is("run", one.runId) &&
      is("state", one.state) &&
      is("covered", one.score?.covered),
  );
}

export function listOf(predictions, query) {
  const sort = query.get("sort") ?? "-id";
  const name = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  const key = (one) =>
    name === "absoluteError" && one.score?.logError !== undefined
      ? Math.abs(one.score.logError)
      : (one[name] ?? one.score?.[name]);
  return matching(predictions, query).sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === y) return sign * (a.id - b.id);
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return sign * (x - y);
  });
}

/** Wilson's interval at 95 %. */
function wilson(covered, scored) {
  const z = 1.959964;
  const p = covered / scored;
  const centre = (p + (z * z) / (2 * scored)) / (1 + (z * z) / scored);
  const half = (z / (1 + (z * z) / scored)) * Math.sqrt((p * (1 - p)) / scored + (z * z) / (4 * scored * scored));
  return { name: "coverage", value: p, low: centre - half, high: centre + half };
}

function coverage(ratio, scored) {
  const covered = scored.filter((one) => one.score.covered).length;
  const errors = scored.flatMap((one) => (one.score.logError === undefined ? [] : [one.score.logError]));
  const sizes = errors.map(Math.abs).sort((a, b) => a - b);
  const middle = (sizes.length - 1) / 2;
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    ratio,
    scored: scored.length,
    covered,
    diverged: scored.filter((one) => one.score.diverged).length,
    ...(scored.length ? { coverage: wilson(covered, scored.length) } : {}),
    ...(sizes.length
      ? {
          medianError: (sizes[Math.floor(middle)] + sizes[Math.ceil(middle)]) / 2,
          meanError: mean(sizes),
          bias: mean(errors),
        }
      : {}),
  };
}

export function summaryOf(predictions, query) {
  const mine = matching(predictions, query);
  const scored = mine.filter((one) => one.state === "scored");
  return {
    open: mine.filter((one) => one.state === "open").length,
    voided: mine.filter((one) => one.state === "void").length,
    levels: scored.length
      ? [
          {
            level: LEVEL,
            all: coverage("all", scored),
            classes: ["<=1", "1-3", "3-10", ">10"].map((ratio) =>
              coverage(
                ratio,
                scored.filter((one) => ratioClass(one.extrapolationRatio) === ratio),
              ),
            ),
          },
        ]
      : [],
  };
}
