import type { Fit, Run, Sweep } from "../../api/types";
import { roundBudgets } from "../../charts/ticks";
import { countsEmbeddings, type LawParameters, lawOf, parabola, slice, type XY } from "../../lib/law";
import type { FitView, Method, SweepSearch } from "../../lib/urlState";
import type { Lines } from "./lines";

/** A trained model as a dot. */
export interface Dot {
  runId: number;
  name: string;
  /** in the convention shown */
  n: number;
  d: number;
  flops: number;
  budget: number;
  seed: number;
  loss: number;
  /** its recipe, which a cell may have several of */
  tokensPerStep: number;
  learningRate?: number;
  /** another seed of a cell and recipe that has a dot already */
  replicate: boolean;
  /** why the fit left it out */
  excluded?: string;
}

export interface Chosen {
  view: FitView;
  /** what is shown to those who chose nothing */
  standard: Method;
  method: Method;
  /** what is drawn; absent before the first fit */
  fit: Fit | undefined;
  /** the other method's newest fit of the same convention, drawn faintly for comparison */
  other: Fit | undefined;
  /** an older fit that it is set beside */
  older: Fit | undefined;
  /** whether N counts the embedding matrix in what is shown */
  embeddings: boolean;
}

/** What to show for an address: a named fit, or the newest of the method and convention asked for. */
export function choose(fits: readonly Fit[], search: SweepSearch, sweepCounts: boolean): Chosen {
  const named = search.fit === undefined ? undefined : fits.find((fit) => fit.id === search.fit);
  const embeddings = named
    ? countsEmbeddings(named, sweepCounts)
    : search.n === undefined
      ? sweepCounts
      : search.n === "all";
  const newest = (wanted: string) =>
    fits
      .filter((fit) => fit.method === wanted && countsEmbeddings(fit, sweepCounts) === embeddings)
      .reduce<Fit | undefined>((best, fit) => (best === undefined || fit.id > best.id ? fit : best), undefined);
  const standard = standardMethod(newest("isoflop"), newest("parametric"));
  const view = search.method === "all" ? "all" : ((named?.method as Method | undefined) ?? search.method ?? standard);
  // any fit will do for its points where all methods are shown
  const method = view !== "all" ? view : newest("parametric") ? "parametric" : "isoflop";
  return {
    view,
    standard,
    method,
    embeddings,
    fit: named ?? newest(method),
    other: newest(method === "isoflop" ? "parametric" : "isoflop"),
    older: search.with === undefined ? undefined : fits.find((fit) => fit.id === search.with),
  };
}

/** What is shown to those who chose nothing: parabolas, unless there are none to show and a law of N and D is. */
function standardMethod(isoflop: Fit | undefined, parametric: Fit | undefined): Method {
  return isoflop?.refusal !== undefined && parametric !== undefined && parametric.refusal === undefined
    ? "parametric"
    : "isoflop";
}

/** A fit that is refused is not coming, and nobody waits for it longer than this. */
const FITTED_WITHIN_MILLIS = 15 * 60_000;

/** Whether the sweep has just ended and the fit that the platform then makes is not there yet. */
export function awaitsFit(
  sweep: Pick<Sweep, "finishedAt">,
  fits: readonly Pick<Fit, "createdAt">[],
  now = Date.now(),
): boolean {
  if (sweep.finishedAt === undefined) return false;
  const ended = Date.parse(sweep.finishedAt);
  return now - ended < FITTED_WITHIN_MILLIS && fits.every((fit) => Date.parse(fit.createdAt) < ended);
}

/** Dots of everything that ended with a finite loss: from the runs, so that they are there before any fit. */
export function dotsOf(runs: readonly Run[], fit: Fit | undefined, embeddings: boolean): Dot[] {
  const excluded = new Map(fit?.excluded.map((one) => [one.runId, one.reason]));
  const cells = new Set<string>();
  return runs
    .filter((run) => run.kind === "pretrain" && run.finalLoss !== undefined && Number.isFinite(run.finalLoss))
    .sort((a, b) => (a.seed ?? 0) - (b.seed ?? 0) || a.id - b.id)
    .map((run) => {
      const cell = `${run.budget}/${run.parameters}/${run.tokens}/${run.tokensPerStep}/${run.learningRate}`;
      const replicate = cells.has(cell);
      cells.add(cell);
      const reason = excluded.get(run.id);
      return {
        runId: run.id,
        name: run.name,
        n: embeddings ? run.parameters : run.nonEmbeddingParameters,
        d: run.tokens,
        flops: run.flops,
        budget: run.budget,
        seed: run.seed ?? 0,
        loss: run.finalLoss as number,
        tokensPerStep: run.tokensPerStep,
        ...(run.learningRate === undefined ? {} : { learningRate: run.learningRate }),
        replicate,
        ...(reason === undefined ? {} : { excluded: reason }),
      };
    });
}

const ASKED = "excluded: ";

/**
 * Reasons, by run, of what a person left out. What the fit left out by itself, such as a worse recipe, is for the next fit
 * to judge again.
 */
export function askedToLeaveOut(fit: Fit | undefined): Record<number, string> {
  return Object.fromEntries(
    (fit?.excluded ?? [])
      .filter((one) => one.reason.startsWith(ASKED))
      .map((one) => [one.runId, one.reason.slice(ASKED.length)]),
  );
}

export interface Curve {
  budget: number;
  points: XY[];
}

/**
 * A parabola per budget, or the parametric law along each line over the sizes that were trained there. Where there are no
 * lines, the law along a few round budgets, no higher than the runs.
 */
export function curvesOf(fit: Fit | undefined, dots: readonly Dot[], lines: Lines): Curve[] {
  if (fit?.status !== "converged") return [];
  if (fit.method === "isoflop") {
    return fit.budgets
      .map((budget) => ({ budget: budget.flops, points: parabola(budget) }))
      .filter((curve) => curve.points.length > 0);
  }
  const law = lawOf(fit);
  if (!law) return [];
  if (lines.budgets.length === 0) return roundCurves(law, dots);
  return lines.budgets.flatMap((budget) => {
    const sizes = dots.filter((dot) => lines.of(dot.budget) === budget).map((dot) => dot.n);
    if (sizes.length < 2) return [];
    return [{ budget, points: slice(law, budget, Math.min(...sizes), Math.max(...sizes)) }];
  });
}

function roundCurves(law: LawParameters, dots: readonly Dot[]): Curve[] {
  const sizes = dots.map((dot) => dot.n);
  const worst = Math.max(...dots.map((dot) => dot.loss));
  return roundBudgets(dots.map((dot) => dot.budget))
    .map((budget) => ({
      budget,
      points: slice(law, budget, Math.min(...sizes), Math.max(...sizes)).filter((point) => point.y <= worst),
    }))
    .filter((curve) => curve.points.length > 1);
}

/** Greek letters and stars for the names of parameters. */
export function symbol(name: string): string {
  const greek: Record<string, string> = { alpha: "α", beta: "β", gamma: "γ", delta: "δ" };
  return greek[name] ?? name;
}

/** Views in words. */
export const VIEW_LABEL: Record<FitView, string> = {
  isoflop: "IsoFLOP parabolas",
  parametric: "Parametric law",
  all: "All methods",
};
