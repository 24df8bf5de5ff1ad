import * as Plot from "@observablehq/plot";
import type { PlotContext } from "../../charts/PlotFigure";
import { count, flop, loss, quantity } from "../../lib/format";
import { type Lines, lineColours, offGridWords } from "./lines";
import type { Dot } from "./model";

/** Marks that several figures of a sweep have. */

export const LOSS_LABEL = "held-out loss (nats per token)";

/** The budget of a run in its tooltip; that of a run off the grid has no label anywhere else. */
export function budgetWords(dot: Dot, lines: Lines): string {
  const off = lines.budgets.length > 0 && lines.of(dot.budget) === undefined;
  return `budget ${flop(dot.budget)}${off ? ", off the grid" : ""}`;
}

function dotTitle(dot: Dot, lines: Lines): string {
  return [
    dot.name,
    `N ${count(dot.n)}   D ${count(dot.d)}   C ${flop(dot.flops)}`,
    budgetWords(dot, lines),
    `loss ${loss(dot.loss)} nats/token   seed ${dot.seed}`,
    `${count(dot.tokensPerStep)} tokens a step   learning rate ${quantity(dot.learningRate)}`,
    ...(dot.excluded ? [`left out: ${dot.excluded}`] : []),
  ].join("\n");
}

/** How runs off the grid are drawn: squares without a colour, or plain dots where there is no grid that they could be off. */
export function offGridLook(lines: Lines, { colours }: PlotContext) {
  const grid = lines.budgets.length > 0;
  return {
    symbol: grid ? "square" : "circle",
    fill: grid ? colours.ink3 : colours.ink2,
    stroke: colours.panel,
    strokeWidth: 0.8,
  } as const;
}

/** The one entry of the legend, in the margin above the right end; none where there is nothing to tell apart. */
export function offGridLegend(dots: readonly Dot[], lines: Lines, context: PlotContext): Plot.Markish[] {
  const off = dots.filter((dot) => dot.excluded === undefined && lines.of(dot.budget) === undefined).length;
  if (off === 0 || lines.budgets.length === 0) return [];
  const place = { frameAnchor: "top-right", dy: -13 } as const;
  return [
    Plot.dot([off], { ...place, ...offGridLook(lines, context), r: 3.4, dx: -4, className: "off-grid-key" }),
    Plot.text([off], {
      ...place,
      text: offGridWords,
      textAnchor: "end",
      lineAnchor: "middle",
      dx: -12,
      fill: context.colours.ink2,
    }),
  ];
}

/** All runs over an x of their own: lines by colour, further seeds hollow, those off the grid as one series, those left out as crosses. */
export function dotMarks(dots: Dot[], x: (dot: Dot) => number, lines: Lines, context: PlotContext): Plot.Markish[] {
  const colour = lineColours(lines, context.scheme);
  const kept = dots.filter((dot) => dot.excluded === undefined);
  const on = kept.filter((dot) => lines.of(dot.budget) !== undefined);
  const base = {
    x,
    y: "loss",
    ariaLabel: (dot: Dot) => `${dot.name}: loss ${loss(dot.loss)}`,
    ...(context.interactive ? { href: (dot: Dot) => `/runs/${dot.runId}` } : {}),
  };
  return [
    Plot.dot(
      kept.filter((dot) => lines.of(dot.budget) === undefined),
      { ...base, ...offGridLook(lines, context), r: 3.4, className: "off-grid" },
    ),
    Plot.dot(
      on.filter((dot) => !dot.replicate),
      { ...base, r: 3.4, fill: (dot: Dot) => colour(dot.budget), stroke: context.colours.panel, strokeWidth: 0.8 },
    ),
    Plot.dot(
      on.filter((dot) => dot.replicate),
      { ...base, r: 3, stroke: (dot: Dot) => colour(dot.budget), fill: context.colours.panel, strokeWidth: 1.4 },
    ),
    Plot.dot(
      dots.filter((dot) => dot.excluded !== undefined),
      { ...base, symbol: "times", r: 4, stroke: context.colours.ink3, strokeWidth: 1.4 },
    ),
    ...offGridLegend(dots, lines, context),
    ...(context.interactive
      ? [
          Plot.tip(
            dots,
            Plot.pointer({
              x,
              y: "loss",
              title: (dot: Dot) => dotTitle(dot, lines),
              fill: context.colours.panel,
              fontSize: 11.5,
            }),
          ),
        ]
      : []),
  ];
}
