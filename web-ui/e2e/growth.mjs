import { predict } from "./answers.mjs";
import { fitsOf, lossAt } from "./fits.mjs";
import { cellOf, modelOf } from "./next.mjs";

/** Runs that are added to a sweep of the stand-in: they wait, end all at once after a while, and are fitted with the rest. */

const MILLIS = 3000;

const power = (flops) => Number(flops.toPrecision(3)).toExponential().replace("+", "");

/** @returns sweep, or the fault for which nothing was added */
export function addRuns(world, sweep, addition, { key, predictFrom, now = Date.now() }) {
  world.keys ??= new Set();
  if (world.keys.has(key)) return { sweep };
  if (!addition.budgets?.length) return { fault: { pointer: "/budgets", message: "Nothing would be added." } };
  const mine = world.runs.filter((run) => run.sweepId === sweep.id);
  const like = mine.find((run) => run.kind === "pretrain");
  const made = [];
  for (const entry of addition.budgets) {
    for (const name of entry.models) {
      const model = modelOf(name, addition.models);
      if (!model) return { fault: { pointer: "/budgets/0/models/0", message: `There is no model ${name}.` } };
      const cell = cellOf(model, entry.flops, entry.batchSequences);
      const called = `C${power(entry.flops)}-${name}-s1`;
      if ([...mine, ...made].some((run) => run.name === called)) {
        const message = `${name} at ${power(entry.flops)} FLOPs with this recipe and seed is in the sweep already: it would come out the same.`;
        return { fault: { pointer: "/budgets", message, expected: "another model, budget or recipe" } };
      }
      made.push(runOf(like, cell, model, called, now));
    }
  }
  let id = Math.max(...world.runs.map((run) => run.id));
  for (const run of made) run.id = ++id;
  world.keys.add(key);
  world.runs.push(...made);
  if (predictFrom !== undefined) {
    const fit = [...world.fits.values()].flat().find((one) => one.id === predictFrom);
    for (const run of made) predict(world, fit, { runId: run.id });
  }
  const flops = made.reduce((sum, run) => sum + run.flops, 0);
  const ids = world.sweeps.flatMap((one) => one.additions.map((added) => added.id));
  sweep.additions.push({
    id: Math.max(0, ...ids) + 1,
    addition,
    runs: made.length,
    flops,
    addedAt: new Date(now).toISOString(),
  });
  sweep.counts.queued += made.length;
  sweep.plannedFlops += flops;
  sweep.state = "running";
  sweep.version += 1;
  delete sweep.finishedAt;
  world.growing ??= [];
  world.growing.push({ sweep, runs: made, endsAt: now + MILLIS });
  return { sweep };
}

function runOf(like, cell, model, name, now) {
  const { startedAt, finishedAt, finalLoss, bitsPerByte, trainLoss, tokensPerSecond, runner, failure, ...rest } = like;
  return {
    ...rest,
    name,
    state: "queued",
    attempt: 0,
    parameters: cell.n,
    nonEmbeddingParameters: model.non,
    tokens: cell.d,
    flops: cell.flops,
    flopsExact: cell.exactFlops,
    budget: cell.budget,
    seed: 1,
    learningRate: cell.learningRate,
    tokensPerStep: cell.batchSequences * 128,
    steps: cell.steps,
    step: 0,
    doneTokens: 0,
    createdAt: new Date(now).toISOString(),
    version: 1,
  };
}

/** Ends what was added long enough ago. @returns events for whoever listens, as [name, data] */
export function settle(world, now = Date.now()) {
  const events = [];
  for (const wave of (world.growing ?? []).filter((one) => one.endsAt <= now)) {
    const { sweep, runs } = wave;
    const at = new Date(now).toISOString();
    for (const run of runs) {
      const loss = lossAt(run.parameters, run.tokens);
      Object.assign(run, {
        state: "succeeded",
        attempt: 1,
        step: run.steps,
        doneTokens: run.tokens,
        startedAt: run.createdAt,
        finishedAt: at,
        trainLoss: loss,
        finalLoss: loss,
        tokensPerSecond: 2.6e9 / (6 * run.parameters),
        version: run.version + 1,
      });
      score(world, run);
      sweep.counts.queued -= 1;
      sweep.counts.succeeded += 1;
      sweep.doneFlops += run.flops;
      events.push([
        "transition",
        { id: 1e6 + run.id, runId: run.id, at, from: "running", to: "succeeded", attempt: 1 },
      ]);
    }
    Object.assign(sweep, { state: "succeeded", finishedAt: at });
    const all = [...world.fits.values()].flat();
    const ended = world.runs.filter((run) => run.sweepId === sweep.id);
    const made = fitsOf(sweep, ended, Math.max(...all.map((fit) => fit.id)) + 1, now + 61_000).reverse();
    world.fits.set(sweep.id, [...made, ...(world.fits.get(sweep.id) ?? [])]);
    events.push(["fit", { sweepId: sweep.id }]);
  }
  world.growing = world.growing?.filter((one) => one.endsAt > now);
  return events;
}

function score(world, run) {
  for (const one of world.predictions.filter((prediction) => prediction.runId === run.id)) {
    const logError = Math.log(run.finalLoss / one.loss);
    const covered = run.finalLoss >= one.low && run.finalLoss <= one.high;
    const standardised = (2 * logError * 1.96) / Math.log(one.high / one.low);
    Object.assign(one, {
      state: "scored",
      runState: run.state,
      score: { observed: run.finalLoss, diverged: false, logError, standardised, covered },
    });
  }
}
