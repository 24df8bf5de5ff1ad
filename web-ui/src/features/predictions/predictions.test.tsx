import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeWorld } from "../../../e2e/fixtures.mjs";
import { listOf, summaryOf } from "../../../e2e/predictions.mjs";
import type { Coverage, Prediction } from "../../api/types";
import { predictionsSearch } from "../../lib/urlState";
import { makeRouter } from "../../router";
import { marksOf } from "./figure";
import { coverageWords, errorWords, outcome, ratioWords, sizeWords, verdict } from "./words";

const world = makeWorld(Date.parse("2026-11-24T00:00:00Z"));
const predictions = world.predictions as Prediction[];
const some = predictions[0] as Prediction;

function coverage(covered: number, scored: number, low: number, high: number): Coverage {
  return {
    ratio: "all",
    scored,
    covered,
    diverged: 0,
    coverage: { name: "coverage", value: covered / scored, low, high },
  };
}

describe("a prediction in words", () => {
  it("saysHowManyHeldOfHowMany", () => {
    expect(coverageWords(coverage(11, 12, 0.65, 0.99), 0.9)).toBe("11 of 12 within their 90 % intervals");
    expect(coverageWords(coverage(0, 1, 0, 0.8), 0.995)).toBe("The one scored run is not within its 99.5 % interval");
  });
  it("judgesNoFurtherThanTheNumbersAllow", () => {
    expect(verdict(coverage(11, 12, 0.65, 0.99), 0.9)).toContain("as far as that can be told");
    expect(verdict(coverage(2, 12, 0.05, 0.45), 0.9)).toContain("fewer");
    expect(verdict(coverage(400, 400, 0.99, 1), 0.9)).toContain("wider than need be");
  });
  it("givesErrorsOfWhatWasPredicted", () => {
    expect(errorWords(Math.log(1.0154))).toBe("+1.54 %");
    expect(errorWords(Math.log(0.99))).toBe("−1.00 %");
    expect(errorWords(undefined)).toBe("–");
    expect(sizeWords(0.0061)).toBe("0.61 %");
    expect(ratioWords(3.333)).toBe("3.3 ×");
    expect(ratioWords(123.4)).toBe("123 ×");
  });
  it("namesEveryOutcome", () => {
    expect(new Set(predictions.map(outcome))).toEqual(
      new Set(["covered", "missed", "diverged", "void", "open", "untied"]),
    );
  });
});

describe("the figure", () => {
  it("setsIntervalAndLossAgainstWhatWasPredicted", () => {
    const [mark] = marksOf([
      { ...some, loss: 4, low: 3.9, high: 4.2, score: { ...some.score, observed: 4.1 } as never },
    ]);
    expect(mark?.low).toBeCloseTo(-2.5, 9);
    expect(mark?.high).toBeCloseTo(5, 9);
    expect(mark?.error).toBeCloseTo(2.5, 9);
  });
  it("leavesOutWhatIsVoidAndGivesADivergedRunNoLoss", () => {
    const marks = marksOf(predictions);
    expect(marks).toHaveLength(predictions.filter((one) => one.state !== "void").length);
    expect(marks.find((mark) => mark.outcome === "diverged")?.error).toBeUndefined();
  });
  it("setsThoseOfOneRatioSideBySideAroundIt", () => {
    const marks = marksOf([1, 2, 3].map((id) => ({ ...some, id, extrapolationRatio: 10 })));
    expect(new Set(marks.map((mark) => mark.x)).size).toBe(3);
    expect(marks[1]?.x).toBeCloseTo(10, 9);
  });
});

it("theAddressKeepsOnlyWhatIsValid", () => {
  expect(
    predictionsSearch({ state: "scored", covered: "no", sort: "-absoluteError", experiment: "3", fit: "x" }),
  ).toEqual({ state: "scored", covered: "no", sort: "-absoluteError", experiment: 3 });
  expect(predictionsSearch({ state: "late", covered: "maybe", sort: "-id;drop" })).toEqual({});
});

describe("the page", () => {
  let asked: URL[] = [];

  beforeEach(() => {
    asked = [];
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
    vi.stubGlobal("scrollTo", () => {});
  });
  afterEach(() => {
    cleanup();
    vi.unstubAllGlobals();
  });

  function open(address: string, there: Prediction[]) {
    vi.stubGlobal("fetch", async (text: string) => {
      const url = new URL(text, "http://localhost");
      asked.push(url);
      if (url.pathname.endsWith("/predictions/summary")) return Response.json(summaryOf(there, url.searchParams));
      if (url.pathname.endsWith("/predictions")) return Response.json({ items: listOf(there, url.searchParams) });
      if (url.pathname.endsWith("/experiments")) return Response.json({ items: world.experiments });
      return Response.json({ scope: "admin", name: "test" });
    });
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const router = makeRouter(cache, createMemoryHistory({ initialEntries: [address] }));
    render(
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>,
    );
    return router;
  }

  it("saysFirstHowManyIntervalsHeldAndListsThemAll", async () => {
    open("/predictions", predictions);
    const scored = predictions.filter((one) => one.score);
    const covered = scored.filter((one) => one.score?.covered);
    expect(await screen.findByText(`${covered.length} of ${scored.length} within their 90 % intervals`)).toBeTruthy();
    const ledger = await screen.findByRole("region", { name: "Predictions" });
    expect(within(ledger).getAllByRole("row")).toHaveLength(predictions.length + 1);
    const byExtrapolation = screen.getByRole("region", { name: /^Coverage of 90 % intervals/ });
    expect(within(byExtrapolation).getAllByRole("row")).toHaveLength(5);
  });

  it("asksForWhatTheAddressSaysAndSortingGoesIntoIt", async () => {
    const router = open("/predictions?state=scored&covered=no&sort=-n", predictions);
    const head = await screen.findByRole("columnheader", { name: /^N/ });
    expect(head.getAttribute("aria-sort")).toBe("descending");
    const query = asked.find((url) => url.pathname.endsWith("/predictions") && url.searchParams.has("sort"));
    expect(query?.search).toContain("state=scored");
    expect(query?.search).toContain("covered=false");
    expect(query?.search).toContain("sort=-n");
    await userEvent.click(screen.getByRole("button", { name: "Error" }));
    expect(router.state.location.search).toMatchObject({ sort: "absoluteError", state: "scored" });
  });

  it("tellsWithoutAnyHowOneIsMade", async () => {
    open("/predictions", []);
    expect(await screen.findByText("isoflop predict FIT --run RUN")).toBeTruthy();
    cleanup();
    open("/predictions?state=void", []);
    expect(await screen.findByText("No prediction matches these filters.")).toBeTruthy();
  });
});
