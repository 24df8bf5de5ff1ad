import { fitsOf } from "./fits.mjs";
import { BATCH } from "./fixtures.mjs";
import { addRuns, settle } from "./growth.mjs";

/** Sweeps that are no grid, for the stand-in: one that began as IsoFLOP curves and grew run by run, one of single runs alone. */

const HOUR = 3_600_000;

/** What the waves bring, as [budget, model]. */
const WAVES = [
  [[2.82e12, "d128"]],
  [
    [1.4e12, "d24"],
    [2.15e12, "d96"],
  ],
  [[5.3e12, "d64"]],
  // as many as make a line
  [
    [6.1e12, "d32"],
    [6.1e12, "d64"],
    [6.1e12, "d128"],
  ],
  [
    [7.4e11, "d16"],
    [5.05e11, "d96"],
    [1.88e12, "d128"],
    [4.1e12, "d48"],
    [4.1e12, "d128"],
  ],
  [[2.4e12, "d32"]],
];

function sweepLike(world, id, name, runs) {
  const [first] = world.sweeps.filter((one) => one.id === 1);
  const sweep = {
    ...structuredClone(first),
    id,
    name,
    spec: { ...first.spec, name },
    dropped: [],
    additions: [],
    counts: Object.fromEntries(Object.keys(first.counts).map((state) => [state, 0])),
    plannedFlops: 0,
    doneFlops: 0,
  };
  for (const run of runs) {
    sweep.counts[run.state] += 1;
    sweep.plannedFlops += run.flops;
    sweep.doneFlops += run.flops;
  }
  world.sweeps.push(sweep);
  world.runs.push(...runs.map((run) => ({ ...run, sweepId: id, sweep: name })));
  return sweep;
}

function fitted(world, sweep) {
  const runs = world.runs.filter((run) => run.sweepId === sweep.id);
  const last = Math.max(...[...world.fits.values()].flat().map((fit) => fit.id));
  world.fits.set(sweep.id, fitsOf(sweep, runs, last + 1, world.now - 2 * HOUR).reverse());
}

function add(world, sweep, wave, at) {
  const fit = world.fits.get(sweep.id)?.find((one) => one.method === "parametric" && one.options.countEmbeddings)?.id;
  const budgets = wave.map(([flops, model]) => ({ flops, batchSequences: BATCH[3e12], models: [model] }));
  const key = `${sweep.id} ${at} ${wave}`;
  const made = addRuns(world, sweep, { budgets, ...(fit === undefined ? {} : { fit }) }, { key, now: at });
  if (made.fault) throw new Error(made.fault.message);
}

/** The world with both, all their runs ended and fitted. The last two waves of the grown one came in one millisecond. */
export function withGrown(world) {
  const like = world.runs.filter((run) => run.sweepId === 1);
  const last = Math.max(...world.runs.map((run) => run.id));
  const grown = sweepLike(
    world,
    4,
    "sotu-grown",
    like.map((run, i) => ({ ...run, id: last + 1 + i })),
  );
  fitted(world, grown);
  WAVES.forEach((wave, i) => {
    const at = world.now - 2 * HOUR + Math.min(i, WAVES.length - 2) * 60_000;
    add(world, grown, wave, at);
    if (i !== WAVES.length - 2) settle(world, at + 30_000);
  });
  const single = sweepLike(world, 5, "sotu-optimal", [{ ...like[0], id: last + 1000 }]);
  const names = ["d16", "d32", "d64", "d24", "d96", "d48", "d128"];
  for (let i = 0; i < 13; i++) {
    const flops = Number((1.3e11 * 1.34 ** i).toPrecision(3));
    add(world, single, [[flops, names[i % (i < 6 ? 4 : 7)]]], world.now - HOUR);
  }
  settle(world, world.now - HOUR / 2);
  single.additions = [];
  fitted(world, single);
  return world;
}
