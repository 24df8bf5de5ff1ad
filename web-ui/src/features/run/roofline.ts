import type { RunProfile } from "../../api/types";

/**
 * Model FLOPs utilisation (Chowdhery et al. 2022, PaLM, appendix B): the FLOPs that the model needs by its formula, not those the
 * device did, over what the device could do in that time.
 *
 * @param peak FLOP/s
 * @returns a share; undefined without a rate or a peak
 */
export function mfu(
  tokensPerSecond: number | undefined,
  flopsPerToken: number,
  peak: number | undefined,
): number | undefined {
  return tokensPerSecond === undefined || peak === undefined ? undefined : (tokensPerSecond * flopsPerToken) / peak;
}

/** What limits an operation at best: the units that compute or the memory. */
export type Bound = "compute" | "memory";

export interface OperationRow {
  name: string;
  count: number;
  /** all of them together */
  micros: number;
  /** of the time of all operations */
  share: number;
  /** FLOP/s reached */
  flops: number;
  /** bytes a second moved, counting only those that must */
  bytes: number;
  bound?: Bound;
  /** the time its roofline allows over the time it took */
  roofline?: number;
}

export interface Roofline {
  /** longest first */
  rows: OperationRow[];
  total: OperationRow;
  /** FLOP/s and bytes/s of the two lines, if both are known */
  peaks?: { flops: number; bytes: number; measured: boolean };
}

type Peaks = NonNullable<Roofline["peaks"]>;

function peaksOf({ measured, datasheet }: RunProfile): Peaks | undefined {
  if (measured?.bytesPerSecond) return { flops: measured.flops, bytes: measured.bytesPerSecond, measured: true };
  if (datasheet?.bytesPerSecond) return { flops: datasheet.flops, bytes: datasheet.bytesPerSecond, measured: false };
  return undefined;
}

/**
 * Operations against the roofline (Williams, Waterman and Patterson 2009): none can be faster than its FLOPs at the peak nor than its
 * bytes at the memory's bandwidth. The peaks are the measured ones where there are some, since nothing reaches a datasheet.
 */
export function rooflineOf(profile: RunProfile): Roofline {
  const peaks = peaksOf(profile);
  const all = profile.operations.reduce((sum, one) => sum + one.micros, 0);
  const ideals = (one: { flops: number; bytes: number }, { flops, bytes }: Peaks) => ({
    compute: (one.flops / flops) * 1e6,
    memory: (one.bytes / bytes) * 1e6,
  });
  let idealAll = 0;
  const rows = profile.operations
    .map((one): OperationRow => {
      const seconds = one.micros * 1e-6;
      const row = {
        name: one.name,
        count: one.count,
        micros: one.micros,
        share: all > 0 ? one.micros / all : 0,
        flops: seconds > 0 ? one.flops / seconds : 0,
        bytes: seconds > 0 ? one.bytes / seconds : 0,
      };
      if (!peaks) return row;
      const { compute, memory } = ideals(one, peaks);
      const ideal = Math.max(compute, memory);
      idealAll += ideal;
      return {
        ...row,
        bound: compute > memory ? "compute" : "memory",
        ...(one.micros > 0 ? { roofline: ideal / one.micros } : {}),
      };
    })
    .sort((a, b) => b.micros - a.micros);
  const sum = (value: (one: RunProfile["operations"][number]) => number) =>
    profile.operations.reduce((total, one) => total + value(one), 0);
  return {
    rows,
    total: {
      name: "all",
      count: sum((one) => one.count),
      micros: all,
      share: all > 0 ? 1 : 0,
      flops: all > 0 ? sum((one) => one.flops) / (all * 1e-6) : 0,
      bytes: all > 0 ? sum((one) => one.bytes) / (all * 1e-6) : 0,
      ...(peaks && all > 0 ? { roofline: idealAll / all } : {}),
    },
    ...(peaks ? { peaks } : {}),
  };
}

export const ARENAS = ["parameters", "gradients", "optimizer", "activations"] as const;
