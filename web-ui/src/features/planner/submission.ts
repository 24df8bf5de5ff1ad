import { ApiError, get, newKey, request } from "../../api/client";
import type { Dataset, RunDetail, Sweep } from "../../api/types";
import type { PlannedSweep } from "./question";

export type ReadySweep = NonNullable<PlannedSweep["sweep"]>;

/** How far a submission has come. */
export type Step =
  | { at: "rest"; error?: unknown; unprepared?: Unprepared }
  | { at: "sending" }
  | { at: "preparing"; runId: number };

/** Data that could not be prepared. */
export interface Unprepared {
  runId: number;
  /** absent if its run does not say */
  message?: string;
}

export interface Waiting {
  signal: AbortSignal;
  /** told whenever the data is looked at and not there yet */
  onPreparing: (dataset: Dataset) => void;
  pause: (signal: AbortSignal) => Promise<void>;
}

const POLL_MILLIS = 1000;
/** A platform that does not answer now and then is waited for, one that is gone is not. */
const MISSES = 5;

/** A second, or less if nobody waits any more. */
export function aSecond(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, POLL_MILLIS);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Waits until a sweep's data is there: a corpus that the platform does not know yet begins to be prepared by a run.
 *
 * @returns what could not be prepared, if it could not
 */
export async function prepare(spec: ReadySweep["dataset"], waiting: Waiting): Promise<Unprepared | undefined> {
  const { signal } = waiting;
  let dataset = (await request<Dataset>("POST", "/datasets", { body: spec, signal })).data;
  let missed = 0;
  while (dataset.state === "preparing") {
    waiting.onPreparing(dataset);
    await waiting.pause(signal);
    try {
      dataset = await get<Dataset>(`/datasets/${dataset.id}`, undefined, signal);
      missed = 0;
    } catch (failure) {
      missed += 1;
      if (signal.aborted || missed >= MISSES || !passes(failure)) throw failure;
    }
  }
  return dataset.state === "ready" ? undefined : why(dataset.runId, signal);
}

/** Whether it may be otherwise when asked again. */
function passes(failure: unknown): boolean {
  return !(failure instanceof ApiError) || failure.status >= 500;
}

async function why(runId: number, signal: AbortSignal): Promise<Unprepared> {
  try {
    const { run } = await get<RunDetail>(`/runs/${runId}`, undefined, signal);
    return run.failure ? { runId, message: run.failure.message } : { runId };
  } catch (failure) {
    if (signal.aborted) throw failure;
    return { runId }; // the run's page says it
  }
}

/** Keys of sweeps by what they say: one that is sent again, because no answer came, is made once. */
export class SweepKeys {
  private readonly keys = new Map<string, string>();

  of(sweep: ReadySweep): string {
    const text = JSON.stringify(sweep);
    const key = this.keys.get(text) ?? newKey();
    this.keys.set(text, key);
    return key;
  }
}

export async function create(sweep: ReadySweep, key: string): Promise<Sweep> {
  return (await request<Sweep>("POST", "/sweeps", { body: sweep, headers: { "Idempotency-Key": key } })).data;
}
