import type { Account } from "../../api/types";
import { si } from "../../lib/format";

/** Hours of a GPU or of any device, to three digits. */
export function hours(value: number): string {
  if (value === 0) return "0 h";
  return value < 0.1 ? `${si(value * 60)} min` : `${si(value)} h`;
}

/** FLOPs of an account by where they went, in the order they are drawn. The parts add up to what was executed and is to be. */
export function parts(account: Account) {
  const replayed = account.replayed.lost + account.replayed.failed + account.replayed.preempted;
  const abandoned = account.abandoned.failed + account.abandoned.cancelled;
  return [
    { key: "achieved", name: "Achieved", flops: account.achievedFlops, says: "steps that stand" },
    { key: "replayed", name: "Replayed", flops: replayed, says: "steps after a last checkpoint, taken again" },
    { key: "abandoned", name: "Abandoned", flops: abandoned, says: "steps of runs that ended without success" },
    { key: "remaining", name: "To do", flops: account.remainingFlops, says: "of queued and running runs" },
  ] as const;
}

/** What was executed and serves nothing, as a share of all that was executed; 0 before anything was. */
export function wastedShare(account: Account): number {
  return account.executedFlops > 0 ? 1 - account.achievedFlops / account.executedFlops : 0;
}

export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 0.1 ? "< 0.1 %" : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}
