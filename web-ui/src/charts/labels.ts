import * as Plot from "@observablehq/plot";

/** Pixels from one line of text to the next, and how far apart along x two labels no longer meet. */
const GAP = 13;
const WIDE = 84;

export interface Spot {
  x: number;
  y: number;
}

/** The heights at which labels stand that would hide each other otherwise: in their order, none below the floor. */
export function spread(spots: readonly Spot[], floor: number): number[] {
  const heights = spots.map((spot) => spot.y);
  const order = spots.map((_, i) => i).sort((a, b) => (spots[a]?.y ?? 0) - (spots[b]?.y ?? 0));
  const meets = (i: number, j: number) => Math.abs((spots[i]?.x ?? 0) - (spots[j]?.x ?? 0)) < WIDE;
  const push = (way: 1 | -1, among: readonly number[]) => {
    among.forEach((i, at) => {
      for (const before of among.slice(0, at).filter((one) => meets(one, i))) {
        const least = (heights[before] ?? 0) + way * GAP;
        if (way * ((heights[i] ?? 0) - least) < 0) heights[i] = least;
      }
    });
  };
  push(1, order);
  for (const i of order) heights[i] = Math.min(heights[i] ?? 0, floor);
  push(-1, [...order].reverse());
  return heights;
}

/** Options of a text mark whose labels keep apart from each other along y. */
export function apart(options: Plot.TextOptions): Plot.TextOptions {
  return Plot.initializer(options, (data, facets, channels, scales, dimensions) => {
    const placed = (name: "x" | "y") =>
      Array.from((channels[name]?.value ?? []) as unknown as ArrayLike<number>, (value) =>
        Number(scales[name]?.(value)),
      );
    const x = placed("x");
    const y = placed("y").map((value, i) => ({ x: x[i] ?? 0, y: value }));
    const { height, marginBottom } = dimensions as { height: number; marginBottom: number };
    return { data, facets, channels: { y: { value: spread(y, height - marginBottom) } } };
  });
}
