import type { Fit, Run } from "../../api/types";
import { budgetColours, type Scheme } from "../../charts/palette";

/** Budgets closer than this are one, as in a fit: planned runs round to whole steps. */
const SAME = 1.02;
/** A parabola has three coefficients: runs of fewer sizes are no line. */
const SIZES = 3;

/** The budgets of a sweep that form an IsoFLOP line. All other runs are off the grid, whoever chose them. */
export interface Lines {
  /** one for each line, ascending */
  budgets: readonly number[];
  /** the line that a run of that budget stands on, none for one off the grid */
  of: (budget: number) => number | undefined;
}

type Trained = Pick<Run, "kind" | "budget" | "parameters">;

/**
 * By the runs as they are planned, so that a line keeps its colour while its runs come in, and by the fit: where it has drawn
 * a parabola there is a line.
 */
export function linesOf(runs: readonly Trained[], fit: Fit | undefined): Lines {
  const trained = runs
    .filter((run) => run.kind === "pretrain" && run.budget > 0)
    .sort((one, other) => one.budget - other.budget);
  const parabolas = (fit?.budgets ?? []).filter((budget) => budget.a !== undefined).map((budget) => budget.flops);
  const lines = new Map<number, number>();
  for (let from = 0; from < trained.length; ) {
    const low = trained[from]?.budget ?? 0;
    const past = trained.findIndex((run) => run.budget > low * SAME);
    const group = trained.slice(from, past < 0 ? trained.length : past);
    from += group.length;
    const high = group.at(-1)?.budget ?? low;
    const drawn = parabolas.some((flops) => flops >= low / 1.001 && flops <= high * 1.001);
    if (!drawn && new Set(group.map((run) => run.parameters)).size < SIZES) continue;
    const name = commonest(group.map((run) => run.budget));
    for (const run of group) lines.set(run.budget, name);
  }
  const budgets = [...new Set(lines.values())].sort((one, other) => one - other);
  return {
    budgets,
    // a fit says the mean of budgets that are nearly alike, and that may have gone through other arithmetic
    of: (budget) => lines.get(budget) ?? budgets.find((line) => Math.abs(Math.log(line / budget)) < Math.log(SAME)),
  };
}

function commonest(values: readonly number[]): number {
  const times = new Map<number, number>();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  return [...times].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/** The colours of lines, the same in every figure of a sweep; none off the grid. */
export function lineColours(lines: Lines, scheme: Scheme): (budget: number) => string | undefined {
  const colours = budgetColours(lines.budgets, scheme);
  return (budget) => {
    const line = lines.of(budget);
    return line === undefined ? undefined : colours.get(line);
  };
}

/** What runs off the grid are called in a figure that has lines; nothing where there are none. */
export function offGridWords(runs: number): string {
  return `off the grid (${runs === 1 ? "1 run" : `${runs} runs`})`;
}
