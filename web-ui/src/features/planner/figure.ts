import * as Plot from "@observablehq/plot";
import type { LeftOutCell } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotSpec } from "../../charts/PlotFigure";
import { budgetColours } from "../../charts/palette";
import { logTicks, roundBudgets } from "../../charts/ticks";
import { count, flop } from "../../lib/format";
import type { PlannedSweep, SweepCell } from "./question";

/** More cells left out than this are drawn smaller and behind, or they would be all that one sees. */
const MANY = 20;

/** Whether each of its budgets holds several models; those of an optimal sweep are as many as its runs, nearly. */
export function isGrid(plan: Pick<PlannedSweep, "design">): boolean {
  return plan.design === "ISOFLOP";
}

/** The budgets that have a line: every one of a grid, else a few round ones around the runs. */
export function drawnBudgets(plan: PlannedSweep): number[] {
  const of = (cells: readonly { budget: number }[]) => cells.map((cell) => cell.budget);
  if (isGrid(plan)) return [...new Set(of([...plan.cells, ...plan.dropped]))].sort((a, b) => a - b);
  return roundBudgets(of(plan.cells.length > 0 ? plan.cells : plan.dropped));
}

/** The stretch of a budget within the figure, C = 6ND: straight where both axes are logarithmic. Nothing if it does not cross it. */
function stretch(budget: number, across: [number, number], up: [number, number]) {
  const from = Math.max(across[0], budget / 6 / up[1]);
  const to = Math.min(across[1], budget / 6 / up[0]);
  return from < to ? [from, to].map((n) => ({ n, d: budget / 6 / n, budget })) : [];
}

/** N against D: lines of budgets, a dot for each run, a cross for each cell that is left out. */
export function planSpec(plan: PlannedSweep): PlotSpec {
  return ({ colours, scheme, interactive }) => {
    const all = [...plan.cells, ...plan.dropped];
    const grid = isGrid(plan);
    const budgets = budgetColours(grid ? drawnBudgets(plan) : [], scheme);
    const colour = (one: { budget: number }, otherwise: string) => budgets.get(one.budget) ?? otherwise;
    const many = plan.dropped.length > MANY;
    const n = all.map((cell) => cell.n);
    const d = all.map((cell) => cell.d).filter((tokens) => tokens > 0);
    const across: [number, number] = [Math.min(...n) / 1.5, Math.max(...n) * 1.5];
    const up: [number, number] = [Math.min(...d) / 1.5, Math.max(...d) * 1.5];
    const lines = drawnBudgets(plan).flatMap((budget) => stretch(budget, across, up));
    const ends = grid ? [] : lines.filter((_, i) => i % 2 === 1);
    return {
      height: 380,
      marginLeft: 52,
      marginRight: grid ? 14 : 58,
      marginTop: 24,
      marginBottom: 38,
      x: {
        type: "log",
        domain: across,
        label: "parameters N",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks(across),
        tickFormat: (value: number) => count(value),
      },
      y: {
        type: "log",
        domain: up,
        label: "↑ tokens D",
        labelArrow: "none",
        ticks: logTicks(up),
        tickFormat: (value: number) => count(value),
      },
      marks: [
        Plot.line(lines, {
          x: "n",
          y: "d",
          z: "budget",
          stroke: (p: { budget: number }) => colour(p, colours.ink3),
          strokeDasharray: "2 3",
          className: "budget-lines",
        }),
        Plot.text(ends, {
          x: "n",
          y: "d",
          text: (p: { budget: number }) => flop(p.budget),
          fill: colours.ink2,
          stroke: colours.panel,
          strokeWidth: 3,
          textAnchor: "start",
          lineAnchor: "bottom",
          dx: 6,
          className: "budget-names",
        }),
        Plot.dot(plan.dropped, {
          x: "n",
          y: "d",
          r: many ? 3 : 5,
          symbol: "times",
          stroke: colours.warn,
          strokeWidth: many ? 1.2 : 1.8,
          strokeOpacity: many ? 0.55 : 1,
          className: "left-out",
        }),
        Plot.dot(plan.cells, {
          x: "n",
          y: "d",
          r: 4,
          fill: (cell: SweepCell) => colour(cell, colours.accent),
          stroke: colours.panel,
          className: "planned",
        }),
        ...(interactive
          ? [
              Plot.tip(
                all,
                Plot.pointer({
                  x: "n",
                  y: "d",
                  fill: colours.panel,
                  stroke: colours.line,
                  title: (cell: SweepCell | LeftOutCell) =>
                    "sentence" in cell
                      ? `left out: ${cell.sentence}`
                      : `${cell.model} at ${flop(cell.budget)}: N ${count(cell.n)}, D ${count(cell.d)}, ${count(cell.steps)} steps`,
                }),
              ),
            ]
          : []),
      ],
    };
  };
}

export function planTable(plan: PlannedSweep): Table {
  return {
    columns: ["budget_flops", "model", "n", "d", "steps", "flops", "exact_flops", "seconds", "cost", "left_out"],
    rows: [
      ...plan.cells.map((c) => [c.budget, c.model, c.n, c.d, c.steps, c.flops, c.exactFlops, c.seconds, c.cost, ""]),
      ...plan.dropped.map((c) => [c.budget, c.model, c.n, c.d, null, null, null, null, null, c.sentence]),
    ],
  };
}
