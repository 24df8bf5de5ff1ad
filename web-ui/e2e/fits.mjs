/** Fits of the stand-in: parabolas and frontiers are computed from the runs, the law is the one the runs were made from. */

export const LAW = { E: 1.85, A: 38, B: 420, alpha: 0.32, beta: 0.42 };

export const BUDGETS = [1e11, 3e11, 1e12, 3e12];
export const TARGET = 3e13;

export function lossAt(n, d) {
  return LAW.E + LAW.A / n ** LAW.alpha + LAW.B / d ** LAW.beta;
}

/** Least squares of y on 1, u, u². */
function quadratic(points) {
  const m = Array.from({ length: 3 }, () => [0, 0, 0, 0]);
  for (const { u, y } of points) {
    const basis = [u * u, u, 1];
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) m[i][j] += basis[i] * basis[j];
      m[i][3] += basis[i] * y;
    }
  }
  for (let i = 0; i < 3; i++) {
    let pivot = i;
    for (let k = i + 1; k < 3; k++) if (Math.abs(m[k][i]) > Math.abs(m[pivot][i])) pivot = k;
    [m[i], m[pivot]] = [m[pivot], m[i]];
    for (let k = 0; k < 3; k++) {
      if (k === i) continue;
      const factor = m[k][i] / m[i][i];
      for (let j = i; j < 4; j++) m[k][j] -= factor * m[i][j];
    }
  }
  return { a: m[0][3] / m[0][0], b: m[1][3] / m[1][1], c: m[2][3] / m[2][2] };
}

/** ln y = intercept + slope ln x. */
function power(points) {
  const xs = points.map((p) => Math.log(p.x));
  const ys = points.map((p) => Math.log(p.y));
  const mx = xs.reduce((a, b) => a + b) / xs.length;
  const my = ys.reduce((a, b) => a + b) / ys.length;
  let sxy = 0;
  let sxx = 0;
  xs.forEach((x, i) => {
    sxy += (x - mx) * (ys[i] - my);
    sxx += (x - mx) ** 2;
  });
  const slope = sxy / sxx;
  return { slope, at: (x) => Math.exp(my + slope * (Math.log(x) - mx)), centre: Math.exp(mx) };
}

function around(name, value, share) {
  return { name, value, low: value * Math.exp(-share), high: value * Math.exp(share) };
}

/** Of a sweep of single runs. */
const NO_OPTIMA = {
  status: "refused",
  refusal: {
    code: "too-few-optima",
    message: "A power law with a check needs 3 budgets with an optimum; there are 0.",
  },
  frontier: [],
};

/** Both methods by both counts of N, as the platform fits a sweep when its last run has ended. */
export function fitsOf(sweep, runs, firstId, now) {
  const done = runs.filter((run) => run.finalLoss !== undefined);
  return [true, false].flatMap((countEmbeddings, i) => {
    const n = (run) => (countEmbeddings ? run.parameters : run.nonEmbeddingParameters);
    const points = done.map((run) => ({
      runId: run.id,
      name: run.name,
      n: n(run),
      nNonEmbedding: run.nonEmbeddingParameters,
      d: run.tokens,
      flops: run.flops,
      budget: run.budget,
      seed: run.seed,
      loss: run.finalLoss,
    }));
    const budgets = BUDGETS.filter((flops) => points.some((p) => p.budget === flops)).map((flops) => {
      // the far ends of a ladder are no parabola
      const best = points.filter((p) => p.budget === flops).sort((a, b) => a.loss - b.loss)[0];
      const mine = points.filter((p) => p.budget === flops && Math.abs(Math.log(p.n / best.n)) < 1.9);
      const { a, b, c } = quadratic(mine.map((p) => ({ u: Math.log(p.n), y: p.loss })));
      const nStar = Math.exp(-b / (2 * a));
      const nMin = Math.min(...mine.map((p) => p.n));
      const nMax = Math.max(...mine.map((p) => p.n));
      if (!(a > 0) || nStar <= nMin * 1.02 || nStar >= nMax) {
        return {
          flops,
          nMin,
          nMax,
          refusal: {
            code: "no-interior-minimum",
            message:
              "The lowest loss is at the smallest model trained: the optimum lies below the range. Add smaller models.",
          },
        };
      }
      const low = c - (b * b) / (4 * a);
      return {
        flops,
        a,
        b,
        c,
        nMin,
        nMax,
        optimum: {
          flops,
          n: around("N", nStar, 0.16),
          d: around("D", flops / (6 * nStar), 0.16),
          loss: { name: "L", value: low, low: low - 0.03, high: low + 0.03 },
        },
      };
    });
    // those that were added run by run: too few sizes for a parabola
    for (const flops of new Set(points.map((p) => p.budget))) {
      if (BUDGETS.includes(flops)) continue;
      const mine = points.filter((p) => p.budget === flops).map((p) => p.n);
      budgets.push({
        flops,
        nMin: Math.min(...mine),
        nMax: Math.max(...mine),
        refusal: {
          code: "too-few-sizes",
          message: `Budget ${flops.toExponential(2)} has ${new Set(mine).size} distinct sizes; a parabola needs 4 to leave a check.`,
        },
      });
    }
    const optima = budgets.flatMap((one) => (one.optimum ? [one.optimum] : []));
    const lined = optima.length > 1;
    const nLaw = lined && power(optima.map((o) => ({ x: o.flops, y: o.n.value })));
    const dLaw = lined && power(optima.map((o) => ({ x: o.flops, y: o.d.value })));
    const centre = Math.exp(points.reduce((total, p) => total + Math.log(p.budget), 0) / points.length);
    const spread = (flops) => 0.1 + 0.075 * Math.abs(Math.log(flops / (nLaw ? nLaw.centre : centre)));
    const lossOf = (flops) => lossAt(nLaw.at(flops), dLaw.at(flops)) + (countEmbeddings ? 0 : 0.02);
    const grid = Array.from({ length: 48 }, (_, k) => 5e10 * (6e13 / 5e10) ** (k / 47));
    const point = (flops, nStar, dStar, loss, wide) => ({
      flops,
      n: nStar,
      nLow: nStar * Math.exp(-wide),
      nHigh: nStar * Math.exp(wide),
      d: dStar,
      dLow: dStar * Math.exp(-wide),
      dHigh: dStar * Math.exp(wide),
      loss,
      lossLow: loss - 0.05 * wide * 4,
      lossHigh: loss + 0.05 * wide * 4,
      extrapolated: flops < BUDGETS[0] || flops > BUDGETS[BUDGETS.length - 1],
    });
    const { E, A, B, alpha, beta } = LAW;
    const G = ((alpha * A) / (beta * B)) ** (1 / (alpha + beta));
    const exact = (flops) => {
      const nStar = G * (flops / 6) ** (beta / (alpha + beta));
      return { n: nStar, d: flops / 6 / nStar };
    };
    const optimum = (p) => ({
      flops: p.flops,
      n: { name: "N", value: p.n, low: p.nLow, high: p.nHigh },
      d: { name: "D", value: p.d, low: p.dLow, high: p.dHigh },
      loss: { name: "L", value: p.loss, low: p.lossLow, high: p.lossHigh },
    });
    const law2 = (flops) => point(flops, nLaw.at(flops), dLaw.at(flops), lossOf(flops), spread(flops));
    const law3 = (flops) => {
      const o = exact(flops);
      return point(flops, o.n, o.d, lossAt(o.n, o.d), spread(flops) * 0.8);
    };
    const common = {
      sweepId: sweep.id,
      status: "converged",
      level: 0.95,
      points,
      excluded: [],
      createdAt: new Date(now - 60_000).toISOString(),
    };
    return [
      {
        ...common,
        id: firstId + 2 * i,
        method: "isoflop",
        parameters: lined
          ? [
              { name: "a", value: nLaw.slope, low: nLaw.slope - 0.06, high: nLaw.slope + 0.07 },
              { name: "b", value: dLaw.slope, low: dLaw.slope - 0.07, high: dLaw.slope + 0.06 },
            ]
          : [],
        budgets,
        ...(lined ? { target: optimum(law2(TARGET)), frontier: grid.map(law2) } : NO_OPTIMA),
        options: { countEmbeddings, window: 4, bootstraps: 1000, seed: 1 },
        diagnostics: { residualStandardDeviation: 0.0241, budgetsFitted: optima.length },
        warnings: ["The target lies 10 times beyond the largest budget fitted."],
        inputHash: "9f2c41d07be6a0c9d4b27a3ff1b7c9b1b9b8ff0f2b2c1f24aa1d2f1c55e0a7d1",
      },
      {
        ...common,
        id: firstId + 2 * i + 1,
        method: "parametric",
        parameters: [
          around("E", E, 0.06),
          around("A", A, 0.3),
          around("B", B, 0.35),
          around("alpha", alpha, 0.09),
          around("beta", beta, 0.08),
          around("a", beta / (alpha + beta), 0.05),
          around("b", alpha / (alpha + beta), 0.05),
        ],
        budgets: [],
        target: optimum(law3(TARGET)),
        frontier: grid.map(law3),
        options: { countEmbeddings, huberDelta: 0.001, starts: 4500, bootstraps: 1000, seed: 1 },
        diagnostics: { objective: 0.00213, r2: 0.9962 },
        warnings: ["The target lies 10 times beyond the largest budget fitted."],
        inputHash: "1b7c9f2c41d07be6a0c9d4b27a3ff1b7c9b1b9b8ff0f2b2c1f24aa1d2f1c55e0",
      },
    ];
  });
}
