import * as Plot from "@observablehq/plot";
import type { Fit, FrontierPoint, Optimum } from "../../api/types";
import type { Table } from "../../charts/export";
import { hatch, type PlotContext, type PlotSpec } from "../../charts/PlotFigure";
import { logTicks } from "../../charts/ticks";
import { count, flop, interval, loss, scientific } from "../../lib/format";
import type { Shown } from "./isoflop";
import { type Lines, lineColours } from "./lines";
import { dotMarks, LOSS_LABEL } from "./marks";
import type { Dot } from "./model";

/** The figures against compute. */

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
  lines: Lines,
): PlotSpec {
  return (context) => {
    const { colours } = context;
    const shown = optimaOf(optima);
    const lineColour = lineColours(lines, context.scheme);
    const colour = (optimum: Optimum) => lineColour(optimum.flops) ?? colours.ink3;
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
    const lineColour = lineColours(shown.lines, context.scheme);
    const colour = (optimum: Optimum) => lineColour(optimum.flops) ?? colours.ink3;
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
        ...dotMarks(shown.dots, (dot) => dot.flops, shown.lines, context),
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
