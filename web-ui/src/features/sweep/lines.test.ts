import { describe, expect, it } from "vitest";
import { makeWorld } from "../../../e2e/fixtures.mjs";
import { withGrown } from "../../../e2e/grown.mjs";
import type { Fit, Run } from "../../api/types";
import { predictedLoss } from "../../lib/law";
import { isoflopTable, refusals } from "./isoflop";
import { lineColours, linesOf, offGridWords } from "./lines";
import { curvesOf, dotsOf } from "./model";

const world = withGrown(makeWorld(Date.parse("2026-11-24T00:00:00Z"))) as unknown as {
  runs: Run[];
  fits: Map<number, Fit[]>;
};
const of = (sweep: number) => world.runs.filter((run) => run.sweepId === sweep);
const newest = (sweep: number, method: string) =>
  world.fits.get(sweep)?.find((fit) => fit.method === method && fit.options.countEmbeddings) as Fit;

let id = 0;
const run = (budget: number, parameters: number): Run =>
  ({ id: ++id, kind: "pretrain", budget, parameters, state: "queued" }) as unknown as Run;

describe("the lines of a sweep", () => {
  it("areAllBudgetsOfAGrid", () => {
    expect(linesOf(of(1), undefined).budgets).toEqual([1e11, 3e11, 1e12, 3e12]);
  });
  it("areAsPlannedBeforeAnyRunHasEnded", () => {
    const waiting = of(1).map(({ finalLoss, ...rest }) => ({ ...rest, state: "queued" }) as Run);
    expect(linesOf(waiting, undefined).budgets).toEqual([1e11, 3e11, 1e12, 3e12]);
  });
  it("areOfAGrownSweepItsGridAndWhateverCameToThreeSizes", () => {
    const lines = linesOf(of(4), newest(4, "isoflop"));
    expect(lines.budgets).toEqual([1e11, 3e11, 1e12, 3e12, 6.1e12]);
    expect(lines.of(4.1e12)).toBeUndefined();
    expect(lines.of(6.1e12)).toBe(6.1e12);
  });
  it("areNotMadeOfFurtherSeedsOfTwoSizes", () => {
    expect(linesOf([run(1e12, 1), run(1e12, 1), run(1e12, 2), run(1e12, 2)], undefined).budgets).toEqual([]);
  });
  it("areWhereTheFitHasAParabolaWhateverTheRunsSay", () => {
    const fit = { budgets: [{ flops: 1e12, a: 0.1, b: 1, c: 1, nMin: 1, nMax: 2 }] } as unknown as Fit;
    expect(linesOf([run(1e12, 1), run(1e12, 2), run(2e12, 1)], fit).budgets).toEqual([1e12]);
  });
  it("takeBudgetsForOneThatAFitTakesForOne", () => {
    const lines = linesOf([run(1e12, 1), run(1e12, 2), run(1.01e12, 3), run(1.2e12, 3)], undefined);
    expect(lines.budgets).toEqual([1e12]);
    expect(lines.of(1.01e12)).toBe(1e12);
    expect(lines.of(1.005e12)).toBe(1e12);
    expect(lines.of(1.2e12)).toBeUndefined();
  });
  it("haveColoursThatRunsOffTheGridHaveNot", () => {
    const lines = linesOf(of(4), undefined);
    const colour = lineColours(lines, "light");
    expect(new Set(lines.budgets.map(colour)).size).toBe(5);
    expect(colour(4.1e12)).toBeUndefined();
    // a run off the grid changes no colour
    const grid = lineColours(linesOf([...of(1), run(2e12, 5)], undefined), "light");
    expect(grid(1e12)).toBe(lineColours(linesOf(of(1), undefined), "light")(1e12));
  });
  it("areCountedRight", () => {
    expect([offGridWords(1), offGridWords(10)]).toEqual(["off the grid (1 run)", "off the grid (10 runs)"]);
  });
});

describe("the figure of a grown sweep", () => {
  it("hasACurveForEachLineAndNoneForARunAlone", () => {
    const fit = newest(4, "parametric");
    const lines = linesOf(of(4), undefined);
    expect(curvesOf(fit, dotsOf(of(4), fit, true), lines).map((curve) => curve.budget)).toEqual(lines.budgets);
  });
  it("refusesLinesAlone", () => {
    const fit = newest(4, "isoflop");
    const lines = linesOf(of(4), fit);
    expect(fit.budgets.filter((budget) => budget.refusal)).toHaveLength(11);
    expect(refusals({ fit, lines }).map((budget) => budget.flops)).toEqual([1e11, 6.1e12]);
    const dots = dotsOf(of(4), fit, true);
    const table = isoflopTable({ dots, curves: [], lines, fit }, true);
    const note = table.columns.indexOf("note");
    expect(table.rows.filter((row) => row[0] === "refused")).toHaveLength(2);
    expect(table.rows.filter((row) => row[note] === "off the grid")).toHaveLength(10);
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
  });
});

describe("the figure of a sweep without a grid", () => {
  it("hasTheLawAlongRoundBudgetsNoHigherThanTheRuns", () => {
    const fit = newest(5, "parametric");
    const dots = dotsOf(of(5), fit, true);
    const lines = linesOf(of(5), undefined);
    expect(lines.budgets).toEqual([]);
    const curves = curvesOf(fit, dots, lines);
    expect(curves.map((curve) => curve.budget)).toEqual([1e11, 3e11, 1e12, 3e12, 1e13]);
    const worst = Math.max(...dots.map((dot) => dot.loss));
    const law = { E: 1.85, A: 38, B: 420, alpha: 0.32, beta: 0.42 };
    for (const { budget, points } of curves) {
      for (const point of points) {
        expect(point.y).toBeLessThanOrEqual(worst);
        expect(point.y).toBeCloseTo(predictedLoss(law, point.x, budget / 6 / point.x), 9);
      }
    }
  });
});
