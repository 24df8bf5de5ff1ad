import * as Plot from "@observablehq/plot";
import type { Fit, FrontierPoint, Optimum } from "../../api/types";
import type { Table } from "../../charts/export";
import { hatch, type PlotContext, type PlotSpec } from "../../charts/PlotFigure";
import { budgetColours } from "../../charts/palette";
import { count, flop, interval, loss, quantity, scientific } from "../../lib/format";
import { nearestColour } from "../overview/Sparkline";
import type { Curve, Dot } from "./model";

interface Shown {
  dots: Dot[];
  curves: Curve[];
  fit: Fit | undefined;
}

/** A tick at 1, 2 and 5 of each power of ten while there are few powers, at powers alone otherwise. */
export function logTicks(values: readonly number[]): number[] {
  const finite = values.filter((value) => value > 0 && Number.isFinite(value));
  if (finite.length === 0) return [];
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const decades = Math.log10(high / low);
  const steps = decades > 3.2 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= low * 0.98 && tick <= high * 1.02) ticks.push(tick);
    }
  }
  return ticks;
}

function dotTitle(dot: Dot): string {
  return [
    dot.name,
    `N ${count(dot.n)}   D ${count(dot.d)}   C ${flop(dot.flops)}`,
    `loss ${loss(dot.loss)} nats/token   seed ${dot.seed}`,
    `${count(dot.tokensPerStep)} tokens a step   learning rate ${quantity(dot.learningRate)}`,
    ...(dot.excluded ? [`left out: ${dot.excluded}`] : []),
  ].join("\n");
}

function dotMarks(dots: Dot[], x: (dot: Dot) => number, colour: (dot: Dot) => string, context: PlotContext) {
  const kept = dots.filter((dot) => dot.excluded === undefined);
  const base = {
    x,
    y: "loss",
    ariaLabel: (dot: Dot) => `${dot.name}: loss ${loss(dot.loss)}`,
    ...(context.interactive ? { href: (dot: Dot) => `/runs/${dot.runId}` } : {}),
  };
  return [
    Plot.dot(
      kept.filter((dot) => !dot.replicate),
      { ...base, r: 3.4, fill: colour, stroke: context.colours.panel, strokeWidth: 0.8 },
    ),
    Plot.dot(
      kept.filter((dot) => dot.replicate),
      { ...base, r: 3, stroke: colour, fill: context.colours.panel, strokeWidth: 1.4 },
    ),
    Plot.dot(
      dots.filter((dot) => dot.excluded !== undefined),
      { ...base, symbol: "times", r: 4, stroke: context.colours.ink3, strokeWidth: 1.4 },
    ),
    ...(context.interactive
      ? [Plot.tip(dots, Plot.pointer({ x, y: "loss", title: dotTitle, fill: context.colours.panel, fontSize: 11.5 }))]
      : []),
  ];
}

const LOSS_LABEL = "held-out loss (nats per token)";

/** Loss against N, a curve per budget, its optimum with the interval. */
export function isoflopSpec(shown: Shown, embeddings: boolean): PlotSpec {
  return (context) => {
    const { colours } = context;
    const byBudget = budgetColours(
      shown.dots.map((dot) => dot.budget),
      context.scheme,
    );
    const of = (budget: number) => nearestColour(byBudget, budget);
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
          strokeWidth: 1.8,
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
        ...dotMarks(
          shown.dots,
          (dot) => dot.n,
          (dot) => of(dot.budget),
          context,
        ),
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
        Plot.text(ends, {
          x: "x",
          y: "y",
          text: "text",
          fill: (end: { budget: number }) => of(end.budget),
          textAnchor: "start",
          dx: 9,
          fontWeight: 600,
          fontSize: 11,
        }),
      ],
    };
  };
}

/** Where each budget's name stands: beside its largest model. A refused budget says so. */
function endLabels(shown: Shown): { x: number; y: number; text: string; budget: number }[] {
  const budgets = [...new Set(shown.dots.map((dot) => dot.budget))];
  return budgets.flatMap((budget) => {
    const last = shown.dots
      .filter((dot) => dot.budget === budget && !dot.excluded)
      .reduce<Dot | undefined>((best, dot) => (best === undefined || dot.n > best.n ? dot : best), undefined);
    if (!last) return [];
    const refusal = shown.fit?.budgets.find(
      (one) => Math.abs(Math.log(one.flops / budget)) < 0.01 && one.refusal !== undefined,
    );
    return [{ x: last.n, y: last.loss, text: flop(budget) + (refusal ? " ⚠" : ""), budget }];
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
        dot.excluded ?? "",
      ]),
      ...(shown.fit?.budgets ?? []).flatMap((budget) =>
        budget.optimum
          ? [
              [
                "optimum",
                "",
                budget.flops,
                budget.optimum.n.value,
                budget.optimum.d.value,
                budget.optimum.loss.value,
                budget.optimum.n.low,
                budget.optimum.n.high,
                null,
                null,
                null,
                "low and high are of N",
              ],
            ]
          : [
              [
                "refused",
                "",
                budget.flops,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                budget.refusal?.message ?? "",
              ],
            ],
      ),
    ],
  };
}

interface Stretch {
  inside: FrontierPoint[];
  beyond: FrontierPoint[][];
}

/** The frontier cut where extrapolation begins; each outer piece starts at the last point inside so that lines join. */
export function stretches(frontier: readonly FrontierPoint[]): Stretch {
  const sorted = [...frontier].sort((a, b) => a.flops - b.flops);
  const inside = sorted.filter((point) => !point.extrapolated);
  const first = inside[0];
  const last = inside[inside.length - 1];
  const below = sorted.filter((point) => point.extrapolated && (first === undefined || point.flops < first.flops));
  const above = sorted.filter((point) => point.extrapolated && last !== undefined && point.flops > last.flops);
  return {
    inside,
    beyond: [
      [...below, ...(first && below.length ? [first] : [])],
      [...(last && above.length ? [last] : []), ...above],
    ].filter((piece) => piece.length > 1),
  };
}

type Quantity = "n" | "d" | "loss";

const LOW = { n: "nLow", d: "dLow", loss: "lossLow" } as const;
const HIGH = { n: "nHigh", d: "dHigh", loss: "lossHigh" } as const;

function bandMarks(fit: Fit | undefined, quantity: Quantity, context: PlotContext): Plot.Markish[] {
  if (!fit) return [];
  const { inside, beyond } = stretches(fit.frontier);
  const colour = context.colours.accent;
  const band = { x: "flops", y1: LOW[quantity], y2: HIGH[quantity] };
  return [
    hatch(context.id, context.scheme === "light" ? "rgba(26,90,150,0.28)" : "rgba(125,183,236,0.32)"),
    Plot.areaY(inside, { ...band, fill: context.colours.accentSoft }),
    ...beyond.map((piece) => Plot.areaY(piece, { ...band, fill: `url(#${context.id})` })),
    Plot.line(inside, { x: "flops", y: quantity, stroke: colour, strokeWidth: 2 }),
    ...beyond.map((piece) =>
      Plot.line(piece, { x: "flops", y: quantity, stroke: colour, strokeWidth: 1.6, strokeDasharray: "5 4" }),
    ),
  ];
}

function otherMarks(other: Fit | undefined, quantity: Quantity, context: PlotContext): Plot.Markish[] {
  if (!other || other.frontier.length === 0) return [];
  return [
    Plot.line(
      [...other.frontier].sort((a, b) => a.flops - b.flops),
      { x: "flops", y: quantity, stroke: context.colours.second, strokeWidth: 1.3, strokeDasharray: "1.5 3" },
    ),
  ];
}

function targetMarks(fit: Fit | undefined, quantity: Quantity, context: PlotContext): Plot.Markish[] {
  const target = fit?.target;
  if (!target) return [];
  const one = [target];
  const format = quantity === "loss" ? loss : count;
  return [
    Plot.ruleX(one, { x: "flops", stroke: context.colours.ink3, strokeDasharray: "2 3" }),
    Plot.ruleX(one, {
      x: "flops",
      y1: (o: Optimum) => o[quantity].low,
      y2: (o: Optimum) => o[quantity].high,
      stroke: context.colours.ink,
      strokeWidth: 2,
    }),
    Plot.dot(one, {
      x: "flops",
      y: (o: Optimum) => o[quantity].value,
      r: 4,
      fill: context.colours.panel,
      stroke: context.colours.ink,
      strokeWidth: 2,
      ariaLabel: () => "target",
    }),
    Plot.text(one, {
      x: "flops",
      y: (o: Optimum) => o[quantity].value,
      text: (o: Optimum) => `target ${format(o[quantity].value)}`,
      textAnchor: "end",
      dx: -8,
      dy: quantity === "loss" ? -10 : -9,
      fill: context.colours.ink,
      stroke: context.colours.panel,
      strokeWidth: 3,
      fontWeight: 600,
    }),
  ];
}

function budgetsOf(fit: Fit | undefined): number[] {
  return fit?.points.map((point) => point.budget) ?? [];
}

function optimaOf(fit: Fit | undefined): Optimum[] {
  return fit?.budgets.flatMap((budget) => (budget.optimum ? [budget.optimum] : [])) ?? [];
}

function computeAxis(fit: Fit | undefined, dots: readonly Dot[]): Plot.ScaleOptions {
  const all = [...dots.map((dot) => dot.flops), ...(fit?.frontier ?? []).map((point) => point.flops)];
  return {
    type: "log",
    label: "compute C (FLOPs)",
    labelAnchor: "center",
    labelArrow: "none",
    ticks: logTicks(all).filter((tick) => /^1e/.test(tick.toExponential())),
    tickFormat: (value: number) => scientific(value, 1),
  };
}

/** N* or D* against C: the law with its band, the budgets' optima, the target. */
export function optimumSpec(
  quantity: "n" | "d",
  fit: Fit | undefined,
  other: Fit | undefined,
  optima: Fit | undefined,
): PlotSpec {
  return (context) => {
    const { colours } = context;
    const shown = optimaOf(optima);
    // the colours of the whole sweep: a refused budget has no optimum but keeps its colour
    const byBudget = budgetColours(budgetsOf(optima), context.scheme);
    const colour = (optimum: Optimum) => nearestColour(byBudget, optimum.flops);
    const values = [
      ...(fit?.frontier ?? []).flatMap((point) => [point[LOW[quantity]], point[HIGH[quantity]]]),
      ...shown.map((optimum) => optimum[quantity].value),
    ];
    return {
      height: 250,
      marginLeft: 48,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 36,
      x: computeAxis(fit, []),
      y: {
        type: "log",
        label: quantity === "n" ? "↑ optimal parameters N*" : "↑ optimal tokens D*",
        labelArrow: "none",
        ticks: logTicks(values),
        tickFormat: (value: number) => count(value),
      },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1, ticks: logTicks(values) }),
        ...bandMarks(fit, quantity, context),
        ...otherMarks(other, quantity, context),
        Plot.ruleX(shown, {
          x: "flops",
          y1: (o: Optimum) => o[quantity].low,
          y2: (o: Optimum) => o[quantity].high,
          stroke: colour,
          strokeWidth: 1.8,
        }),
        Plot.dot(shown, {
          x: "flops",
          y: (o: Optimum) => o[quantity].value,
          symbol: "diamond",
          r: 4.5,
          fill: colours.panel,
          stroke: colour,
          strokeWidth: 2,
          ariaLabel: (o: Optimum) => `optimum at ${flop(o.flops)}`,
        }),
        ...targetMarks(fit, quantity, context),
        ...(context.interactive
          ? [
              Plot.tip(
                fit?.frontier ?? [],
                Plot.pointerX({
                  x: "flops",
                  y: quantity,
                  fill: colours.panel,
                  title: (p: FrontierPoint) =>
                    `C ${scientific(p.flops)}${p.extrapolated ? "  extrapolated" : ""}\n` +
                    `${quantity === "n" ? "N*" : "D*"} ${count(p[quantity])}   ${interval(p[LOW[quantity]], p[HIGH[quantity]], count)}`,
                }),
              ),
            ]
          : []),
      ],
    };
  };
}

/** All losses against compute, the optima over them, and the law with its band. */
export function computeSpec(shown: Shown, other: Fit | undefined, optima: Fit | undefined): PlotSpec {
  return (context) => {
    const { colours } = context;
    const byBudget = budgetColours(
      shown.dots.map((dot) => dot.budget),
      context.scheme,
    );
    const colour = (optimum: Optimum) => nearestColour(byBudget, optimum.flops);
    const envelope = optimaOf(optima);
    return {
      height: 250,
      marginLeft: 42,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 36,
      x: computeAxis(shown.fit, shown.dots),
      y: { label: `↑ ${LOSS_LABEL}`, labelArrow: "none", nice: true, tickFormat: (value: number) => value.toFixed(1) },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1 }),
        ...bandMarks(shown.fit, "loss", context),
        ...otherMarks(other, "loss", context),
        ...dotMarks(
          shown.dots,
          (dot) => dot.flops,
          (dot) => nearestColour(byBudget, dot.budget),
          context,
        ),
        Plot.ruleX(envelope, {
          x: "flops",
          y1: (o: Optimum) => o.loss.low,
          y2: (o: Optimum) => o.loss.high,
          stroke: colour,
          strokeWidth: 1.8,
        }),
        Plot.dot(envelope, {
          x: "flops",
          y: (o: Optimum) => o.loss.value,
          symbol: "diamond",
          r: 5,
          fill: colours.panel,
          stroke: colour,
          strokeWidth: 2,
          ariaLabel: (o: Optimum) => `lowest loss at ${flop(o.flops)}`,
        }),
        ...targetMarks(shown.fit, "loss", context),
      ],
    };
  };
}

export function frontierTable(fit: Fit | undefined): Table {
  return {
    columns: ["flops", "n", "n_low", "n_high", "d", "d_low", "d_high", "loss", "loss_low", "loss_high", "extrapolated"],
    rows: (fit?.frontier ?? []).map((p) => [
      p.flops,
      p.n,
      p.nLow,
      p.nHigh,
      p.d,
      p.dLow,
      p.dHigh,
      p.loss,
      p.lossLow,
      p.lossHigh,
      p.extrapolated,
    ]),
  };
}
