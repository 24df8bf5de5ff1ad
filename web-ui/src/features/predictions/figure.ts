import * as Plot from "@observablehq/plot";
import type { Prediction } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotSpec } from "../../charts/PlotFigure";
import { logTicks } from "../../charts/ticks";
import { count, flop, loss } from "../../lib/format";
import { errorWords, OUTCOME_WORDS, type Outcome, outcome, ratioWords } from "./words";

/** A prediction where it is drawn: everything relative to the loss predicted, in per cent. */
export interface Mark {
  prediction: Prediction;
  outcome: Outcome;
  /** C over the largest C fitted, spread where several stand at one place */
  x: number;
  low: number;
  high: number;
  /** of what was observed */
  error: number | undefined;
}

const relative = (value: number, prediction: Prediction) => 100 * (value / prediction.loss - 1);

/** Those of one ratio stand side by side rather than upon each other. */
export function marksOf(predictions: readonly Prediction[]): Mark[] {
  const shown = predictions.filter((one) => one.state !== "void");
  const ratios = shown.map((one) => one.extrapolationRatio);
  const span = Math.max(Math.log(Math.max(...ratios) / Math.min(...ratios)), 1);
  const seen = new Map<string, number>();
  const place = (one: Prediction) => one.extrapolationRatio.toPrecision(2);
  const many = new Map<string, number>();
  for (const one of shown) many.set(place(one), (many.get(place(one)) ?? 0) + 1);
  return [...shown]
    .sort((a, b) => a.extrapolationRatio - b.extrapolationRatio || a.id - b.id)
    .map((one) => {
      const nth = seen.get(place(one)) ?? 0;
      seen.set(place(one), nth + 1);
      const all = many.get(place(one)) ?? 1;
      const step = Math.min(0.008, 0.06 / all) * span;
      const observed = one.score?.observed;
      return {
        prediction: one,
        outcome: outcome(one),
        x: one.extrapolationRatio * Math.exp((nth - (all - 1) / 2) * step),
        low: relative(one.low, one),
        high: relative(one.high, one),
        error: one.score && !one.score.diverged && observed !== undefined ? relative(observed, one) : undefined,
      };
    });
}

function title({ prediction: p, outcome: how }: Mark): string {
  return [
    p.run ?? "no run yet",
    `N ${count(p.n)}   D ${count(p.d)}   C ${flop(p.flops)}, ${ratioWords(p.extrapolationRatio)} the largest fitted`,
    `predicted ${loss(p.loss, 4)}, ${loss(p.low, 4)} to ${loss(p.high, 4)}`,
    ...(p.score?.observed !== undefined && !p.score.diverged
      ? [`observed ${loss(p.score.observed, 4)}, ${errorWords(p.score.logError)}`]
      : []),
    `${OUTCOME_WORDS[how]}; fit ${p.fitId}, ${p.method}`,
  ].join("\n");
}

/** Predicted interval and what was observed, over the predicted loss, by how far was extrapolated. */
export function ledgerSpec(marks: readonly Mark[]): PlotSpec {
  return ({ colours, interactive }) => {
    const ends = marks.flatMap((mark) => [mark.low, mark.high, mark.error ?? 0]);
    const reach = Math.max(0.05, ...ends.map(Math.abs)) * 1.12;
    const scored = marks.filter((mark) => mark.error !== undefined);
    const ratios = marks.map((mark) => mark.x);
    const domain = [Math.min(0.8, ...ratios) / 1.15, Math.max(1.3, ...ratios) * 1.15];
    const bar = (mark: Mark) =>
      mark.outcome === "missed" || mark.outcome === "diverged"
        ? colours.second
        : mark.outcome === "covered"
          ? colours.accent
          : colours.ink3;
    const base = { x: "x", ...(interactive ? { href: href } : {}) };
    return {
      height: 300,
      marginLeft: 64,
      marginRight: 14,
      marginTop: 26,
      marginBottom: 38,
      x: {
        type: "log",
        domain,
        label: "C over the largest C fitted",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: logTicks(domain),
        tickFormat: (value: number) => `${Number(value.toPrecision(2))} ×`,
      },
      y: {
        domain: [-reach, reach],
        label: "↑ held-out loss against what was predicted",
        labelArrow: "none",
        tickFormat: (value: number) => (value === 0 ? "predicted" : `${value > 0 ? "+" : "−"}${Math.abs(value)} %`),
        ticks: 6,
      },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1 }),
        Plot.ruleY([0], { stroke: colours.ink3 }),
        Plot.ruleX([1], { stroke: colours.ink3, strokeDasharray: "2 3" }),
        Plot.text([1], {
          x: (value: number) => value,
          frameAnchor: "top",
          text: () => "largest C fitted",
          textAnchor: "start",
          dx: 5,
          dy: -2,
          fill: colours.ink2,
        }),
        Plot.ruleX(marks, { x: "x", y1: "low", y2: "high", stroke: bar, strokeWidth: 5, strokeOpacity: 0.38 }),
        Plot.dot(
          scored.filter((mark) => mark.outcome === "covered"),
          { ...base, y: "error", r: 3.6, fill: colours.accent, stroke: colours.panel, strokeWidth: 0.8, ariaLabel },
        ),
        Plot.dot(
          scored.filter((mark) => mark.outcome === "missed"),
          { ...base, y: "error", symbol: "times", r: 4.4, stroke: colours.second, strokeWidth: 2, ariaLabel },
        ),
        Plot.dot(
          marks.filter((mark) => mark.outcome === "diverged"),
          {
            ...base,
            y: () => reach * 0.94,
            symbol: "triangle",
            r: 4.4,
            fill: colours.panel,
            stroke: colours.second,
            strokeWidth: 1.8,
            ariaLabel,
          },
        ),
        Plot.dot(
          marks.filter((mark) => mark.outcome === "open" || mark.outcome === "untied"),
          { ...base, y: () => 0, r: 3.2, fill: colours.panel, stroke: colours.ink3, strokeWidth: 1.6, ariaLabel },
        ),
        ...(interactive
          ? [
              Plot.tip(
                marks,
                Plot.pointer({
                  x: "x",
                  y: (mark: Mark) => mark.error ?? 0,
                  title,
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

const href = (mark: Mark) => (mark.prediction.runId === undefined ? undefined : `/runs/${mark.prediction.runId}`);
const ariaLabel = (mark: Mark) =>
  `${mark.prediction.run ?? `prediction ${mark.prediction.id}`}: ${OUTCOME_WORDS[mark.outcome]}`;

export function ledgerTable(marks: readonly Mark[]): Table {
  return {
    columns: [
      "prediction",
      "run",
      "experiment",
      "fit",
      "method",
      "n",
      "d",
      "flops",
      "extrapolation_ratio",
      "level",
      "predicted",
      "low",
      "high",
      "observed",
      "log_error",
      "outcome",
    ],
    rows: marks.map(({ prediction: p, outcome: how }) => [
      p.id,
      p.run ?? "",
      p.experiment,
      p.fitId,
      p.method,
      p.n,
      p.d,
      p.flops,
      p.extrapolationRatio,
      p.level,
      p.loss,
      p.low,
      p.high,
      p.score?.observed ?? null,
      p.score?.logError ?? null,
      OUTCOME_WORDS[how],
    ]),
  };
}
