import { describe, expect, it } from "vitest";
import type { Fit, FitBudget, Series } from "../api/types";
import { formatPosition, interpolate, positions, stepsOf } from "./axis";
import { bytes, clock, count, duration, flop, loss, quantity, scientific, si } from "./format";
import { countsEmbeddings, logSpace, parabola, predictedLoss, slice } from "./law";
import { busyMillis, ended, runShare, secondsLeft, sweepSecondsLeft } from "./progress";
import { drawable, reductionNote, takeovers } from "./series";
import { smooth } from "./smoothing";
import { loginSearch, parseSearch, runSearch, runsSearch, stringifySearch, sweepSearch } from "./urlState";

describe("smoothing", () => {
  it("leavesAConstantAloneWhateverTheSpacing", () => {
    for (const value of smooth([0, 1, 50, 51, 1000], [3, 3, 3, 3, 3], 0.97)) expect(value).toBeCloseTo(3, 12);
  });
  it("isOffAtWeightZero", () => {
    expect(smooth([0, 1, 2], [5, 1, 9], 0)).toEqual([5, 1, 9]);
  });
  it("startsAtTheFirstPointWithoutBias", () => {
    expect(smooth([0, 1, 2], [6, 1, 1], 0.9)[0]).toBe(6);
  });
  it("equalsTheWeightedMeanItIsDefinedBy", () => {
    const [xs, ys, weight] = [[0, 30, 40, 100], [4, 2, 5, 1], 0.81];
    const base = Math.sqrt(weight);
    const weights = xs.map((x) => base ** ((((xs[3] as number) - x) / 100) * 1000));
    const mean =
      ys.reduce((sum, y, i) => sum + y * (weights[i] as number), 0) / weights.reduce((sum, one) => sum + one, 0);
    expect(smooth(xs, ys, weight)[3]).toBeCloseTo(mean, 12);
  });
  it("doesNotDependOnTheUnitOfTheAxis", () => {
    const xs = [1, 2, 4, 9];
    const scaled = smooth(
      xs.map((x) => x * 1e9),
      [1, 2, 3, 4],
      0.99,
    );
    smooth(xs, [1, 2, 3, 4], 0.99).forEach((value, i) => {
      expect(scaled[i]).toBeCloseTo(value, 9);
    });
  });
  it("stepsOverPointsThatAreNotFinite", () => {
    const ys = smooth([0, 1, 2], [1, Number.NaN, 1], 0.5);
    expect(ys[1]).toBeNaN();
    expect(ys[2]).toBe(1);
  });
});

const RUN = { tokensPerStep: 512, flops: 1.2e12, tokens: 1e6, startedAt: "2026-01-01T00:00:00Z" };
const START = Date.parse(RUN.startedAt);
const SERIES: Series = {
  metric: "train/loss",
  reduced: true,
  points: 4000,
  steps: [1, 10, 20, 40],
  times: [START + 1000, START + 5000, START + 9000, START + 19000],
  last: [5, Number.NaN, -1, 3],
  min: [4, 3, -2, 2],
  max: [6, 5, 1, 4],
  segments: [
    { attempt: 1, fromStep: 0, toStep: 15 },
    { attempt: 3, fromStep: 15, toStep: 40 },
  ],
};

describe("axes", () => {
  it("turnStepsIntoTokensFlopsAndSeconds", () => {
    expect(positions(SERIES, "tokens", RUN)).toEqual([512, 5120, 10240, 20480]);
    expect(positions(SERIES, "flops", RUN)[3]).toBeCloseTo(20480 * 1.2e6, -2);
    expect(positions(SERIES, "time", RUN)).toEqual([1, 5, 9, 19]);
  });
  it("findTheStepsOfAStretchOnEveryAxis", () => {
    expect(stepsOf([10, 20], "step", SERIES, RUN)).toEqual({ from: 10, to: 20 });
    expect(stepsOf([10240, 5120], "tokens", SERIES, RUN)).toEqual({ from: 10, to: 20 });
    expect(stepsOf([5120 * 1.2e6, 10240 * 1.2e6], "flops", SERIES, RUN)).toEqual({ from: 10, to: 20 });
    expect(stepsOf([5, 14], "time", SERIES, RUN)).toEqual({ from: 10, to: 30 });
  });
  it("interpolateLinearlyAndHoldTheEnds", () => {
    expect([-1, 0, 5, 10, 99].map((x) => interpolate([0, 10], [2, 4], x))).toEqual([2, 2, 3, 4, 4]);
  });
  it("nameTheirPositions", () => {
    expect(formatPosition("flops", 1.2e11)).toBe("120 GFLOP");
    expect(formatPosition("tokens", 34_560)).toBe("34.6k");
  });
});

describe("series", () => {
  it("keepTheBandWhereTheLastValueCannotBeDrawn", () => {
    const drawn = drawable(SERIES, "step", RUN, { x: false, y: true });
    expect(drawn.x).toEqual([1, 10, 20, 40]);
    expect(drawn.last).toEqual([5, Number.NaN, Number.NaN, 3]);
    expect(drawn.max).toEqual([6, 5, 1, 4]);
    expect(drawn.min).toEqual([4, 3, Number.NaN, 2]);
  });
  it("dropWhatALogAxisHasNoPlaceFor", () => {
    const zero = { ...SERIES, steps: [0, 10, 20, 40] };
    expect(drawable(zero, "tokens", RUN, { x: true, y: false }).steps).toEqual([10, 20, 40]);
  });
  it("markWhereALaterAttemptTookOver", () => {
    expect(takeovers(SERIES, "tokens", RUN)).toEqual([{ x: 10240, attempt: 3 }]);
  });
  it("sayWhenTheyAreReduced", () => {
    expect(reductionNote(SERIES)).toContain("4,000 points in 4 buckets");
    expect(reductionNote({ ...SERIES, reduced: false })).toBeUndefined();
  });
});

describe("laws", () => {
  const budget: FitBudget = { flops: 1e12, a: 0.2, b: -4.5, c: 29, nMin: 2e4, nMax: 5e5 };
  it("sampleAParabolaOverItsRangeAndNoFurther", () => {
    const points = parabola(budget, 41);
    expect(points[0]?.x).toBe(2e4);
    expect(points[40]?.x).toBe(5e5);
    const vertex = Math.exp(4.5 / 0.4);
    const lowest = points.reduce((best, point) => (point.y < best.y ? point : best));
    expect(Math.abs(Math.log(lowest.x / vertex))).toBeLessThan(Math.log(25) / 40);
    const u = Math.log(2e4);
    expect(points[0]?.y).toBeCloseTo(0.2 * u * u - 4.5 * u + 29, 10);
  });
  it("drawNothingForARefusedBudget", () => {
    expect(parabola({ flops: 1, nMin: 1, nMax: 2, refusal: { code: "x", message: "y" } })).toEqual([]);
  });
  it("spaceEvenlyInTheLogarithm", () => {
    expect(logSpace(1, 100, 3)[1]).toBeCloseTo(10, 12);
    expect(logSpace(0, 1, 3)).toEqual([]);
  });
  it("evaluateHoffmannsLaw", () => {
    const law = { E: 1.69, A: 406.4, B: 410.7, alpha: 0.34, beta: 0.28 };
    // Chinchilla itself, 70B parameters on 1.4T tokens: the paper's law gives 1.937
    expect(predictedLoss(law, 70e9, 1.4e12)).toBeCloseTo(1.937, 3);
    const along = slice(law, 6 * 70e9 * 1.4e12, 70e9, 80e9, 2);
    expect(along[0]?.y).toBeCloseTo(1.937, 3);
  });
  it("readWhatNCountsFromTheFitsOptions", () => {
    const withOptions = (options: Fit["options"]) => ({ options }) as Fit;
    expect(countsEmbeddings(withOptions({ countEmbeddings: false }), true)).toBe(false);
    expect(countsEmbeddings(withOptions({ convention: "NON_EMBEDDING" }), true)).toBe(false);
    expect(countsEmbeddings(withOptions({}), true)).toBe(true);
  });
});

describe("numbers", () => {
  it.each([
    [34_560, "34.6k"],
    [999_600, "1M"],
    [1.2e9, "1.2B"],
    [0.25, "0.25"],
    [undefined, "–"],
  ])("counts %s as %s", (value, text) => expect(count(value)).toBe(text));
  it("writeComputeAndPowers", () => {
    expect(flop(1.2e11)).toBe("120 GFLOP");
    expect(flop(3e13)).toBe("30 TFLOP");
    expect(scientific(1.2e11)).toBe("1.2 × 10¹¹");
    expect(scientific(1e-5)).toBe("10⁻⁵");
    expect(si(-1500)).toBe("−1.5k");
  });
  it("writeLossesThatAreNotNumbers", () => {
    expect([loss(3.87654), loss(Number.NaN), loss(Number.POSITIVE_INFINITY), loss(undefined)]).toEqual([
      "3.877",
      "NaN",
      "∞",
      "–",
    ]);
  });
  it("writeQuantitiesBytesAndTimes", () => {
    expect([quantity(0.53291), quantity(1e-8), quantity(482_000)]).toEqual(["0.5329", "10⁻⁸", "4.82 × 10⁵"]);
    expect([bytes(512), bytes(1536), bytes(16 * 2 ** 30)]).toEqual(["512 B", "1.5 KiB", "16 GiB"]);
    expect([duration(3.21), duration(75), duration(3725), duration(90_000)]).toEqual([
      "3.2 s",
      "1 min 15 s",
      "1 h 2 min",
      "1 d 1 h",
    ]);
    expect(clock("2026-01-02T03:04:05", new Date("2026-01-02T09:00:00"))).toBe("03:04:05");
  });
});

describe("progress", () => {
  const run = { doneTokens: 250, tokens: 1000, tokensPerSecond: 50, state: "running" as const, flops: 8 };
  it("tellsShareAndTimeLeft", () => {
    expect(runShare(run)).toBe(0.25);
    expect(secondsLeft(run)).toBe(15);
    expect(secondsLeft({ ...run, state: "queued" })).toBeUndefined();
  });
  it("foreseesASweepByTheComputeDone", () => {
    const sweep = { plannedFlops: 20, doneFlops: 8, startedAt: "2026-01-01T00:00:00Z", state: "running" };
    expect(sweepSecondsLeft(sweep, [run], START + 100_000)).toBeCloseTo(100, 6);
    const at = (seconds: number) => new Date(START + 1000 * seconds).toISOString();
    // busy for 30 s, at rest for an hour, and busy for 20 s with the run that is on its way
    const spans = [
      { ...run, state: "succeeded" as const, startedAt: at(0), finishedAt: at(20) },
      { ...run, state: "succeeded" as const, startedAt: at(10), finishedAt: at(30) },
      { ...run, startedAt: at(3630) },
    ];
    expect(busyMillis(spans, START + 3_650_000)).toBe(50_000);
    expect(sweepSecondsLeft(sweep, spans, START + 3_650_000)).toBeCloseTo(50, 6);
    expect(sweepSecondsLeft({ ...sweep, doneFlops: 0 }, [], START + 100_000)).toBeUndefined();
    expect(ended({ counts: { succeeded: 3, failed: 1, queued: 4 } })).toEqual({ done: 4, total: 8 });
  });
});

describe("addresses", () => {
  it("survivesARoundTrip", () => {
    const search = { q: "d32 & co", state: ["running", "failed"], sweep: 7, sort: ["-finalLoss", "name"], sel: [3, 4] };
    expect(runsSearch(parseSearch(stringifySearch(search).slice(1)))).toEqual(search);
    const run = { x: "flops", logx: true, smooth: 0.6, from: 10, to: 90, tab: "curves" };
    expect(runSearch(parseSearch(stringifySearch(run).slice(1)))).toEqual(run);
  });
  it("readsAsPlainText", () => {
    expect(stringifySearch({ state: ["running", "failed"], logy: true, q: undefined })).toBe(
      "?state=running,failed&logy=1",
    );
  });
  it("keepsOnlyWhatIsValid", () => {
    expect(runsSearch({ state: "running,nonsense", sweep: "-3", sel: "1,x,2", sort: "a;b" })).toEqual({
      state: ["running"],
      sel: [1, 2],
    });
    expect(runSearch({ x: "parsecs", smooth: "7", from: "1.5" })).toEqual({});
    expect(sweepSearch({ method: "guess", n: "non" })).toEqual({ n: "non" });
  });
  it("neverLeadsAwayAfterSigningIn", () => {
    expect(loginSearch({ next: "/runs?q=1" })).toEqual({ next: "/runs?q=1" });
    expect(loginSearch({ next: "//evil.example" })).toEqual({});
    expect(loginSearch({ next: "/\\evil.example" })).toEqual({});
    expect(loginSearch({ next: "https://evil.example" })).toEqual({});
  });
});
