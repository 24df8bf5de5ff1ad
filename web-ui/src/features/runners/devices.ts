import type { Device, DeviceSeries, Runner } from "../../api/types";
import { percent } from "../../lib/format";
import type { Span } from "../../lib/urlState";

export const SPAN_SECONDS: Record<Span, number> = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400 };
export const SPAN_LABEL: Record<Span, string> = { "15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h" };

/** Silence after which a line is broken: three heartbeats, or two buckets of a long time. */
const SILENCE_SECONDS = 35;

export type Quantity = Exclude<keyof DeviceSeries, "bucketSeconds" | "times">;

/** 2 × NVIDIA H100 80GB HBM3, 97 % busy; without the latter when the runner is gone, since then nobody knows. */
export function gpuSummary({ devices, state }: Pick<Runner, "devices" | "state">): string {
  const counts = new Map<string, number>();
  for (const { name } of devices) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(", ");
  const busy = state === "gone" ? undefined : meanUtilisation(devices);
  return busy === undefined ? names : `${names}, ${percent(busy / 100)} busy`;
}

/** Of the devices that tell, per cent. */
export function meanUtilisation(devices: readonly Device[]): number | undefined {
  const known = devices.flatMap((device) => device.latest?.utilisationPercent ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * A quantity over time as a chart draws it: x in seconds since the epoch, and a gap (NaN) wherever the runner was silent,
 * so that an hour without a word does not look like an hour of even work.
 *
 * @param scale divides the values
 */
export function timeline(series: DeviceSeries, quantity: Quantity, scale = 1): { x: number[]; y: number[] } {
  const silence = Math.max(SILENCE_SECONDS, 2 * series.bucketSeconds);
  const x: number[] = [];
  const y: number[] = [];
  series.times.forEach((time, i) => {
    const at = time / 1000;
    const before = x.at(-1);
    if (before !== undefined && at - before > silence) {
      x.push(before + (at - before) / 2);
      y.push(Number.NaN);
    }
    x.push(at);
    y.push((series[quantity][i] ?? Number.NaN) / scale);
  });
  return { x, y };
}
