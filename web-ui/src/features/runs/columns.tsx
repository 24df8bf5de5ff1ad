import { Link } from "@tanstack/react-router";
import { columnVisibilityFeature, createColumnHelper, rowSortingFeature, tableFeatures } from "@tanstack/react-table";
import type { ReactNode } from "react";
import type { Run } from "../../api/types";
import { ago, clock, count, duration, flop, integer, loss, percent, quantity } from "../../lib/format";
import { runShare, secondsLeft } from "../../lib/progress";
import { ProgressBar, StateChip } from "../../ui/parts";

export const features = tableFeatures({ rowSortingFeature, columnVisibilityFeature });
const helper = createColumnHelper<typeof features, Run>();

export interface ColumnLook {
  label: string;
  width: number;
  right?: boolean;
  /** takes what width is left over */
  grows?: boolean;
}

export const LOOK: Record<string, ColumnLook> = {
  name: { label: "Run", width: 170, grows: true },
  state: { label: "State", width: 106 },
  sweep: { label: "Sweep", width: 130, grows: true },
  kind: { label: "Kind", width: 84 },
  budget: { label: "Budget C", width: 96, right: true },
  parameters: { label: "N", width: 74, right: true },
  nonEmbeddingParameters: { label: "N non-emb.", width: 92, right: true },
  tokens: { label: "D", width: 74, right: true },
  flops: { label: "C = 6ND", width: 96, right: true },
  flopsExact: { label: "C exact", width: 96, right: true },
  learningRate: { label: "LR", width: 76, right: true },
  seed: { label: "Seed", width: 56, right: true },
  progress: { label: "Progress", width: 122 },
  trainLoss: { label: "Train loss", width: 84, right: true },
  finalLoss: { label: "Final loss", width: 84, right: true },
  bitsPerByte: { label: "Bits/byte", width: 80, right: true },
  tokensPerSecond: { label: "Tokens/s", width: 80, right: true },
  left: { label: "Left", width: 90, right: true },
  attempt: { label: "Attempt", width: 70, right: true },
  runner: { label: "Runner", width: 120 },
  priority: { label: "Priority", width: 70, right: true },
  createdAt: { label: "Created", width: 104, right: true },
  finishedAt: { label: "Ended", width: 150, right: true },
};

export const DEFAULT_COLUMNS = [
  "name",
  "state",
  "sweep",
  "budget",
  "parameters",
  "tokens",
  "progress",
  "trainLoss",
  "finalLoss",
  "tokensPerSecond",
  "createdAt",
];

/** Columns the server can order by: the fields of the run view. */
const UNSORTABLE = new Set(["progress", "left"]);

const cells: Record<string, (run: Run) => ReactNode> = {
  name: (run) => (
    <Link to="/runs/$id" params={{ id: run.id }}>
      {run.name}
    </Link>
  ),
  state: (run) => <StateChip state={run.state} />,
  sweep: (run) =>
    run.sweepId === undefined ? (
      "–"
    ) : (
      <Link to="/sweeps/$id" params={{ id: run.sweepId }}>
        {run.sweep ?? run.sweepId}
      </Link>
    ),
  kind: (run) => run.kind,
  budget: (run) => (run.budget ? flop(run.budget) : "–"),
  parameters: (run) => (run.parameters ? count(run.parameters) : "–"),
  nonEmbeddingParameters: (run) => (run.nonEmbeddingParameters ? count(run.nonEmbeddingParameters) : "–"),
  tokens: (run) => (run.tokens ? count(run.tokens) : "–"),
  flops: (run) => (run.flops ? flop(run.flops) : "–"),
  flopsExact: (run) => (run.flopsExact ? flop(run.flopsExact) : "–"),
  learningRate: (run) => quantity(run.learningRate),
  seed: (run) => integer(run.seed),
  progress: (run) => <ProgressBar share={runShare(run)} label={`Progress of ${run.name}: ${percent(runShare(run))}`} />,
  trainLoss: (run) => loss(run.trainLoss),
  finalLoss: (run) => (run.diverged ? "diverged" : loss(run.finalLoss)),
  bitsPerByte: (run) => loss(run.bitsPerByte),
  tokensPerSecond: (run) => count(run.tokensPerSecond),
  left: (run) => duration(secondsLeft(run)),
  attempt: (run) => integer(run.attempt),
  runner: (run) => run.runner ?? "–",
  priority: (run) => integer(run.priority),
  createdAt: (run) => <time title={clock(run.createdAt)}>{ago(run.createdAt)}</time>,
  finishedAt: (run) => clock(run.finishedAt),
};

export const columns = helper.columns(
  Object.keys(LOOK).map((id) =>
    helper.display({
      id,
      header: LOOK[id]?.label ?? id,
      enableSorting: !UNSORTABLE.has(id),
      cell: ({ row }) => cells[id]?.(row.original) ?? null,
    }),
  ),
);

export function isSortable(id: string): boolean {
  return id in LOOK && !UNSORTABLE.has(id);
}
