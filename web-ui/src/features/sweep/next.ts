import type { Added, Fit, NextQuestion, NextRuns, Sweep, SweepAddition } from "../../api/types";
import { clock, percent, quantity } from "../../lib/format";

/** What is asked of a fit about the runs to train next, and what became of the answer. */

export type Of = NonNullable<NextQuestion["of"]>;

/** The question as it is typed. Bounds that are empty are the platform's own. */
export interface NextForm {
  of: Of;
  flops: string;
  runs: string;
  minRun: string;
  maxRun: string;
  budget: string;
}

export type Bound = "minRun" | "maxRun" | "budget";

/** What a bound is called; all are FLOPs. */
export const BOUNDS: Record<Bound, string> = {
  minRun: "Least FLOPs of a run",
  maxRun: "Most FLOPs of a run",
  budget: "FLOPs of all runs, those so far included",
};

/** A number of FLOPs as one types it, with at most three digits: 3e13. */
export function typedFlops(flops: number): string {
  return Number(flops.toPrecision(3)).toExponential().replace("e+", "e");
}

/** What the platform takes for a bound that is left empty. */
export function boundDefaults(fit: Pick<Fit, "points">): Record<Bound, string> {
  const flops = fit.points.map((point) => point.flops);
  return {
    minRun: typedFlops(Math.min(...flops)),
    maxRun: typedFlops(Math.max(...flops)),
    budget: "no end",
  };
}

export function nextForm(fit: Pick<Fit, "points" | "target">): NextForm {
  const flops = fit.target?.flops ?? 100 * Math.max(...fit.points.map((point) => point.flops));
  return { of: "OPTIMUM", flops: typedFlops(flops), runs: "3", minRun: "", maxRun: "", budget: "" };
}

/** A loss is that at the optimum of the budget, an exponent is of none. */
export function nextQuestion(form: NextForm): NextQuestion {
  const number = (text: string) => Number(text.replaceAll(",", ""));
  const question: NextQuestion = { of: form.of, runs: Number(form.runs) };
  if (form.of !== "EXPONENT") question.flops = number(form.flops);
  for (const bound of Object.keys(BOUNDS) as Bound[]) {
    if (form[bound].trim() !== "") question[bound] = number(form[bound]);
  }
  return question;
}

/** What is known of the target now, in its own terms: ln N* and ln L as a factor, the exponent as it is. */
export function known(of: Of, sd: number): string {
  if (of === "OPTIMUM") return `× ${quantity(Math.exp(sd), 4)}`;
  return of === "LOSS" ? percent(sd, 2) : quantity(sd, 3);
}

export interface Total {
  /** 6ND */
  flops: number;
  /** counted; absent where runs are of any N and D */
  exactFlops?: number;
  /** of one device; absent where none has been measured */
  seconds?: number;
}

/** Of all runs of a proposal. */
export function totalOf(runs: NextRuns["runs"]): Total {
  const total: Total = { flops: runs.reduce((sum, run) => sum + run.flops, 0) };
  const cells = runs.flatMap((run) => (run.cell ? [run.cell] : []));
  if (cells.length === 0 || cells.length < runs.length) return total;
  total.exactFlops = cells.reduce((sum, cell) => sum + cell.exactFlops, 0);
  if (cells.every((cell) => cell.seconds !== undefined)) {
    total.seconds = cells.reduce((sum, cell) => sum + (cell.seconds ?? 0), 0);
  }
  return total;
}

/** An addition as text, in an order of its own: a stored one has its fields in another. */
export function written(addition: SweepAddition): string {
  return JSON.stringify([
    addition.fit ?? null,
    (addition.models ?? []).map((one) => [one.name ?? null, one.dModel, one.layers, one.heads ?? null]),
    addition.budgets.map((one) => [one.flops, one.batchSequences, one.learningRate ?? null, one.models ?? []]),
  ]);
}

/** The addition that a proposal became, if it was taken. */
export function addedAs(sweep: Pick<Sweep, "additions">, addition: SweepAddition): Added | undefined {
  const text = written(addition);
  return sweep.additions.find((added) => written(added.addition) === text);
}

/** Runs that came to the sweep after a fit was made, which it knows nothing of. */
export function addedSince(sweep: Pick<Sweep, "additions">, fit: Pick<Fit, "createdAt">): number {
  return sweep.additions
    .filter((added) => Date.parse(added.addedAt) >= Date.parse(fit.createdAt))
    .reduce((sum, added) => sum + added.runs, 0);
}

export function runsWords(runs: number): string {
  return runs === 1 ? "1 run" : `${runs} runs`;
}

/** Hours and minutes, with the day if it is not today. */
export function minute(instant: string): string {
  return clock(instant).replace(/:\d\d$/, "");
}
