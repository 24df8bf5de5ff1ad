import { describe, expect, it } from "vitest";
import { exponentsOf, methodsOf } from "../../../e2e/answers.mjs";
import { makeWorld } from "../../../e2e/fixtures.mjs";
import type { Fit, FitMethods, FitProfile, Run } from "../../api/types";
import { predictedLoss } from "../../lib/law";
import { sweepSearch } from "../../lib/urlState";
import { between, reach } from "./aim";
import { methodName, methodsTable } from "./methods";
import { choose, dotsOf } from "./model";
import { above, cells, riseAt, sliceTable } from "./profile";
import { deltaOf, weight } from "./surface";

const world = makeWorld(Date.parse("2026-11-24T00:00:00Z")) as unknown as { runs: Run[]; fits: Map<number, Fit[]> };
const fits = world.fits.get(1) as Fit[];
const parametric = fits.find((fit) => fit.id === 12) as Fit;

describe("the budget that a fit is asked about", () => {
  it("isReadOffTheFrontierWithNothingLostOfAPowerLaw", () => {
    const [low, high] = reach(parametric) as [number, number];
    const first = between(parametric, low);
    const last = between(parametric, high);
    const middle = between(parametric, Math.sqrt(low * high));
    expect(middle?.n.value).toBeCloseTo(Math.sqrt((first?.n.value ?? 0) * (last?.n.value ?? 0)), 3);
    expect(middle?.d.value).toBeCloseTo(Math.sqrt((first?.d.value ?? 0) * (last?.d.value ?? 0)), -1);
    expect(middle?.n.low).toBeLessThan(middle?.n.value ?? 0);
  });
  it("isNotReadOffWhereTheFrontierHasEnded", () => {
    const [low, high] = reach(parametric) as [number, number];
    expect(between(parametric, high * 1.01)).toBeUndefined();
    expect(between(parametric, low / 1.01)).toBeUndefined();
    expect(reach({ ...parametric, frontier: [] })).toBeUndefined();
  });
});

describe("the address of a sweep", () => {
  it("takesAViewABudgetAndAnOlderFit", () => {
    expect(sweepSearch({ method: "all", c: "2e12", with: "7" })).toEqual({ method: "all", c: 2e12, with: 7 });
    expect(sweepSearch({ method: "both", c: "-1", with: "x" })).toEqual({});
  });
  it("asksForAllMethodsOfTheNewestFitOfTheConvention", () => {
    const all = choose(fits, { method: "all" }, true);
    expect(all.view).toBe("all");
    expect(all.fit?.id).toBe(12);
    expect(choose(fits, { method: "all", n: "non" }, true).embeddings).toBe(false);
  });
});

describe("all methods", () => {
  const all = methodsOf(fits, parametric, 3e13) as FitMethods;
  it("haveARowEachWithTheReasonWhereThereIsNoLaw", () => {
    const table = methodsTable(all);
    expect(table.rows).toHaveLength(all.methods.length);
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
    const note = table.columns.indexOf("note");
    expect(table.rows.find((row) => row[0] === "cs336")?.[note]).toContain("there are 2");
  });
  it("haveNamesThatSayTheApproach", () => {
    for (const method of all.methods) expect(methodName(method)).toMatch(new RegExp(`^${method.approach}: `));
    expect(methodName({ ...(all.methods[0] as FitMethods["methods"][0]), name: "later" })).toBe("1: later");
  });
});

describe("a profile", () => {
  const profile = exponentsOf(parametric) as FitProfile;
  it("isBetweenItsCellsWhatTheyAreAndAtThemExactly", () => {
    const some = cells(profile).filter((_, i) => i % 37 === 0);
    for (const cell of some) expect(riseAt(profile, cell.alpha, cell.beta)).toBeCloseTo(cell.rise, 9);
    expect(riseAt(profile, profile.bestAlpha, profile.bestBeta)).toBeCloseTo(0, 6);
  });
  it("isNeverBelowItsLeast", () => {
    expect(above(1 - 1e-12)).toBe(0);
    expect(above(1.02)).toBeCloseTo(2, 12);
    expect(sliceTable(profile).rows.every((row) => Number(row[2]) >= 0)).toBe(true);
  });
});

describe("the weight of a run", () => {
  const law = { E: 1.8, A: 400, B: 2000, alpha: 0.35, beta: 0.37 };
  const [dot] = dotsOf(world.runs, undefined, true) as [ReturnType<typeof dotsOf>[0]];
  it("isOneWithinTheZoneAndFallsBeyondIt", () => {
    const on = predictedLoss(law, dot.n, dot.d);
    expect(weight(law, { ...dot, loss: on }, 1e-3)).toBe(1);
    expect(weight(law, { ...dot, loss: on * Math.exp(4e-3) }, 1e-3)).toBeCloseTo(0.25, 6);
  });
  it("takesTheZoneOfTheFit", () => {
    expect(deltaOf({ ...parametric, options: { huberDelta: 0.01 } })).toBe(0.01);
    expect(deltaOf({ ...parametric, options: {} })).toBe(1e-3);
  });
});
