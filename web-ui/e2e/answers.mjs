/** What the fake platform answers about its fits: reckoned from what the fixtures store of them, as the real one does. */

const number = (fit, name) => fit.parameters.find((one) => one.name === name)?.value;
const around = (value, share) => ({ value, low: value * (1 - share), high: value * (1 + share) });

function lineOf(fit) {
  const [first] = fit.frontier;
  const last = fit.frontier[fit.frontier.length - 1];
  const a = Math.log(last.n / first.n) / Math.log(last.flops / first.flops);
  return { a, k: first.n / first.flops ** a };
}

/** N* = k C^a by every method: each is off from the fits that are stored by an amount of its own. */
export function methodsOf(fits, fit, target) {
  const same = fits.filter((one) => one.options.countEmbeddings === fit.options.countEmbeddings);
  const isoflop = same.find((one) => one.method === "isoflop") ?? fit;
  const parametric = same.find((one) => one.method === "parametric") ?? fit;
  const asked = target ?? fit.target?.flops;
  const optima = (shift, noisy) =>
    isoflop.budgets.flatMap(({ optimum }) =>
      optimum
        ? [
            {
              flops: optimum.flops,
              n: noisy ? around(optimum.n.value * shift, 0.12) : { value: optimum.n.value * shift },
            },
          ]
        : [],
    );
  const method = (name, approach, base, tilt, noisy, more = {}) => {
    const { a, k } = lineOf(base);
    const slope = a + tilt;
    const n = k * 1e12 ** -tilt * asked ** slope;
    return {
      name,
      approach,
      k: k * 1e12 ** -tilt,
      a: noisy ? around(slope, 0.06) : { value: slope },
      b: noisy ? around(1 - slope, 0.06) : { value: 1 - slope },
      optima: approach === 3 ? [] : optima(1 + tilt, noisy),
      ...(asked === undefined
        ? {}
        : {
            optimum: {
              n: noisy ? around(n, 0.2) : { value: n },
              d: noisy ? around(asked / 6 / n, 0.2) : { value: asked / 6 / n },
              tokensPerParameter: noisy ? around(asked / 6 / n / n, 0.4) : { value: asked / 6 / n / n },
              ...(approach === 3 ? { loss: around(2.9, 0.02) } : {}),
            },
          }),
      findings: [],
      ...more,
    };
  };
  return {
    fitId: fit.id,
    points: fit.points.length,
    level: fit.level,
    ...(asked === undefined ? {} : { target: asked }),
    methods: [
      method("envelope", 1, isoflop, 0.05, false, {
        findings: ["6 of 24 points are corners of the frontier. It is drawn through the luckiest runs."],
      }),
      method("isoflop", 2, isoflop, 0, true),
      method("hoffmann", 2, isoflop, 0.015, false, { source: "Hoffmann et al. 2022, section 3.2" }),
      method("porian", 2, isoflop, -0.02, true, { source: "Porian et al. 2024, section 3.1" }),
      {
        name: "cs336",
        approach: 2,
        source: "CS336, assignment 3",
        optima: [],
        refusal: {
          code: "too-few-budgets",
          message: "A power law with a check needs 3 budgets with an optimum; there are 2.",
        },
        findings: [],
      },
      method("parametric", 3, parametric, 0, true),
    ],
    differences: [
      "a by isoflop is 0.512, by the surface 0.489 (+0.023). On the surface's own losses, at the same N and D and without noise, the method is off by +0.019, which is nearly all of it: believe the surface.",
    ],
  };
}

const SIDE = 21;

/** A valley that is long in one direction, as that of a law with two exponents is. */
export function exponentsOf(fit) {
  const best = [number(fit, "alpha"), number(fit, "beta")];
  const values = best.map((one) => Array.from({ length: SIDE }, (_, i) => one * 1.6 ** ((i - SIDE / 2 + 0.5) / 7)));
  const [alpha, beta] = values;
  const rise = (a, b) => {
    const x = Math.log(a / best[0]);
    const y = Math.log(b / best[1]);
    return 1 + 0.9 * (x - y) ** 2 + 0.12 * (x + y) ** 2;
  };
  return {
    fitId: fit.id,
    level: fit.level,
    bestAlpha: best[0],
    bestBeta: best[1],
    alpha,
    beta,
    rise: alpha.map((a) => beta.map((b) => rise(a, b))),
    alphaRise: alpha.map((a) => Math.min(...beta.map((b) => rise(a, b)))),
    betaRise: beta.map((b) => Math.min(...alpha.map((a) => rise(a, b)))),
    together: 1.06,
    alone: 1.04,
    certificate: {
      global: true,
      basins: 1,
      sentence:
        "Over 576 pairs of exponents, all else minimised, the objective has one basin, and none ends below the minimum.",
    },
  };
}

/** What a fit says of a budget; beyond 200 times the largest it says nothing. */
export function targetOf(fit, flops) {
  const largest = Math.max(...fit.points.map((point) => point.budget));
  const ratio = flops / largest;
  const base = { fitId: fit.id, flops, level: fit.level, calibrated: false };
  if (ratio > 200) {
    const message = `The target is ${ratio.toPrecision(3)} times the largest budget fitted; the limit is 200 times.`;
    return { ...base, refusal: { code: "far-extrapolation", message } };
  }
  const { a, k } = lineOf(fit);
  const n = k * flops ** a;
  const d = flops / 6 / n;
  const near = fit.frontier.reduce((best, one) =>
    Math.abs(Math.log(one.flops / flops)) < Math.abs(Math.log(best.flops / flops)) ? one : best,
  );
  return {
    ...base,
    optimum: {
      flops,
      n: { name: "N", ...around(n, 0.2) },
      d: { name: "D", ...around(d, 0.2) },
      loss: { name: "L", value: near.loss, low: near.lossLow, high: near.lossHigh },
    },
    tokensPerParameter: around(d / n, 0.4),
    forecast: around(near.loss, 0.03),
    ...(fit.method === "parametric" ? { excess: { value: 0.004, low: 0, high: 0.011 } } : {}),
    extrapolationRatio: ratio,
    calibrated: fit.method === "parametric" && ratio <= 10,
  };
}

export function comparisonOf(a, b, target) {
  const side = ({ id, sweepId, method, status, level, inputHash, createdAt }) => ({
    id,
    sweepId,
    method,
    status,
    level,
    inputHash,
    createdAt,
  });
  const left = (these, others) => these.excluded.filter((one) => !others.excluded.some((o) => o.runId === one.runId));
  return {
    a: side(a),
    b: side(b),
    parameters: a.parameters.map((one) => {
      const other = b.parameters.find((p) => p.name === one.name);
      return other
        ? { name: one.name, a: one, b: other, ratio: other.value / one.value, overlap: true }
        : { name: one.name, a: one };
    }),
    points: {
      shared: Math.min(a.points.length, b.points.length),
      onlyA: [],
      onlyB: [],
      excludedA: left(a, b),
      excludedB: left(b, a),
    },
    options: [],
    ...(target === undefined
      ? {}
      : {
          targets: {
            flops: target,
            a: { optimum: targetOf(a, target).optimum, extrapolationRatio: 10 },
            b: { optimum: targetOf(b, target).optimum, extrapolationRatio: 10 },
          },
        }),
  };
}

/** Freezes a prediction as the platform does, in the world's ledger. */
export function predict(world, fit, body) {
  const run = body.runId === undefined ? undefined : world.runs.find((one) => one.id === body.runId);
  const sweep = world.sweeps.find((one) => one.id === fit.sweepId);
  const n = run?.parameters ?? body.n;
  const d = run?.tokens ?? body.d;
  const { forecast, extrapolationRatio } = targetOf(fit, 6 * n * d);
  const made = {
    id: Math.max(0, ...world.predictions.map((one) => one.id)) + 1,
    experimentId: sweep.experimentId,
    experiment: sweep.experiment,
    fitId: fit.id,
    sweepId: fit.sweepId,
    sweep: sweep.name,
    inputHash: fit.inputHash,
    method: fit.method,
    law: "L(N, D)",
    n,
    d,
    flops: 6 * n * d,
    countEmbeddings: true,
    extrapolationRatio,
    level: fit.level,
    loss: forecast.value,
    low: forecast.low,
    high: forecast.high,
    madeBy: "user:boss",
    madeAt: new Date().toISOString(),
    ...(run ? { runId: run.id, run: run.name, runState: run.state } : {}),
    state: "open",
  };
  world.predictions.unshift(made);
  return made;
}
