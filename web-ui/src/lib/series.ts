import type { Run, Series } from "../api/types";
import { positions, type XAxis } from "./axis";

/** A series ready to be drawn: positions on the chosen axis, buckets with their extremes, nothing the axes cannot show. */
export interface Drawn {
  x: number[];
  last: number[];
  min: number[];
  max: number[];
  steps: number[];
}

/** A log axis has no place for zero and below; a bucket whose last value is not finite keeps its band. */
export function drawable(
  series: Series,
  axis: XAxis,
  run: Pick<Run, "tokensPerStep" | "flops" | "tokens" | "startedAt">,
  log: { x: boolean; y: boolean },
): Drawn {
  const all = positions(series, axis, run);
  const drawn: Drawn = { x: [], last: [], min: [], max: [], steps: [] };
  for (let i = 0; i < all.length; i++) {
    const x = all[i] as number;
    if (!Number.isFinite(x) || (log.x && x <= 0)) continue;
    const shown = (value: number | undefined) =>
      value === undefined || !Number.isFinite(value) || (log.y && value <= 0) ? Number.NaN : value;
    drawn.x.push(x);
    drawn.last.push(shown(series.last[i]));
    drawn.min.push(shown(series.min[i]));
    drawn.max.push(shown(series.max[i]));
    drawn.steps.push(series.steps[i] as number);
  }
  return drawn;
}

/** Positions where a later attempt took over: the first point past the step it resumed from. */
export function takeovers(
  series: Series,
  axis: XAxis,
  run: Pick<Run, "tokensPerStep" | "flops" | "tokens" | "startedAt">,
): { x: number; attempt: number }[] {
  const xs = positions(series, axis, run);
  return series.segments.slice(1).flatMap((segment) => {
    const index = series.steps.findIndex((step) => step > segment.fromStep);
    return index < 0 ? [] : [{ x: xs[index] as number, attempt: segment.attempt }];
  });
}

/** "1,000 of 48,200 points: each is the last of its bucket, the band its extremes"; nothing when all are shown. */
export function reductionNote(series: Series): string | undefined {
  if (!series.reduced) return undefined;
  const shown = series.steps.length.toLocaleString("en-US");
  return `${series.points.toLocaleString("en-US")} points in ${shown} buckets; the band spans each bucket’s extremes`;
}
