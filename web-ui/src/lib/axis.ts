import type { Run, Series } from "../api/types";
import { count, duration, flop, integer } from "./format";

export const X_AXES = ["step", "tokens", "flops", "time"] as const;
export type XAxis = (typeof X_AXES)[number];

export const AXIS_LABEL: Record<XAxis, string> = {
  step: "optimizer step",
  tokens: "training tokens D",
  flops: "compute C (FLOPs)",
  time: "time since the run began",
};

type Rates = Pick<Run, "tokensPerStep" | "flops" | "tokens" | "startedAt">;

/** FLOPs of one token, by the convention of the run's sweep; 0 where the kind of run has no such thing. */
function flopsPerToken(run: Rates): number {
  return run.tokens > 0 ? run.flops / run.tokens : 0;
}

/** Positions of a series' points: steps, tokens, FLOPs, or seconds since the run began. */
export function positions(series: Pick<Series, "steps" | "times">, axis: XAxis, run: Rates): number[] {
  switch (axis) {
    case "step":
      return [...series.steps];
    case "tokens":
      return series.steps.map((step) => step * run.tokensPerStep);
    case "flops":
      return series.steps.map((step) => step * run.tokensPerStep * flopsPerToken(run));
    case "time": {
      const start = run.startedAt ? Date.parse(run.startedAt) : (series.times[0] ?? 0);
      return series.times.map((time) => (time - start) / 1000);
    }
  }
}

/**
 * The steps that a stretch of the axis covers. Tokens and FLOPs are proportional to steps; time is looked up between the
 * points there are.
 */
export function stepsOf(
  range: readonly [number, number],
  axis: XAxis,
  series: Pick<Series, "steps" | "times">,
  run: Rates,
): { from: number; to: number } {
  const [low, high] = range[0] <= range[1] ? range : [range[1], range[0]];
  const floor = (value: number) => Math.max(0, Math.floor(value));
  switch (axis) {
    case "step":
      return { from: floor(low), to: Math.ceil(high) };
    case "tokens":
      return { from: floor(low / run.tokensPerStep), to: Math.ceil(high / run.tokensPerStep) };
    case "flops": {
      const each = run.tokensPerStep * flopsPerToken(run);
      return { from: floor(low / each), to: Math.ceil(high / each) };
    }
    case "time": {
      const xs = positions(series, "time", run);
      return { from: floor(interpolate(xs, series.steps, low)), to: Math.ceil(interpolate(xs, series.steps, high)) };
    }
  }
}

/** Piecewise linear, held constant outside. */
export function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  if (xs.length === 0) return 0;
  let low = 0;
  let high = xs.length - 1;
  if (x <= (xs[low] as number)) return ys[low] as number;
  if (x >= (xs[high] as number)) return ys[high] as number;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((xs[middle] as number) <= x) low = middle;
    else high = middle;
  }
  const x0 = xs[low] as number;
  const x1 = xs[high] as number;
  const share = x1 > x0 ? (x - x0) / (x1 - x0) : 1;
  return (ys[low] as number) + share * ((ys[high] as number) - (ys[low] as number));
}

export function formatPosition(axis: XAxis, value: number): string {
  switch (axis) {
    case "step":
      return integer(value);
    case "tokens":
      return count(value);
    case "flops":
      return flop(value);
    case "time":
      return duration(value);
  }
}
