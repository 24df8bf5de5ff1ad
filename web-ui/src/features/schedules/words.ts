import type { CreateSchedule, Schedule } from "../../api/types";
import { duration } from "../../lib/format";

/** What a fire does while the one before it is at work. */
export const OVERLAP: Record<Schedule["overlap"], string> = {
  SKIP: "skips while one is at work",
  QUEUE: "waits for the one before",
  CANCEL_PREVIOUS: "cancels the one before",
};

/** What becomes of fires that came due while no platform was up. */
export const CATCH_UP: Record<Schedule["catchUp"], (limit: number) => string> = {
  SKIP: () => "missed ones stay missed",
  ONCE: () => "catches up with one",
  ALL: (limit) => `catches up with ${limit} at most`,
};

/** 2026-10-25T02:30:00+01:00 → 2026-10-25 02:30 +01:00, in the schedule's zone and not the browser's. */
export function localTime(local: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(local);
  if (!match) return local;
  const [, day, minute, second, offset] = match;
  return `${day} ${minute}${second && second !== ":00" ? second : ""} ${offset === "Z" ? "UTC" : offset}`;
}

export function inTime(at: string, now: number = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  return seconds < 1 ? "now" : `in ${duration(seconds)}`;
}

/** A sweep to be edited: each fire names it. */
export function template(spec: Schedule["spec"]): string {
  return JSON.stringify({ ...spec, name: undefined }, null, 2);
}

/** What was written; JSON's own complaint says where it is none. */
export function specOf(text: string): CreateSchedule["spec"] {
  const spec: unknown = JSON.parse(text);
  if (spec === null || typeof spec !== "object" || Array.isArray(spec)) throw new Error("The sweep is no JSON object.");
  return spec as CreateSchedule["spec"];
}
