import * as Plot from "@observablehq/plot";
import type { LeftOutCell } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotSpec } from "../../charts/PlotFigure";
import { budgetColours } from "../../charts/palette";
import { logTicks } from "../../charts/ticks";
import { count } from "../../lib/format";
import { logSpace } from "../../lib/law";
import type { PlannedSweep, SweepCell } from "./question";

/** More cells left out than this are drawn smaller and behind, or they would be all that one sees. */
const MANY = 20;

/** N against D: a line for each budget, a dot for each run, a cross for each cell that is left out. */
export function planSpec(plan: PlannedSweep): PlotSpec {
  return ({ colours, scheme, interactive }) => {
    const all = [...plan.cells, ...plan.dropped];
    const budgets = budgetColours(
      all.map((cell) => cell.budget),
      scheme,
    );
    const colour = (cell: { budget: number }) => budgets.get(cell.budget);
    const many = plan.dropped.length > MANY;
    const n = all.map((cell) => cell.n);
    const d = all.map((cell) => cell.d).filter((tokens) => tokens > 0);
    const across: [number, number] = [Math.min(...n) / 1.5, Math.max(...n) * 1.5];
    const up: [number, number] = [Math.min(...d) / 1.5, Math.max(...d) * 1.5];
    const lines = [...budgets.keys()].flatMap((budget) =>
      logSpace(across[0], across[1], 24)
        .map((at) => ({ n: at, d: budget / (6 * at), budget }))
        .filter((point) => point.d >= up[0] && point.d <= up[1]),
    );
    return {
      height: 380,
      marginLeft: 52,
      marginRight: 14,
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
        Plot.line(lines, { x: "n", y: "d", z: "budget", stroke: colour, strokeDasharray: "2 3" }),
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
          fill: colour,
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
                      : `${cell.model}: N ${count(cell.n)}, D ${count(cell.d)}, ${count(cell.steps)} steps`,
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
