import { describe, expect, it } from "vitest";
import { spread } from "./labels";
import { budgetColours, COLOURS, contrast, type Scheme, textColour } from "./palette";
import { logTicks, roundBudgets } from "./ticks";

describe("ticks", () => {
  it("areRoundNumbersOnLogAxes", () => {
    expect(logTicks([1e11, 1e15])).toEqual([1e11, 1e12, 1e13, 1e14, 1e15]);
    expect(logTicks([20_000, 90_000])).toEqual([20_000, 30_000, 50_000, 70_000]);
  });
});

describe("round budgets", () => {
  it("reachAroundAllInHalfDecadesWhereTheyAreFew", () => {
    expect(roundBudgets([1.3e18, 2.2e18, 8e18, 4.4e19])).toEqual([1e18, 3e18, 1e19, 3e19, 1e20]);
    expect(roundBudgets([3.1e12, 5e12])).toEqual([3e12, 1e13]);
    expect(roundBudgets([1e12])).toEqual([1e12]);
  });
  it("areDecadesOrMoreApartWhereTheRunsReachFar", () => {
    expect(roundBudgets([2e15, 7e18])).toEqual([1e15, 1e16, 1e17, 1e18, 1e19]);
    const far = roundBudgets([1e10, 4e24]);
    expect(far.length).toBeLessThanOrEqual(6);
    expect(far[0]).toBeLessThanOrEqual(1e10);
    expect(far.at(-1)).toBeGreaterThanOrEqual(4e24);
  });
  it("areNoneOfNothing", () => {
    expect(roundBudgets([])).toEqual([]);
    expect(roundBudgets([0, Number.NaN])).toEqual([]);
  });
});

describe("labels", () => {
  const heights = (ys: number[], x = (_: number) => 0) =>
    spread(
      ys.map((y, i) => ({ x: x(i), y })),
      200,
    );
  it("stayWhereTheyDoNotMeet", () => {
    expect(heights([10, 40, 90])).toEqual([10, 40, 90]);
    expect(heights([10, 11, 12], (i) => 100 * i)).toEqual([10, 11, 12]);
  });
  it("keepApartInTheirOrderAndAboveTheFloor", () => {
    const ys = [197, 190, 196, 100, 198];
    const spots = heights(ys);
    const byOld = ys.map((_, i) => i).sort((a, b) => (ys[a] ?? 0) - (ys[b] ?? 0));
    const placed = byOld.map((i) => spots[i] ?? 0);
    expect(placed[0]).toBe(100);
    for (let i = 1; i < placed.length; i++) {
      expect((placed[i] ?? 0) - (placed[i - 1] ?? 0)).toBeGreaterThanOrEqual(13);
    }
    expect(Math.max(...placed)).toBe(200);
  });
});

describe("colours of budgets", () => {
  const schemes: Scheme[] = ["light", "dark"];
  it.each(schemes)("canBeSeenAndToldApartFromFourToTwelveIn %s", (scheme) => {
    const { panel } = COLOURS[scheme];
    for (let n = 4; n <= 12; n++) {
      const colours = [
        ...budgetColours(
          Array.from({ length: n }, (_, i) => 10 ** i),
          scheme,
        ).values(),
      ];
      for (const colour of colours) {
        expect(contrast(colour, panel)).toBeGreaterThanOrEqual(3);
        expect(contrast(textColour(colour, scheme), panel)).toBeGreaterThanOrEqual(4.5);
      }
      const channels = colours.map((colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));
      for (let i = 1; i < n; i++) {
        const [one, other] = [channels[i - 1] ?? [], channels[i] ?? []];
        expect(Math.hypot(...one.map((channel, k) => channel - (other[k] ?? 0)))).toBeGreaterThan(12);
      }
    }
  });
  it("areMeasuredAsWcagDoes", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 6);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });
});
