import * as Plot from "@observablehq/plot";
import type { FitProfile } from "../../api/types";
import type { Table } from "../../charts/export";
import type { PlotSpec } from "../../charts/PlotFigure";
import { quantity } from "../../lib/format";

interface Cell {
  alpha: number;
  beta: number;
  /** per cent above the least objective */
  rise: number;
}

/** Per cent above the least. */
export function above(rise: number): number {
  return 100 * Math.max(0, rise - 1);
}

export function cells(profile: FitProfile): Cell[] {
  return profile.rise.flatMap((row, r) =>
    row.map((rise, c) => ({ alpha: profile.alpha[r] ?? 0, beta: profile.beta[c] ?? 0, rise: above(rise) })),
  );
}

/** The value at any pair by the four cells around it, straight in the logarithms of the exponents. */
export function riseAt(profile: FitProfile, alpha: number, beta: number): number {
  const [i, s] = place(profile.alpha, alpha);
  const [j, t] = place(profile.beta, beta);
  const at = (r: number, c: number) => above(profile.rise[r]?.[c] ?? Number.NaN);
  return (1 - s) * ((1 - t) * at(i, j) + t * at(i, j + 1)) + s * ((1 - t) * at(i + 1, j) + t * at(i + 1, j + 1));
}

function place(values: readonly number[], x: number): [number, number] {
  const after = values.findIndex((value) => value > x);
  const i = Math.min(Math.max((after < 0 ? values.length : after) - 1, 0), values.length - 2);
  const low = values[i] ?? x;
  const high = values[i + 1] ?? x;
  const share = high > low ? Math.log(x / low) / Math.log(high / low) : 0;
  return [i, Math.min(Math.max(share, 0), 1)];
}

/** Objectives to draw lines at, over the bound. */
const LINES = [0.1, 0.4, 3, 10, 30, 100];

const FRAME = { height: 300, marginLeft: 48, marginRight: 14, marginTop: 24, marginBottom: 38 } as const;

/** Lines of equal objective over both exponents; the thick one bounds the pairs that the points do not tell from the best. */
export function profileSpec(profile: FitProfile): PlotSpec {
  return ({ colours }) => {
    const bound = above(profile.together);
    const alphas: [number, number] = [profile.alpha[0] ?? 0, profile.alpha[profile.alpha.length - 1] ?? 1];
    const betas: [number, number] = [profile.beta[0] ?? 0, profile.beta[profile.beta.length - 1] ?? 1];
    // turned upside down: a contour's area is what lies above, and the outline of all that is outside would be the frame
    const window = {
      x1: alphas[0],
      x2: alphas[1],
      y1: betas[0],
      y2: betas[1],
      value: (alpha: number, beta: number) => -riseAt(profile, alpha, beta),
    };
    return {
      ...FRAME,
      x: {
        type: "log",
        domain: alphas,
        label: "exponent of N, α",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: 6,
        tickFormat: (value: number) => quantity(value, 2),
      },
      y: {
        type: "log",
        domain: betas,
        label: "↑ exponent of D, β",
        labelArrow: "none",
        ticks: 6,
        tickFormat: (value: number) => quantity(value, 2),
      },
      marks: [
        Plot.contour({
          ...window,
          thresholds: LINES.map((factor) => -bound * factor),
          stroke: colours.ink3,
          strokeOpacity: 0.55,
        }),
        Plot.contour({
          ...window,
          thresholds: [-bound],
          stroke: colours.accent,
          strokeWidth: 2.2,
        }),
        Plot.dot([profile], {
          x: "bestAlpha",
          y: "bestBeta",
          symbol: "diamond",
          r: 5.5,
          fill: colours.panel,
          stroke: colours.ink,
          strokeWidth: 2,
        }),
      ],
    };
  };
}

/** The objective over one exponent alone; below the line it is not told from the best. */
export function sliceSpec(profile: FitProfile): PlotSpec {
  return ({ colours }) => {
    const bound = above(profile.alone);
    const top = 3 * bound;
    const curve = (name: string, at: readonly number[], rise: readonly number[]) =>
      at
        .map((exponent, i) => ({ name, exponent, rise: above(rise[i] ?? Number.NaN) }))
        .filter((p) => p.rise <= 4 * top);
    const alpha = curve("α", profile.alpha, profile.alphaRise);
    const beta = curve("β", profile.beta, profile.betaRise);
    const colour = (name: string) => (name === "α" ? colours.accent : colours.second);
    return {
      ...FRAME,
      x: {
        type: "linear",
        label: "exponent",
        labelAnchor: "center",
        labelArrow: "none",
        tickFormat: (value: number) => quantity(value, 2),
      },
      y: { label: "↑ objective over its least (%)", labelArrow: "none", domain: [0, top] },
      marks: [
        Plot.gridY({ stroke: colours.line, strokeOpacity: 1 }),
        Plot.ruleY([bound], { stroke: colours.ink3, strokeDasharray: "4 3" }),
        Plot.line([...alpha, ...beta], {
          x: "exponent",
          y: "rise",
          z: "name",
          stroke: (p: { name: string }) => colour(p.name),
          strokeWidth: 2,
          clip: true,
        }),
        Plot.text(
          [
            { name: "α", at: profile.bestAlpha },
            { name: "β", at: profile.bestBeta },
          ],
          {
            x: "at",
            y: () => top,
            text: "name",
            dy: 10,
            dx: 9,
            fontWeight: 600,
            fontSize: 13,
            fill: (p: { name: string }) => colour(p.name),
          },
        ),
        Plot.ruleX(
          [
            { name: "α", at: profile.bestAlpha },
            { name: "β", at: profile.bestBeta },
          ],
          { x: "at", stroke: (p: { name: string }) => colour(p.name), strokeDasharray: "2 3" },
        ),
      ],
    };
  };
}

export function profileTable(profile: FitProfile): Table {
  return {
    columns: ["alpha", "beta", "percent_above_least"],
    rows: cells(profile).map((cell) => [cell.alpha, cell.beta, cell.rise]),
  };
}

export function sliceTable(profile: FitProfile): Table {
  return {
    columns: ["exponent", "value", "percent_above_least"],
    rows: [
      ...profile.alpha.map((value, i) => ["alpha", value, above(profile.alphaRise[i] ?? Number.NaN)]),
      ...profile.beta.map((value, i) => ["beta", value, above(profile.betaRise[i] ?? Number.NaN)]),
    ],
  };
}
