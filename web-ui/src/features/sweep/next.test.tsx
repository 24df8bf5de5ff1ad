import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeWorld } from "../../../e2e/fixtures.mjs";
import { addRuns, settle } from "../../../e2e/growth.mjs";
import { nextOf } from "../../../e2e/next.mjs";
import { sweepQuery } from "../../api/queries";
import type { Added, Fit, NextQuestion, NextRuns as Proposed, Run, Sweep, SweepAddition } from "../../api/types";
import { awaitsFit } from "./model";
import { type AskedNext, NextRuns, useNextRuns } from "./NextRuns";
import { addedAs, addedSince, boundDefaults, known, nextForm, nextQuestion, totalOf, typedFlops } from "./next";

interface World {
  sweeps: Sweep[];
  runs: Run[];
  predictions: object[];
  fits: Map<number, Fit[]>;
}

function makeOne() {
  const world = makeWorld(Date.parse("2026-11-24T00:00:00Z")) as unknown as World;
  const sweep = world.sweeps.find((one) => one.id === 1) as Sweep;
  const fitOf = (id: number) => world.fits.get(1)?.find((one) => one.id === id) as Fit;
  return { world, sweep, fitOf };
}

function proposal(question: NextQuestion, fitId = 12): Proposed {
  const { sweep, fitOf } = makeOne();
  return nextOf(fitOf(fitId), sweep, question).next as Proposed;
}

describe("the question of the next runs", () => {
  const form = nextForm(makeOne().fitOf(12));
  it("beginsAtTheTargetOfTheFitWithoutBounds", () => {
    expect(nextQuestion(form)).toEqual({ of: "OPTIMUM", flops: 3e13, runs: 3 });
  });
  it("hasABudgetUnlessTheTargetHasNone", () => {
    expect(nextQuestion({ ...form, flops: "1e16", runs: "1" })).toEqual({ of: "OPTIMUM", flops: 1e16, runs: 1 });
    expect(nextQuestion({ ...form, of: "EXPONENT" })).toEqual({ of: "EXPONENT", runs: 3 });
  });
  it("hasTheBoundsThatAreTyped", () => {
    expect(nextQuestion({ ...form, minRun: "1e11", budget: " 1,000,000 " })).toEqual({
      of: "OPTIMUM",
      flops: 3e13,
      runs: 3,
      minRun: 1e11,
      budget: 1e6,
    });
  });
  it("saysWhatABoundIsWhereNoneIsTyped", () => {
    const { points } = makeOne().fitOf(12);
    const flops = points.map((point) => point.flops);
    const { minRun, maxRun, budget } = boundDefaults({ points });
    expect(Number(minRun) / Math.min(...flops)).toBeCloseTo(1, 2);
    expect(Number(maxRun) / Math.max(...flops)).toBeCloseTo(1, 2);
    expect(budget).toBe("no end");
    expect(typedFlops(123_456)).toBe("1.23e5");
  });
});

it("whatIsKnownIsSaidInTheTargetsOwnTerms", () => {
  expect(known("OPTIMUM", Math.log(1.25))).toBe("× 1.25");
  expect(known("LOSS", 0.0123)).toBe("1.23 %");
  expect(known("EXPONENT", 0.0123)).toBe("0.0123");
});

describe("all runs of a proposal", () => {
  it("areSummed", () => {
    const { runs } = proposal({ flops: 1e16, runs: 3 });
    const total = totalOf(runs);
    expect(total.flops).toBeCloseTo(
      runs.reduce((sum, run) => sum + run.flops, 0),
      -3,
    );
    expect(total.exactFlops).toBeGreaterThan(total.flops);
    expect(total.seconds).toBeGreaterThan(0);
  });
  it("haveNoTimeWhereOneHasNone", () => {
    const { runs } = proposal({ flops: 1e16, runs: 2 });
    const [first, second] = runs as [Proposed["runs"][0], Proposed["runs"][0]];
    const { seconds: _seconds, ...untimed } = first.cell as NonNullable<typeof first.cell>;
    expect(totalOf([{ ...first, cell: untimed }, second])).not.toHaveProperty("seconds");
    expect(totalOf(proposal({ flops: 1e16, runs: 2 }, 14).runs)).not.toHaveProperty("exactFlops");
  });
});

describe("what became of a proposal", () => {
  const addition = proposal({ flops: 1e16, runs: 2 }).addition as SweepAddition;
  const added = (of: SweepAddition): Added => ({
    id: 1,
    addition: of,
    runs: 2,
    flops: 1,
    addedAt: "2026-11-24T00:00:00Z",
  });
  it("isFoundAmongTheAdditionsHoweverTheyAreWritten", () => {
    const { fit, models, budgets } = addition;
    const turned = JSON.parse(JSON.stringify({ fit, budgets, models })) as SweepAddition;
    expect(addedAs({ additions: [added(turned)] }, addition)).toBeDefined();
    expect(addedAs({ additions: [added({ ...turned, fit: 13 })] }, addition)).toBeUndefined();
    expect(addedAs({ additions: [] }, addition)).toBeUndefined();
  });
  it("isUnknownToAFitThatWasThereBefore", () => {
    const additions = [added(addition)];
    expect(addedSince({ additions }, { createdAt: "2026-11-23T23:00:00Z" })).toBe(2);
    expect(addedSince({ additions }, { createdAt: "2026-11-24T01:00:00Z" })).toBe(0);
  });
});

it("aFitIsAwaitedFromTheEndOfTheLastRunForAWhile", () => {
  const at = (time: string) => `2026-11-24T${time}Z`;
  const now = Date.parse(at("01:02:00"));
  const sweep = { finishedAt: at("01:00:00") };
  expect(awaitsFit(sweep, [{ createdAt: at("00:30:00") }], now)).toBe(true);
  expect(awaitsFit(sweep, [{ createdAt: at("00:30:00") }, { createdAt: at("01:00:09") }], now)).toBe(false);
  expect(awaitsFit(sweep, [], now + 3_600_000)).toBe(false);
  expect(awaitsFit({}, [], now)).toBe(false);
});

function Page({ fit }: { fit: Fit }) {
  const sweep = useQuery(sweepQuery(1)).data;
  const [asked, setAsked] = useState<AskedNext>();
  const proposed = useNextRuns(asked?.fit === fit.id ? asked : undefined);
  return sweep ? <NextRuns sweep={sweep} fit={fit} proposed={proposed} onAsk={setAsked} /> : null;
}

describe("the panel", () => {
  let sent: { path: string; query: string; key: string | undefined }[] = [];
  let one = makeOne();
  let scope = "submit";
  let refuses = false;

  beforeEach(() => {
    sent = [];
    one = makeOne();
    scope = "submit";
    refuses = false;
    vi.stubGlobal("fetch", async (text: string, init?: RequestInit) => {
      const url = new URL(text, "http://localhost");
      const path = url.pathname.replace("/api/v1", "");
      const body = init?.body ? JSON.parse(String(init.body)) : undefined;
      const key = new Headers(init?.headers).get("Idempotency-Key") ?? undefined;
      const { world, sweep, fitOf } = one;
      if (path === "/session") return Response.json({ scope, name: "test" });
      if (path === "/sweeps/1") return Response.json(sweep);
      const asked = path.match(/^\/fits\/(\d+)\/next-runs$/);
      if (asked) {
        const { next, fault } = nextOf(fitOf(Number(asked[1])), sweep, body);
        return next ? Response.json(next) : Response.json({ title: "no", errors: [fault] }, { status: 400 });
      }
      sent.push({ path, query: url.search, key });
      if (refuses) return Response.json({ title: "budget-exceeded", detail: "There is no room." }, { status: 409 });
      const from = url.searchParams.get("predictFrom");
      const { sweep: grown, fault } = addRuns(world, sweep, body, {
        key: key ?? "",
        ...(from ? { predictFrom: Number(from) } : {}),
      });
      return grown ? Response.json(grown) : Response.json({ title: "no", errors: [fault] }, { status: 422 });
    });
  });
  afterEach(() => {
    cleanup();
    vi.unstubAllGlobals();
  });

  async function open(fitId = 12, runs = "3") {
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const tree = (id: number) => (
      <QueryClientProvider client={cache}>
        <Page fit={one.fitOf(id)} />
      </QueryClientProvider>
    );
    const { rerender } = render(tree(fitId));
    const field = await screen.findByLabelText("Runs");
    await userEvent.clear(field);
    await userEvent.type(field, runs);
    await userEvent.click(screen.getByRole("button", { name: "Propose" }));
    return { cache, show: (id: number) => rerender(tree(id)) };
  }

  it("showsEachModelItsStepsItsTimeAndWhatAllTake", async () => {
    await open();
    const table = await screen.findByRole("table", { name: "Next runs" });
    const names = within(table).getAllByRole("columnheader");
    expect(names.map((name) => name.textContent)).toEqual([
      "#",
      ...["Model", "N", "D", "Steps", "Batch", "FLOPs", "Time"],
      ...["Known to, before", "after", "Saves", "Pays"],
    ]);
    within(table).getByRole("cell", { name: "d128 (128 × 5)" });
    screen.getByText("20 that could have been chosen but for a limit");
    expect(screen.getByLabelText("All next runs").textContent).toMatch(/One after another.*at 2\.89 GFLOP\/s/);
  });

  it("saysWhyThereAreNoModelsAndOffersNothingToTrain", async () => {
    await open(14);
    expect(await screen.findByText(/counts N without embeddings/)).toBeTruthy();
    expect(screen.queryByRole("columnheader", { name: "Model" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Train/ })).toBeNull();
  });

  it("addsWhatIsProposedOnceHoweverOftenItIsClicked", async () => {
    await open();
    const button = await screen.findByRole("button", { name: "Train these 3 runs" });
    button.click();
    button.click();
    expect(
      await screen.findByText(/^3 runs added by fit 12 at .*; they are fitted with the rest when they end\.$/),
    ).toBeTruthy();
    expect(new Set(sent.map((one) => one.key)).size).toBe(1);
    expect(sent[0]).toMatchObject({ path: "/sweeps/1/runs", query: "?predictFrom=12" });
    expect(sent[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(one.sweep.additions).toHaveLength(1);
    expect(screen.queryByRole("button", { name: /^Train/ })).toBeNull();
    expect(screen.queryByText(/came to the sweep after/)).toBeNull();
  });

  it("addsWithoutPredictionsIfAskedTo", async () => {
    await open(12, "1");
    await userEvent.click(await screen.findByLabelText("Predict each from this fit first, and score it"));
    await userEvent.click(screen.getByRole("button", { name: "Train this run" }));
    expect(
      await screen.findByText(/^1 run added by fit 12 .*; it is fitted with the rest when it ends\.$/),
    ).toBeTruthy();
    expect(sent.map((one) => one.query)).toEqual([""]);
  });

  it("keepsTheProposalAndItsKeyAfterAnError", async () => {
    refuses = true;
    await open();
    await userEvent.click(await screen.findByRole("button", { name: "Train these 3 runs" }));
    expect((await screen.findByRole("alert")).textContent).toContain("There is no room.");
    expect(within(screen.getByRole("table", { name: "Next runs" })).getAllByRole("row")).toHaveLength(4);
    refuses = false;
    await userEvent.click(screen.getByRole("button", { name: "Train these 3 runs" }));
    await screen.findByText(/^3 runs added by fit 12/);
    expect(sent).toHaveLength(2);
    expect(sent[0]?.key).toBe(sent[1]?.key);
  });

  it("givesAnotherProposalAnotherKeyAndSaysWhatIsThereAlready", async () => {
    await open();
    await userEvent.click(await screen.findByRole("button", { name: "Train these 3 runs" }));
    await screen.findByText(/^3 runs added by fit 12/);
    const field = screen.getByLabelText("Runs");
    await userEvent.clear(field);
    await userEvent.type(field, "4");
    await userEvent.click(screen.getByRole("button", { name: "Propose" }));
    await userEvent.click(await screen.findByRole("button", { name: "Train these 4 runs" }));
    expect(screen.getByText(/^3 runs came to the sweep after fit #12 was made/)).toBeTruthy();
    expect((await screen.findByRole("alert")).textContent).toContain("in the sweep already");
    expect(sent[0]?.key).not.toBe(sent[1]?.key);
  });

  it("isReadyForTheFitOfTheGrownSweepWithWhatWasTyped", async () => {
    const { show } = await open();
    await userEvent.click(await screen.findByRole("button", { name: "Train these 3 runs" }));
    await screen.findByText(/^3 runs added by fit 12/);
    const target = screen.getByLabelText("at FLOPs");
    await userEvent.clear(target);
    await userEvent.type(target, "7e14");
    settle(one.world, Date.now() + 10_000);
    const grown = one.world.fits
      .get(1)
      ?.find((fit) => fit.id > 14 && fit.method === "parametric" && fit.options.countEmbeddings) as Fit;
    expect(grown.points).toHaveLength(28);
    show(grown.id);
    expect(screen.getByLabelText("at FLOPs")).toHaveProperty("value", "7e14");
    expect(screen.queryByRole("table", { name: "Next runs" })).toBeNull();
    expect(screen.queryByText(/came to the sweep after/)).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Propose" }));
    expect(await screen.findByRole("table", { name: "Next runs" })).toBeTruthy();
  });

  it("proposesToReadersAndLetsThemTrainNothing", async () => {
    scope = "read";
    await open();
    const table = await screen.findByRole("table", { name: "Next runs" });
    expect(within(table).getAllByRole("row")).toHaveLength(4);
    expect(screen.getByText("Training these 3 runs needs a token with the scope submit.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /^Train/ })).toBeNull();
    expect(screen.queryByRole("checkbox")).toBeNull();
  });

  it("saysOfOneRunThatItIsOne", async () => {
    await open(12, "1");
    expect((await screen.findByRole("status")).textContent).toBe(
      "Going on pays: this run saves more FLOPs at the target than it costs.",
    );
    await userEvent.click(screen.getByRole("button", { name: "Train this run" }));
    await screen.findByText(/^1 run added by fit 12/);
    const field = screen.getByLabelText("Runs");
    await userEvent.clear(field);
    await userEvent.type(field, "2");
    await userEvent.click(screen.getByRole("button", { name: "Propose" }));
    expect((await screen.findByText(/^1 run came to the sweep/)).textContent).toBe(
      "1 run came to the sweep after fit #12 was made, which does not know it; it is not proposed again. The next fit has it if it has ended.",
    );
  });

  it("saysWhatIsWrongWithABound", async () => {
    await open();
    await screen.findByRole("table", { name: "Next runs" });
    await userEvent.type(screen.getByLabelText("Most FLOPs of a run"), "1e9");
    await userEvent.click(screen.getByRole("button", { name: "Propose" }));
    expect((await screen.findByRole("alert")).textContent).toContain("lies between minRun");
  });
});
