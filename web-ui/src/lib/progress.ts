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
 * Milliseconds in which at least one run was on its way: a sweep that grew hours after it had ended stood still in between, and may again.
 *
 * @returns 0 if no run says when it began
 */
export function busyMillis(runs: readonly Pick<Run, "startedAt" | "finishedAt">[], now: number): number {
  const spans = runs
    .flatMap(({ startedAt, finishedAt }) =>
      startedAt ? [[Date.parse(startedAt), finishedAt ? Date.parse(finishedAt) : now] as const] : [],
    )
    .sort((a, b) => a[0] - b[0]);
  let busy = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans) {
    busy += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return busy;
}

/**
 * Seconds a sweep still takes if computing goes on as it went while any of its runs was on its way. The FLOPs of runs under way count by
 * their share; too little done says nothing.
 */
export function sweepSecondsLeft(
  sweep: Pick<Sweep, "plannedFlops" | "doneFlops" | "startedAt" | "state">,
  runs: readonly Pick<Run, "flops" | "doneTokens" | "tokens" | "state" | "startedAt" | "finishedAt">[],
  now = Date.now(),
): number | undefined {
  if (sweep.state !== "running" || !sweep.startedAt) return undefined;
  const underWay = runs.filter((run) => !isOver(run.state)).reduce((sum, run) => sum + run.flops * runShare(run), 0);
  const done = sweep.doneFlops + underWay;
  const elapsed = (busyMillis(runs, now) || now - Date.parse(sweep.startedAt)) / 1000;
  if (done < 0.02 * sweep.plannedFlops || elapsed <= 0) return undefined;
  return ((sweep.plannedFlops - done) / done) * elapsed;
}
