/** Kernel widths are measured in this many parts of the visible range, so that a weight means the same on any axis. */
const PARTS = 1000;

/**
 * Time-weighted exponential moving average without start-up bias: each point is the mean of all points up to it, weighted
 * by w^(distance in thousandths of the range). Uneven spacing therefore does not change how far back the mean reaches, and the
 * first point is itself. The weight enters as its square root, so the upper half of a slider is not all blur.
 *
 * @param xs ascending positions
 * @param ys values; those not finite are skipped and give NaN
 * @param weight 0 (off) to below 1
 */
export function smooth(xs: readonly number[], ys: readonly number[], weight: number): number[] {
  if (weight <= 0 || xs.length < 2) return [...ys];
  const base = Math.min(Math.sqrt(weight), 0.9999);
  const range = (xs[xs.length - 1] as number) - (xs[0] as number);
  if (!(range > 0)) return [...ys];
  const smoothed = new Array<number>(ys.length);
  let sum = 0;
  let mass = 0;
  let previous = xs[0] as number;
  for (let i = 0; i < ys.length; i++) {
    const y = ys[i] as number;
    if (!Number.isFinite(y)) {
      smoothed[i] = Number.NaN;
      continue;
    }
    const x = xs[i] as number;
    const keep = base ** (((x - previous) / range) * PARTS);
    sum = sum * keep + y;
    mass = mass * keep + 1;
    previous = x;
    smoothed[i] = sum / mass;
  }
  return smoothed;
}
