import type { Run, Sweep } from "../api/types";

/** Share of the planned tokens that are trained, 0 to 1. */
export function runShare(run: Pick<Run, "doneTokens" | "tokens" | "state">): number {
  if (run.state === "succeeded") return 1;
  return run.tokens > 0 ? Math.min(1, run.doneTokens / run.tokens) : 0;
}

/** Seconds left at the present speed; undefined when nothing is known about it. */
export function secondsLeft(run: Pick<Run, "doneTokens" | "tokens" | "tokensPerSecond" | "state">): number | undefined {
  if (run.state !== "running" || !run.tokensPerSecond || run.tokens <= 0) return undefined;
  return Math.max(0, run.tokens - run.doneTokens) / run.tokensPerSecond;
}

export function isOver(state: string): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

export function ended(sweep: Pick<Sweep, "counts">): { done: number; total: number } {
  let done = 0;
  let total = 0;
  for (const [state, number] of Object.entries(sweep.counts)) {
    total += number ?? 0;
    if (isOver(state)) done += number ?? 0;
  }
  return { done, total };
}

/**
 * Seconds a sweep still takes if computing goes on as it went since the sweep began. The FLOPs of runs under way count by
 * their share; too little done says nothing.
 */
export function sweepSecondsLeft(
  sweep: Pick<Sweep, "plannedFlops" | "doneFlops" | "startedAt" | "state">,
  running: readonly Pick<Run, "flops" | "doneTokens" | "tokens" | "state">[],
  now = Date.now(),
): number | undefined {
  if (sweep.state !== "running" || !sweep.startedAt) return undefined;
  const underWay = running.filter((run) => !isOver(run.state)).reduce((sum, run) => sum + run.flops * runShare(run), 0);
  const done = sweep.doneFlops + underWay;
  const elapsed = (now - Date.parse(sweep.startedAt)) / 1000;
  if (done < 0.02 * sweep.plannedFlops || elapsed <= 0) return undefined;
  return ((sweep.plannedFlops - done) / done) * elapsed;
}
