import { BATCH, LADDER } from "./fixtures.mjs";

/** What the fake platform proposes: whole models of the sweep's ladder and one beyond it, each telling less. */

const CONTEXT = 128;
const VOCAB = 1024;
/** What the runs of the world reach, counted. */
const PER_SECOND = 2.6e9 * 1.11;
const BEYOND = { name: "d128", dModel: 128, layers: 5, n: 1_114_112, non: 983_040 };
const CHOICES = [BEYOND, LADDER[0], LADDER[4], LADDER[1], LADDER[5], LADDER[2], LADDER[3]];

/** By its name: of the ladder, or of an addition that brings it. */
export function modelOf(name, models = []) {
  const known = [...LADDER, BEYOND].find((one) => one.name === name);
  const given = models.find((one) => one.name === name);
  if (known || !given) return known;
  const non = 12 * given.dModel ** 2 * given.layers;
  return { name, dModel: given.dModel, layers: given.layers, n: non + VOCAB * given.dModel, non };
}

/** A model on a budget, in whole steps. */
export function cellOf(model, budget, batchSequences) {
  const steps = Math.max(1, Math.round(budget / (6 * model.n) / (batchSequences * CONTEXT)));
  const d = steps * batchSequences * CONTEXT;
  const flops = 6 * model.n * d;
  return {
    budget,
    model: model.name,
    dModel: model.dModel,
    layers: model.layers,
    n: model.n,
    d,
    steps,
    batchSequences,
    learningRate: 0.01,
    flops,
    exactFlops: 1.11 * flops,
    memoryBytes: 16 * model.n + 4e6,
    seconds: (1.11 * flops) / PER_SECOND,
  };
}

function leftOutOf(least) {
  const cells = [];
  for (const fold of [1, 1.3, 1.7, 2.2, 2.8]) {
    const budget = least * fold;
    for (const model of [BEYOND, LADDER[5], LADDER[4]]) {
      const d = budget / 6 / model.n;
      const steps = Math.round(d / 256);
      const sentence = `Width ${model.dModel} at ${budget.toExponential(2)} FLOPs: ${steps} steps; at least 100 needed`;
      cells.push({ budget, model: model.name, dModel: model.dModel, n: model.n, d, reason: "TOO_FEW_STEPS", sentence });
    }
    const small = { model: "d8", dModel: 8, n: 9_700 };
    const d = budget / 6 / small.n;
    const sentence = `Width 8 at ${budget.toExponential(2)} FLOPs: ${(d / 6.7e6).toFixed(1)} passes over the corpus; at most 1 allowed`;
    cells.push({ budget, ...small, d, reason: "TOO_MANY_EPOCHS", sentence });
  }
  return cells;
}

const fault = (field, message) => ({ fault: { pointer: `/${field}`, message } });

/** @returns next, or the fault of the question */
export function nextOf(fit, sweep, question) {
  const of = question.of ?? "OPTIMUM";
  const optimum = of === "OPTIMUM";
  const flopsOf = fit.points.map((point) => point.flops);
  const least = question.minRun ?? Math.min(...flopsOf);
  const most = question.maxRun ?? Math.max(...flopsOf);
  if (of !== "EXPONENT" && !(question.flops > 0)) return fault("flops", "is missing: those of the run");
  if (most < least) return fault("maxRun", `lies between minRun = ${least} and 1e12 times it, was ${most}`);
  const whole = fit.options.countEmbeddings === (sweep.spec.countEmbeddings !== false);
  let left = (question.budget ?? Number.POSITIVE_INFINITY) - flopsOf.reduce((sum, flops) => sum + flops, 0);
  const runs = [];
  for (let i = 0; i < (question.runs ?? 1); i++) {
    const budget = Number(Math.max(least, most * 0.94 * 0.87 ** Math.floor(i / 2)).toPrecision(3));
    const cell = cellOf(CHOICES[i % CHOICES.length], budget, BATCH[3e12]);
    left -= cell.flops;
    if (left < 0) break;
    const saves = 6e13 / 3 ** i;
    runs.push({
      n: cell.n,
      d: cell.d,
      flops: cell.flops,
      sdBefore: 0.2 / (i + 1),
      sdAfter: 0.2 / (i + 2),
      ...(optimum ? { saves, pays: saves > cell.flops } : {}),
      ...(whole ? { cell } : {}),
    });
  }
  const pay = runs.filter((run) => run.pays).length;
  return {
    next: {
      fitId: fit.id,
      target: of,
      value: 14,
      sd: 0.2,
      noise: 0.002,
      runs,
      ...(optimum && runs.length ? { pays: pay > 0 } : {}),
      // what the fit knows less of than is reckoned is said at large waves, so that both can be looked at
      ...(optimum && runs.length > 3
        ? { caution: "The fit itself knows N* only to a factor of 2.35, this reckoning takes it for known to 1.52." }
        : {}),
      sentence: sentenceOf(runs, optimum, pay),
      leftOut: whole ? leftOutOf(least) : [],
      ...(whole ? {} : { unshaped: UNSHAPED }),
      ...(whole && runs.length ? { addition: additionOf(fit.id, runs) } : {}),
      flopsPerSecond: PER_SECOND,
    },
  };
}

const UNSHAPED =
  "The fit counts N without embeddings, and the sweep's budgets are spent by N with them: a fit that counts as the sweep does proposes whole models.";

function sentenceOf(runs, optimum, pay) {
  if (runs.length === 0) return "Nothing can be afforded: the runs so far have taken what there is.";
  if (!optimum)
    return "The standard deviation falls by 75 %; what that is worth in FLOPs can be said of the optimum alone.";
  if (pay === runs.length) {
    const all = pay === 1 ? "this run saves" : "each of these runs saves";
    return `Going on pays: ${all} more FLOPs at the target than it costs.`;
  }
  const first = pay === 1 ? "the first" : `the first ${pay}`;
  return `Going on pays for ${first} of these runs; the next would cost more FLOPs than it saves at the target.`;
}

function additionOf(fit, runs) {
  const budgets = new Map();
  for (const { cell } of runs) {
    const entry = budgets.get(cell.budget) ?? {
      flops: cell.budget,
      batchSequences: cell.batchSequences,
      models: [],
      learningRate: cell.learningRate,
    };
    entry.models.push(cell.model);
    budgets.set(cell.budget, entry);
  }
  const beyond = runs.some(({ cell }) => cell.model === BEYOND.name);
  return {
    ...(beyond ? { models: [{ name: BEYOND.name, dModel: BEYOND.dModel, layers: BEYOND.layers, heads: 4 }] } : {}),
    budgets: [...budgets.values()],
    fit,
  };
}
