import * as Plot from "@observablehq/plot";
import type { Fit, Optimum } from "../../api/types";
import type { Table } from "../../charts/export";
import { apart } from "../../charts/labels";
import type { PlotSpec } from "../../charts/PlotFigure";
import { textColour } from "../../charts/palette";
import { logTicks } from "../../charts/ticks";
import { count, flop } from "../../lib/format";
import { type Lines, lineColours } from "./lines";
import { dotMarks, LOSS_LABEL } from "./marks";
import type { Curve, Dot } from "./model";

/** What the runs of a sweep and a fit of them come to, drawn. */
export interface Shown {
  dots: Dot[];
  curves: Curve[];
  lines: Lines;
  fit: Fit | undefined;
}

/** Loss against N, a curve per budget, its optimum with the interval. */
export function isoflopSpec(shown: Shown, embeddings: boolean): PlotSpec {
  return (context) => {
    const { colours, scheme } = context;
    const lineColour = lineColours(shown.lines, scheme);
    const of = (budget: number) => lineColour(budget) ?? colours.ink3;
    const optima = (shown.fit?.method === "isoflop" ? shown.fit.budgets : []).flatMap((budget) =>
      budget.optimum ? [{ ...budget.optimum, colour: of(budget.flops) }] : [],
    );
    const line = shown.curves.flatMap((curve) => curve.points.map((point) => ({ ...point, budget: curve.budget })));
    const ends = endLabels(shown);
    return {
      height: 392,
      marginLeft: 46,
      marginRight: 78,
      marginTop: 24,
      marginBottom: 38,
      x: {
        type: "log",
        label: embeddings ? "parameters N" : "parameters N, embeddings left out",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks([...shown.dots.map((dot) => dot.n)]),
        tickFormat: (value: number) => count(value),
      },
      y: {
        type: "linear",
        label: `↑ ${LOSS_LABEL}`,
        labelArrow: "none",
        nice: true,
        tickFormat: (value: number) => value.toFixed(1),
      },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1 }),
        Plot.line(line, {
          x: "x",
          y: "y",
          z: "budget",
          stroke: (p: { budget: number }) => of(p.budget),
          strokeWidth: shown.lines.budgets.length > 0 ? 1.8 : 1.1,
        }),
        Plot.ruleX(optima, {
          x: (o: Optimum) => o.n.value,
          y1: (o: Optimum) => o.loss.low,
          y2: (o: Optimum) => o.loss.high,
          stroke: "colour",
          strokeWidth: 1.4,
        }),
        Plot.ruleY(optima, {
          y: (o: Optimum) => o.loss.value,
          x1: (o: Optimum) => o.n.low,
          x2: (o: Optimum) => o.n.high,
          stroke: "colour",
          strokeWidth: 2.4,
        }),
        ...dotMarks(shown.dots, (dot) => dot.n, shown.lines, context),
        Plot.dot(optima, {
          x: (o: Optimum) => o.n.value,
          y: (o: Optimum) => o.loss.value,
          symbol: "diamond",
          r: 5.5,
          fill: colours.panel,
          stroke: "colour",
          strokeWidth: 2,
          ariaLabel: (o: Optimum) => `optimum at ${flop(o.flops)}: N ${count(o.n.value)}`,
        }),
        Plot.text(
          ends,
          apart({
            x: "x",
            y: "y",
            text: "text",
            fill: (end: { budget: number }) => textColour(of(end.budget), scheme),
            textAnchor: "start",
            dx: 9,
            fontWeight: 600,
            fontSize: 11,
          }),
        ),
      ],
    };
  };
}

/** Refusals of budgets that are a line: the others have too few sizes for anything else. */
export function refusals({ fit, lines }: Pick<Shown, "fit" | "lines">) {
  return (fit?.budgets ?? []).filter((budget) => budget.refusal !== undefined && lines.of(budget.flops) !== undefined);
}

/**
 * Where each line's name stands: beside its largest model. A refused budget says so. Where there are no lines, at the ends of
 * the curves that stand for the budgets.
 */
function endLabels(shown: Shown): { x: number; y: number; text: string; budget: number }[] {
  const { lines } = shown;
  if (lines.budgets.length === 0) {
    return shown.curves.flatMap(({ budget, points }) => {
      const last = points.at(-1);
      return last ? [{ ...last, text: flop(budget), budget }] : [];
    });
  }
  const refused = new Set(refusals(shown).map((budget) => lines.of(budget.flops)));
  return lines.budgets.flatMap((budget) => {
    const last = shown.dots
      .filter((dot) => lines.of(dot.budget) === budget && !dot.excluded)
      .reduce<Dot | undefined>((best, dot) => (best === undefined || dot.n > best.n ? dot : best), undefined);
    if (!last) return [];
    return [{ x: last.n, y: last.loss, text: flop(budget) + (refused.has(budget) ? " ⚠" : ""), budget }];
  });
}

export function isoflopTable(shown: Shown, embeddings: boolean): Table {
  return {
    columns: [
      "kind",
      "run",
      "budget_flops",
      embeddings ? "n" : "n_non_embedding",
      "d",
      "loss",
      "low",
      "high",
      "seed",
      "tokens_per_step",
      "learning_rate",
      "note",
    ],
    rows: [
      ...shown.dots.map((dot) => [
        "run",
        dot.name,
        dot.budget,
        dot.n,
        dot.d,
        dot.loss,
        null,
        null,
        dot.seed,
        dot.tokensPerStep,
        dot.learningRate ?? null,
        dot.excluded ?? (shown.lines.of(dot.budget) === undefined ? "off the grid" : ""),
      ]),
      ...(shown.fit?.budgets ?? []).flatMap(({ flops, optimum }) =>
        optimum
          ? [
              [
                "optimum",
                "",
                flops,
                optimum.n.value,
                optimum.d.value,
                optimum.loss.value,
                optimum.n.low,
                optimum.n.high,
                null,
                null,
                null,
                "low and high are of N",
              ],
            ]
          : [],
      ),
      ...refusals(shown).map(({ flops, refusal }) => [
        "refused",
        "",
        flops,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        refusal?.message ?? "",
      ]),
    ],
  };
}
