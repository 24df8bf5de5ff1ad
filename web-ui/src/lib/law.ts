import type { Estimate, Fit, FitBudget } from "../api/types";

export interface XY {
  x: number;
  y: number;
}

/** n values from low to high, evenly spaced in their logarithm, both ends exact. */
export function logSpace(low: number, high: number, n: number): number[] {
  if (!(low > 0) || !(high > 0) || n < 2) return [];
  const start = Math.log(low);
  const span = Math.log(high) - start;
  return Array.from({ length: n }, (_, i) =>
    i === 0 ? low : i === n - 1 ? high : Math.exp(start + (span * i) / (n - 1)),
  );
}

/** L = a (ln N)² + b ln N + c over the range that was sampled and no further; nothing for a refused budget. */
export function parabola(budget: FitBudget, n = 64): XY[] {
  const { a, b, c } = budget;
  if (a === undefined || b === undefined || c === undefined) return [];
  return logSpace(budget.nMin, budget.nMax, n).map((x) => {
    const u = Math.log(x);
    return { x, y: (a * u + b) * u + c };
  });
}

export function estimate(fit: Fit, name: string): Estimate | undefined {
  return fit.parameters.find((one) => one.name === name);
}

export interface LawParameters {
  E: number;
  A: number;
  B: number;
  alpha: number;
  beta: number;
}

/** The parametric law's five numbers, if the fit has them. */
export function lawOf(fit: Fit): LawParameters | undefined {
  const value = (...names: string[]) =>
    names.map((name) => estimate(fit, name)?.value).find((number) => number !== undefined);
  const E = value("E");
  const A = value("A");
  const B = value("B");
  const alpha = value("alpha", "α");
  const beta = value("beta", "β");
  if (E === undefined || A === undefined || B === undefined || alpha === undefined || beta === undefined) {
    return undefined;
  }
  return { E, A, B, alpha, beta };
}

/** Hoffmann et al. 2022, equation 2: L(N, D) = E + A/N^α + B/D^β. */
export function predictedLoss(law: LawParameters, n: number, d: number): number {
  return law.E + law.A / n ** law.alpha + law.B / d ** law.beta;
}

/** The law along one budget, D = C / 6N, over [nMin, nMax]. */
export function slice(law: LawParameters, flops: number, nMin: number, nMax: number, n = 64): XY[] {
  return logSpace(nMin, nMax, n).map((x) => ({ x, y: predictedLoss(law, x, flops / (6 * x)) }));
}

/** Whether the fit counts the embedding matrix in N, by its stored options; the sweep's word where they do not say. */
export function countsEmbeddings(fit: Fit | undefined, fallback: boolean): boolean {
  const option = fit?.options.countEmbeddings;
  if (typeof option === "boolean") return option;
  const convention = fit?.options.parameterConvention ?? fit?.options.convention;
  if (typeof convention === "string") return !/non/i.test(convention);
  return fallback;
}
