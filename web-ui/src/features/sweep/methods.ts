import * as Plot from "@observablehq/plot";
import type { FitMethods, MethodFit, Reading } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotContext, PlotSpec } from "../../charts/PlotFigure";
import type { Scheme } from "../../charts/palette";
import { logTicks } from "../../charts/ticks";
import { count, quantity, scientific } from "../../lib/format";
import { logSpace } from "../../lib/law";

/** Names of methods for people; a published protocol keeps its own. */
const NAMES: Record<string, string> = {
  envelope: "1: envelope",
  isoflop: "2: IsoFLOP, ours",
  hoffmann: "2: Hoffmann’s parabolas",
  porian: "2: Porian’s splines",
  "porian-owt2": "2: Porian’s, OpenWebText2 noise",
  cs336: "2: CS336, lowest point",
  parametric: "3: parametric law",
};

export function methodName(method: MethodFit): string {
  return NAMES[method.name] ?? `${method.approach}: ${method.name}`;
}

/** Okabe and Ito's colours, told apart by the colour-blind; the parametric law has the accent. */
const COLOURS: Record<string, Record<Scheme, string>> = {
  envelope: { light: "#8a6d00", dark: "#e0c040" },
  isoflop: { light: "#b4531f", dark: "#f0a06a" },
  hoffmann: { light: "#00795a", dark: "#4cc9a0" },
  porian: { light: "#a34a7f", dark: "#e093c0" },
  "porian-owt2": { light: "#6b6f75", dark: "#a0a6ac" },
  cs336: { light: "#2f7fb0", dark: "#7cc4ee" },
  parametric: { light: "#1a2f8f", dark: "#9fb2ff" },
};

export function methodColour(name: string, scheme: Scheme): string {
  return (COLOURS[name] ?? { light: "#4a5157", dark: "#aab1b8" })[scheme];
}

/** N* of a method's line. */
function line(method: MethodFit, flops: number): number | undefined {
  return method.k === undefined || method.a === undefined ? undefined : method.k * flops ** method.a.value;
}

interface Spot {
  method: MethodFit;
  flops: number;
  n: Reading;
}

/** N* against C: a line for every method, with the optima of single budgets that it was drawn through. */
export function methodsSpec(all: FitMethods): PlotSpec {
  return (context) => {
    const { colours, scheme } = context;
    const spots: Spot[] = all.methods.flatMap((method) =>
      method.optima.map((one) => ({ method, flops: one.flops, n: one.n })),
    );
    const budgets = [...spots.map((spot) => spot.flops), ...(all.target === undefined ? [] : [all.target])];
    const low = Math.min(...budgets) / 1.3;
    const high = Math.max(...budgets) * 1.3;
    const lines = all.methods.flatMap((method) =>
      logSpace(low, high, 2).flatMap((flops) => {
        const n = line(method, flops);
        return n === undefined ? [] : [{ name: method.name, flops, n }];
      }),
    );
    const values = [...spots.map((spot) => spot.n.value), ...lines.map((point) => point.n)];
    const of = (name: string) => methodColour(name, scheme);
    return {
      height: 392,
      marginLeft: 52,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 38,
      x: {
        type: "log",
        domain: [low, high],
        label: "compute C (FLOPs)",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks([low, high]).filter((tick) => /^1e/.test(tick.toExponential())),
        tickFormat: (value: number) => scientific(value, 1),
      },
      y: {
        type: "log",
        label: "↑ optimal parameters N*",
        labelArrow: "none",
        ticks: logTicks(values),
        tickFormat: (value: number) => count(value),
      },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1, ticks: logTicks(values) }),
        ...(all.target === undefined
          ? []
          : [Plot.ruleX([all.target], { stroke: colours.ink3, strokeDasharray: "2 3" })]),
        Plot.line(lines, {
          x: "flops",
          y: "n",
          z: "name",
          stroke: (p: { name: string }) => of(p.name),
          strokeWidth: (p: { name: string }) => (p.name === "parametric" || p.name === "isoflop" ? 2.2 : 1.3),
        }),
        // side by side at each budget: they would hide each other
        ...all.methods.flatMap((method, i) => {
          const own = spots.filter((spot) => spot.method === method);
          const dx = 5 * (i - (all.methods.length - 1) / 2);
          const stroke = of(method.name);
          return [
            Plot.ruleX(
              own.filter((spot) => spot.n.low !== undefined),
              { x: "flops", y1: (spot: Spot) => spot.n.low, y2: (spot: Spot) => spot.n.high, stroke, dx },
            ),
            Plot.dot(own, {
              x: "flops",
              y: (spot: Spot) => spot.n.value,
              r: 3.6,
              symbol: method.approach === 1 ? "triangle" : "circle",
              fill: colours.panel,
              stroke,
              strokeWidth: 1.6,
              dx,
              ariaLabel: (spot: Spot) =>
                `${methodName(spot.method)} at ${scientific(spot.flops)}: N ${count(spot.n.value)}`,
            }),
          ];
        }),
        ...(context.interactive
          ? [
              Plot.tip(
                spots,
                Plot.pointer({
                  x: "flops",
                  y: (spot: Spot) => spot.n.value,
                  fill: colours.panel,
                  fontSize: 11.5,
                  title: (spot: Spot) =>
                    `${methodName(spot.method)}\nC ${scientific(spot.flops)}   N* ${count(spot.n.value)}`,
                }),
              ),
            ]
          : []),
      ],
    };
  };
}

interface Bar {
  name: string;
  label: string;
  reading: Reading;
}

/** One number by every method, with its interval where the method has one. */
function barsSpec(
  all: FitMethods,
  of: (method: MethodFit) => Reading | undefined,
  axis: { label: string; log: boolean; format: (value: number) => string },
): PlotSpec {
  return (context: PlotContext) => {
    const { colours, scheme } = context;
    const bars: Bar[] = all.methods.flatMap((method) => {
      const reading = of(method);
      return reading === undefined ? [] : [{ name: method.name, label: methodName(method), reading }];
    });
    const values = bars.flatMap(({ reading }) => [
      reading.value,
      reading.low ?? reading.value,
      reading.high ?? reading.value,
    ]);
    return {
      height: 34 * bars.length + 50,
      marginLeft: 196,
      marginRight: 16,
      marginTop: 10,
      marginBottom: 36,
      x: {
        type: axis.log ? "log" : "linear",
        label: axis.label,
        labelAnchor: "center",
        labelArrow: "none",
        nice: !axis.log,
        ...(axis.log ? { ticks: logTicks(values) } : {}),
        tickFormat: axis.format,
      },
      y: { type: "band", domain: bars.map((bar) => bar.label), label: null },
      marks: [
        Plot.gridX({ stroke: colours.line, strokeOpacity: 1, ...(axis.log ? { ticks: logTicks(values) } : {}) }),
        Plot.ruleY(
          bars.filter((bar) => bar.reading.low !== undefined),
          {
            y: "label",
            x1: (bar: Bar) => bar.reading.low,
            x2: (bar: Bar) => bar.reading.high,
            stroke: (bar: Bar) => methodColour(bar.name, scheme),
            strokeWidth: 2,
          },
        ),
        Plot.dot(bars, {
          y: "label",
          x: (bar: Bar) => bar.reading.value,
          r: 4.5,
          fill: (bar: Bar) => (bar.reading.low === undefined ? colours.panel : methodColour(bar.name, scheme)),
          stroke: (bar: Bar) => methodColour(bar.name, scheme),
          strokeWidth: 2,
          ariaLabel: (bar: Bar) => `${bar.label}: ${axis.format(bar.reading.value)}`,
        }),
      ],
    };
  };
}

export function methodsTable(all: FitMethods): Table {
  return {
    columns: [
      "method",
      "approach",
      "source",
      "a",
      "a_low",
      "a_high",
      "k",
      "target_flops",
      "n",
      "n_low",
      "n_high",
      "d",
      "loss",
      "note",
    ],
    rows: all.methods.map((method) => [
      method.name,
      method.approach,
      method.source ?? "",
      method.a?.value ?? null,
      method.a?.low ?? null,
      method.a?.high ?? null,
      method.k ?? null,
      all.target ?? null,
      method.optimum?.n.value ?? null,
      method.optimum?.n.low ?? null,
      method.optimum?.n.high ?? null,
      method.optimum?.d.value ?? null,
      method.optimum?.loss?.value ?? null,
      method.refusal?.message ?? method.findings.join(" "),
    ]),
  };
}

export function exponentBars(all: FitMethods): PlotSpec {
  return barsSpec(all, (method) => method.a, {
    label: "exponent a of N* = k Cᵃ",
    log: false,
    format: (value) => quantity(value, 3),
  });
}

export function sizeBars(all: FitMethods): PlotSpec {
  return barsSpec(all, (method) => method.optimum?.n, {
    label: "optimal parameters N* at the target",
    log: true,
    format: (value) => count(value),
  });
}
