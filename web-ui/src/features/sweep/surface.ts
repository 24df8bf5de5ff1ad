import * as Plot from "@observablehq/plot";
import type { Fit, Optimum } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotSpec } from "../../charts/PlotFigure";
import { logTicks, roundBudgets } from "../../charts/ticks";
import { count, loss, scientific } from "../../lib/format";
import { type LawParameters, logSpace, predictedLoss } from "../../lib/law";
import { type Lines, lineColours } from "./lines";
import { budgetWords, offGridLegend, offGridLook } from "./marks";
import type { Dot } from "./model";

/** What the law leaves of a run, as a share of its loss: above 0 where the run is worse than the law. */
export function residual(law: LawParameters, dot: Dot): number {
  return Math.log(dot.loss / predictedLoss(law, dot.n, dot.d));
}

/** Width of the zone in which a residual counts by its square; beyond, by its size: the fit's option, or Hoffmann's. */
export function deltaOf(fit: Fit): number {
  const stored = fit.options.huberDelta;
  return typeof stored === "number" && stored > 0 ? stored : 1e-3;
}

/** How much a run has its say, of 1 for one within the zone: δ / |r|, as iteratively reweighted least squares would have it. */
export function weight(law: LawParameters, dot: Dot, delta: number): number {
  return Math.min(1, delta / Math.abs(residual(law, dot)));
}

export interface Place {
  n: number;
  d: number;
}

interface Range {
  n: [number, number];
  d: [number, number];
}

/** All runs with some room, and the target's optimum. */
export function rangeOf(dots: readonly Place[], target: Optimum | undefined): Range {
  const n = [...dots.map((dot) => dot.n), ...(target ? [target.n.value] : [])];
  const d = [...dots.map((dot) => dot.d), ...(target ? [target.d.value] : [])];
  return {
    n: [Math.min(...n) / 1.5, Math.max(...n) * 1.5],
    d: [Math.min(...d) / 1.5, Math.max(...d) * 1.5],
  };
}

/** Losses to draw lines at: evenly spaced in what is above the floor, so that they do not crowd where the surface is steep. */
export function levels(law: LawParameters, range: Range, n = 9): number[] {
  const worst = predictedLoss(law, range.n[0], range.d[0]) - law.E;
  const best = predictedLoss(law, range.n[1], range.d[1]) - law.E;
  return logSpace(best, worst, n + 2)
    .slice(1, -1)
    .map((above) => law.E + above);
}

/** Where a line of one loss meets the frontier: what stands there says which loss it is. */
function labels(law: LawParameters, fit: Fit, wanted: readonly number[]): { n: number; d: number; loss: number }[] {
  const frontier = [...fit.frontier].sort((a, b) => a.flops - b.flops);
  return wanted.flatMap((level) => {
    const at = frontier.findIndex((point) => predictedLoss(law, point.n, point.d) < level);
    const point = frontier[at];
    return at > 0 && point ? [{ n: point.n, d: point.d, loss: level }] : [];
  });
}

/** The law over N and D: lines of one loss, lines of one budget, the frontier of optima, the runs and the target. */
export function surfaceSpec(
  law: LawParameters,
  fit: Fit,
  dots: readonly Dot[],
  grid: Lines,
  next: readonly Place[] = [],
): PlotSpec {
  return (context) => {
    const { colours, scheme, interactive } = context;
    const { target } = fit;
    const range = rangeOf([...dots, ...next], target);
    const lines = levels(law, range);
    const of = lineColours(grid, scheme);
    // of single runs every one would have a line of its own
    const drawn = grid.budgets.length > 0 ? grid.budgets : roundBudgets(dots.map((dot) => dot.budget));
    const budgets = [...drawn, ...(target ? [target.flops] : [])].flatMap((budget) =>
      logSpace(range.n[0], range.n[1], 24)
        .map((n) => ({ n, d: budget / (6 * n), budget }))
        .filter((point) => point.d >= range.d[0] && point.d <= range.d[1]),
    );
    const frontier = fit.frontier
      .filter((p) => p.n >= range.n[0] && p.n <= range.n[1] && p.d >= range.d[0] && p.d <= range.d[1])
      .sort((a, b) => a.flops - b.flops);
    const named = labels(law, { ...fit, frontier }, lines);
    const kept = dots.filter((dot) => dot.excluded === undefined);
    return {
      height: 360,
      marginLeft: 52,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 38,
      x: {
        type: "log",
        domain: range.n,
        label: "parameters N",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks(range.n),
        tickFormat: (value: number) => count(value),
      },
      y: {
        type: "log",
        domain: range.d,
        label: "↑ tokens D",
        labelArrow: "none",
        ticks: logTicks(range.d),
        tickFormat: (value: number) => count(value),
      },
      marks: [
        Plot.contour({
          x1: range.n[0],
          x2: range.n[1],
          y1: range.d[0],
          y2: range.d[1],
          value: (n: number, d: number) => predictedLoss(law, n, d),
          stroke: colours.ink3,
          strokeOpacity: 0.55,
          thresholds: lines,
        }),
        Plot.line(budgets, {
          x: "n",
          y: "d",
          z: "budget",
          stroke: (p: { budget: number }) =>
            (target && p.budget === target.flops ? undefined : of(p.budget)) ?? colours.ink3,
          strokeDasharray: "2 3",
        }),
        Plot.line(frontier, { x: "n", y: "d", stroke: colours.accent, strokeWidth: 2.2 }),
        ...[false, true].map((on) =>
          Plot.dot(
            kept.filter((dot) => (of(dot.budget) !== undefined) === on),
            {
              x: "n",
              y: "d",
              ...(on
                ? { r: 3.4, fill: (dot: Dot) => of(dot.budget), stroke: colours.panel, strokeWidth: 0.8 }
                : { r: 3.4, ...offGridLook(grid, context), className: "off-grid" }),
              ariaLabel: (dot: Dot) => `${dot.name}: loss ${loss(dot.loss)}`,
              ...(interactive ? { href: (dot: Dot) => `/runs/${dot.runId}` } : {}),
            },
          ),
        ),
        ...offGridLegend(dots, grid, context),
        ...(target
          ? [
              Plot.dot([target], {
                x: (o: Optimum) => o.n.value,
                y: (o: Optimum) => o.d.value,
                symbol: "diamond",
                r: 6,
                fill: colours.panel,
                stroke: colours.ink,
                strokeWidth: 2,
              }),
            ]
          : []),
        Plot.dot(next, {
          x: "n",
          y: "d",
          symbol: "star",
          r: 6,
          fill: colours.accent,
          stroke: colours.panel,
          strokeWidth: 1,
          className: "next-runs",
        }),
        Plot.text(next, {
          x: "n",
          y: "d",
          text: (_run: Place, i: number) => String(i + 1),
          fill: colours.ink,
          stroke: colours.panel,
          strokeWidth: 3,
          dx: 10,
          dy: -8,
        }),
        Plot.text(named, {
          x: "n",
          y: "d",
          text: (p: { loss: number }) => p.loss.toFixed(2),
          fill: colours.ink2,
          stroke: colours.panel,
          strokeWidth: 4,
          dx: 14,
          dy: 8,
        }),
        ...(interactive
          ? [
              Plot.tip(
                kept,
                Plot.pointer({
                  x: "n",
                  y: "d",
                  title: (dot: Dot) =>
                    `${dot.name}\n${budgetWords(dot, grid)}\nloss ${loss(dot.loss)}, the law ${loss(predictedLoss(law, dot.n, dot.d))}`,
                  fill: colours.panel,
                  fontSize: 11.5,
                }),
              ),
            ]
          : []),
      ],
    };
  };
}

/** What the law leaves over, against compute. */
export function residualSpec(law: LawParameters, dots: readonly Dot[], delta: number, grid: Lines): PlotSpec {
  return (context) => {
    const { colours, scheme, interactive } = context;
    const kept = dots.filter((dot) => dot.excluded === undefined);
    const of = lineColours(grid, scheme);
    const shown = kept.map((dot) => ({ ...dot, off: 100 * residual(law, dot), weight: weight(law, dot, delta) }));
    return {
      height: 360,
      marginLeft: 52,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 38,
      x: {
        type: "log",
        label: "tokens a parameter D / N",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks(kept.map((dot) => dot.d / dot.n)),
        tickFormat: (value: number) => (value >= 0.01 && value < 1e4 ? String(value) : scientific(value, 1)),
      },
      r: { type: "identity" },
      y: { label: "↑ loss over the law (%)", labelArrow: "none", nice: true },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1 }),
        Plot.ruleY([0], { stroke: colours.ink3 }),
        ...[false, true].map((on) =>
          Plot.dot(
            shown.filter((dot) => (of(dot.budget) !== undefined) === on),
            {
              x: (dot: Dot) => dot.d / dot.n,
              y: "off",
              ...(on
                ? { fill: (dot: Dot) => of(dot.budget), stroke: colours.panel, strokeWidth: 0.8 }
                : { ...offGridLook(grid, context), className: "off-grid" }),
              r: (dot: { weight: number }) => 5.5 * Math.sqrt(dot.weight),
              ariaLabel: (dot: Dot & { off: number }) => `${dot.name}: ${dot.off.toFixed(2)} %`,
              ...(interactive ? { href: (dot: Dot) => `/runs/${dot.runId}` } : {}),
            },
          ),
        ),
        ...offGridLegend(dots, grid, context),
        ...(interactive
          ? [
              Plot.tip(
                shown,
                Plot.pointer({
                  x: (dot: Dot) => dot.d / dot.n,
                  y: "off",
                  title: (dot: Dot & { off: number; weight: number }) =>
                    `${dot.name}\n${budgetWords(dot, grid)}\n${dot.off >= 0 ? "+" : "−"}${Math.abs(dot.off).toFixed(2)} %, weight ${dot.weight.toFixed(2)}`,
                  fill: colours.panel,
                  fontSize: 11.5,
                }),
              ),
            ]
          : []),
      ],
    };
  };
}

export function residualTable(law: LawParameters, dots: readonly Dot[], delta: number): Table {
  return {
    columns: ["run", "budget_flops", "n", "d", "loss", "law", "log_residual", "weight", "note"],
    rows: dots.map((dot) => [
      dot.name,
      dot.budget,
      dot.n,
      dot.d,
      dot.loss,
      predictedLoss(law, dot.n, dot.d),
      residual(law, dot),
      dot.excluded === undefined ? weight(law, dot, delta) : 0,
      dot.excluded ?? "",
    ]),
  };
}
