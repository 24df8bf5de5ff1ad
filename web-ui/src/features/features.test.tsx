import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deviceSeriesOf, LAW, makeWorld } from "../../e2e/fixtures.mjs";
import type { Device, DeviceSeries, Fit, Pool, Run, Runner, Schedule, Sweep } from "../api/types";
import { csv, svgText } from "../charts/export";
import { align } from "../charts/LiveChart";
import { budgetColours, viridis } from "../charts/palette";
import { predictedLoss } from "../lib/law";
import { makeRouter } from "../router";
import { tokenIn } from "./login/token";
import { shapeOf } from "./overview/Sparkline";
import { flatten } from "./run/ConfigTab";
import { gpuSummary, meanUtilisation, timeline } from "./runners/devices";
import { sortTies, toggleSort } from "./runs/sorting";
import { inTime, localTime, specOf, template } from "./schedules/words";
import { FitSide } from "./sweep/FitSide";
import { stretches } from "./sweep/figures";
import { linesOf } from "./sweep/lines";
import { askedToLeaveOut, choose, curvesOf, dotsOf } from "./sweep/model";
import { levels, rangeOf, residual } from "./sweep/surface";

const world = makeWorld(Date.parse("2026-11-24T00:00:00Z")) as unknown as {
  sweeps: Sweep[];
  runs: Run[];
  runners: Runner[];
  schedules: Schedule[];
  pools: Pool[];
  fits: Map<number, Fit[]>;
};
const runs = world.runs.filter((run) => run.sweepId === 1);
const fits = world.fits.get(1) as Fit[];

describe("the surface of a parametric fit", () => {
  const law = { E: 1.8, A: 400, B: 2000, alpha: 0.35, beta: 0.37 };
  const dots = dotsOf(runs, undefined, true);
  it("leavesNothingOfARunThatIsOnIt", () => {
    const [first] = dots as [(typeof dots)[0]];
    const on = { ...first, loss: predictedLoss(law, first.n, first.d) };
    expect(residual(law, on)).toBeCloseTo(0, 12);
    expect(residual(law, { ...on, loss: on.loss * Math.E })).toBeCloseTo(1, 12);
  });
  it("hasRoomForEveryRunAndTheTarget", () => {
    const range = rangeOf(dots, fits.find((fit) => fit.method === "parametric")?.target);
    for (const dot of dots) {
      expect(dot.n).toBeGreaterThan(range.n[0]);
      expect(dot.n).toBeLessThan(range.n[1]);
      expect(dot.d).toBeGreaterThan(range.d[0]);
      expect(dot.d).toBeLessThan(range.d[1]);
    }
  });
  it("drawsItsLinesBetweenTheBestAndTheWorst", () => {
    const range = rangeOf(dots, undefined);
    const lines = levels(law, range, 9);
    expect(lines).toHaveLength(9);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
    expect(lines[0]).toBeGreaterThan(predictedLoss(law, range.n[1], range.d[1]));
    expect(lines[8]).toBeLessThan(predictedLoss(law, range.n[0], range.d[0]));
  });
});

describe("the sweep's figures", () => {
  it("chooseTheNewestFitOfMethodAndConvention", () => {
    expect(choose(fits, {}, true).fit).toMatchObject({ id: 11, method: "isoflop" });
    expect(choose(fits, { method: "parametric", n: "non" }, true).fit?.id).toBe(14);
    expect(choose(fits, { fit: 12 }, true)).toMatchObject({ method: "parametric", embeddings: true });
    expect(choose([], {}, false)).toMatchObject({ fit: undefined, embeddings: false, standard: "isoflop" });
    // of a sweep without a grid there are no parabolas to show
    const gridless = fits.map((fit) =>
      fit.method === "isoflop" ? { ...fit, refusal: { code: "too-few-budgets", message: "No budget has one." } } : fit,
    );
    expect(choose(gridless, {}, true)).toMatchObject({ view: "parametric", standard: "parametric" });
    expect(choose(gridless, { method: "isoflop" }, true).view).toBe("isoflop");
  });
  it("showEveryRunOnceAndMarkFurtherSeeds", () => {
    const dots = dotsOf(runs, undefined, true);
    expect(dots).toHaveLength(25);
    expect(dots.filter((dot) => dot.replicate).map((dot) => dot.seed)).toEqual([2, 3]);
    expect(dotsOf(runs, undefined, false)[0]?.n).toBe(6_656);
  });
  it("markWhatTheFitLeftOut", () => {
    const fit = { ...(fits[0] as Fit), excluded: [{ runId: 105, name: "x", reason: "too short" }] };
    expect(dotsOf(runs, fit, true).find((dot) => dot.runId === 105)?.excluded).toBe("too short");
  });
  it("takeNoOtherRecipeOfACellForAnotherSeed", () => {
    const [first] = runs.filter((run) => run.finalLoss !== undefined) as [Run];
    const recipes: Run[] = [
      { ...first, id: 901, seed: 1, learningRate: 0.003 },
      { ...first, id: 902, seed: 1, learningRate: 0.01 },
      { ...first, id: 903, seed: 2, learningRate: 0.01 },
    ];
    expect(dotsOf(recipes, undefined, true).map((dot) => [dot.runId, dot.learningRate, dot.replicate])).toEqual([
      [901, 0.003, false],
      [902, 0.01, false],
      [903, 0.01, true],
    ]);
  });
  it("askAgainOnlyForWhatAPersonLeftOut", () => {
    const excluded = [
      { runId: 1, name: "a", reason: "excluded: odd machine" },
      { runId: 2, name: "b", reason: "not the best recipe: batch 4, learning rate 0.003 has a mean loss of 4.7" },
      { runId: 3, name: "c", reason: "diverged" },
    ];
    expect(askedToLeaveOut({ ...(fits[0] as Fit), excluded })).toEqual({ 1: "odd machine" });
    expect(askedToLeaveOut(undefined)).toEqual({});
  });
  it("foldALongListOfRunsLeftOut", () => {
    const excluded = Array.from({ length: 7 }, (_, i) => ({ runId: i, name: `run ${i}`, reason: "diverged" }));
    const show = (count: number) =>
      render(
        <FitSide
          sweep={world.sweeps[0] as Sweep}
          chosen={{
            view: "isoflop",
            standard: "isoflop",
            method: "isoflop",
            fit: { ...(fits[0] as Fit), excluded: excluded.slice(0, count) },
            other: undefined,
            older: undefined,
            embeddings: true,
          }}
          lines={linesOf(runs, fits[0])}
          aim={undefined}
          onPredict={() => undefined}
          onRefit={() => undefined}
        />,
      );
    const few = show(6);
    expect(few.queryByText("6 runs are left out")).toBeNull();
    few.getByText("run 5 is left out: diverged");
    few.unmount();
    const many = show(7);
    expect(many.getByText("7 runs are left out").closest("details")?.open).toBe(false);
    many.unmount();
  });
  it("drawTheLawAlongEveryBudgetForAParametricFit", () => {
    const fit = fits.find((one) => one.id === 12) as Fit;
    const curves = curvesOf(fit, dotsOf(runs, fit, true), linesOf(runs, fit));
    expect(curves).toHaveLength(4);
    const start = curves[0]?.points[0] as { x: number; y: number };
    const d = 1e11 / (6 * start.x);
    expect(start.y).toBeCloseTo(LAW.E + LAW.A / start.x ** LAW.alpha + LAW.B / d ** LAW.beta, 10);
  });
  it("drawNoParabolaForARefusedBudget", () => {
    const fit = fits.find((one) => one.id === 11) as Fit;
    const converged = fit.budgets.filter((budget) => budget.refusal === undefined).length;
    expect(curvesOf(fit, dotsOf(runs, fit, true), linesOf(runs, fit))).toHaveLength(converged);
    expect(converged).toBeLessThan(4);
  });
  it("cutTheFrontierWhereExtrapolationBegins", () => {
    const { inside, beyond } = stretches((fits[0] as Fit).frontier);
    expect(beyond).toHaveLength(2);
    expect(beyond[0]?.at(-1)).toBe(inside[0]);
    expect(beyond[1]?.[0]).toBe(inside.at(-1));
  });
});

describe("the overview's small figure", () => {
  it("drawsParabolasAndDotsOfTheSameCountOfN", () => {
    for (const embeddings of [true, false]) {
      const { fit } = choose(fits, { n: embeddings ? "all" : "non" }, true);
      const { dots, curves } = shapeOf(runs, fit, embeddings, 200, 100);
      const xs = dots.map((dot) => dot.x);
      expect(dots).toHaveLength(25);
      expect(curves.length).toBeGreaterThan(0);
      for (const point of curves.flatMap((curve) => curve.points)) {
        expect(point.x).toBeGreaterThan(Math.min(...xs) - 1e-6);
        expect(point.x).toBeLessThan(Math.max(...xs) + 1e-6);
      }
    }
  });
});

describe("charts", () => {
  it("alignLinesOfDifferentPositions", () => {
    const { data, series } = align([
      { label: "a", x: [1, 2, 3], y: [1, Number.NaN, 3], colour: "#000000", band: { min: [0, 1, 2], max: [2, 3, 4] } },
      { label: "b", x: [2, 4], y: [7, 8], colour: "#000000" },
    ]);
    expect(data[0]).toEqual([1, 2, 3, 4]);
    expect(series.map((one) => one.role)).toEqual(["max", "min", "line", "line"]);
    expect(data[4]?.[1]).toBe(7);
    expect(data[3]?.[1]).toBeNull();
  });
  it("quoteCsvAndKeepEveryDigit", () => {
    expect(
      csv({
        columns: ["a", 'b"c'],
        rows: [
          [0.1 + 0.2, "x,y"],
          [null, undefined],
        ],
      }),
    ).toBe('a,"b""c"\r\n0.30000000000000004,"x,y"\r\n,\r\n');
  });
  it("exportADocumentOfItsOwn", () => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const text = svgText(svg, "#ffffff", "Loss & size");
    expect(text).toMatch(/^<\?xml/);
    expect(text).toContain("Loss &amp; size");
    expect(text).toContain('fill="#ffffff"');
  });
  it("giveEveryBudgetItsColourInOrder", () => {
    const colours = budgetColours([1e12, 1e11, 1e12, 3e12], "light");
    expect([...colours.keys()]).toEqual([1e11, 1e12, 3e12]);
    expect(new Set(colours.values()).size).toBe(3);
    expect([viridis(0), viridis(1)]).toEqual(["#440154", "#fde725"]);
  });
});

describe("devices", () => {
  const start = Date.parse("2026-11-24T00:00:00Z");
  it("areSummedUpByNameAndMeanUse", () => {
    const one = (name: string, percent?: number): Device => ({
      index: 0,
      name,
      memoryBytes: 1,
      ...(percent === undefined ? {} : { latest: { at: "2026-11-24T00:00:00Z", utilisationPercent: percent } }),
    });
    const devices = [one("A", 100), one("A", 50), one("B")];
    expect(gpuSummary({ devices, state: "online" })).toBe("2 × A, B, 75 % busy");
    expect(gpuSummary({ devices, state: "gone" })).toBe("2 × A, B");
    expect(gpuSummary({ devices: [one("A")], state: "online" })).toBe("A");
    expect(meanUtilisation([])).toBeUndefined();
  });
  it("leaveAGapWhereTheRunnerWasSilent", () => {
    const series = deviceSeriesOf(1, start - 3_600_000, start, 1000) as DeviceSeries;
    const { x, y } = timeline(series, "utilisationPercent");
    expect(x).toHaveLength(series.times.length + 1);
    const gap = y.findIndex((value) => Number.isNaN(value));
    expect((x[gap + 1] as number) - (x[gap - 1] as number)).toBeGreaterThan(500);
    expect(x).toEqual([...x].sort((a, b) => a - b));
  });
  it("breakNoLineBetweenBuckets", () => {
    const series: DeviceSeries = {
      bucketSeconds: 60,
      times: [0, 60_000, 120_000],
      utilisationPercent: [1, 2, 3],
      memoryUsedBytes: [2 ** 30, 2 ** 31, Number.NaN],
      powerWatts: [],
      temperatureCelsius: [],
      smClockMhz: [],
    };
    expect(timeline(series, "utilisationPercent")).toEqual({ x: [0, 60, 120], y: [1, 2, 3] });
    expect(timeline(series, "memoryUsedBytes", 2 ** 30).y).toEqual([1, 2, Number.NaN]);
  });
});

describe("the runs table", () => {
  it("ordersTiesOfTheFirstKeyByTheOthers", () => {
    const row = (id: number, state: string, finalLoss?: number) => ({ id, state, finalLoss }) as unknown as Run;
    const rows = [
      row(1, "failed", 3),
      row(2, "failed", 5),
      row(3, "failed"),
      row(4, "running", 9),
      row(5, "running", 1),
    ];
    expect(sortTies(rows, ["state", "-finalLoss"]).map((one) => one.id)).toEqual([2, 1, 3, 4, 5]);
    expect(sortTies(rows, ["state", "finalLoss"]).map((one) => one.id)).toEqual([1, 2, 3, 5, 4]);
  });
  it("cyclesAColumnAndKeepsOthersWithShift", () => {
    expect(toggleSort([], "name", false)).toEqual(["name"]);
    expect(toggleSort(["name"], "name", false)).toEqual(["-name"]);
    expect(toggleSort(["-name"], "name", false)).toEqual([]);
    expect(toggleSort(["state"], "name", true)).toEqual(["state", "name"]);
    expect(toggleSort(["state", "-name"], "name", true)).toEqual(["state"]);
  });
});

it("readsTheTokenOfTheAddress", () => {
  expect(tokenIn("#token=isf_abc")).toBe("isf_abc");
  expect(tokenIn("#main")).toBeUndefined();
});

it("writesTimesOfASchedulesZone", () => {
  expect(localTime("2026-10-25T02:30:00+01:00")).toBe("2026-10-25 02:30 +01:00");
  expect(localTime("2026-10-25T02:30:15.123Z")).toBe("2026-10-25 02:30:15 UTC");
  expect(inTime("2026-10-25T02:30:00Z", Date.parse("2026-10-25T00:25:00Z"))).toBe("in 2 h 5 min");
  expect(inTime("2026-10-25T02:30:00Z", Date.parse("2026-10-25T02:30:00Z"))).toBe("now");
});

it("editsASweepWithoutItsName", () => {
  const spec = (world.schedules[0] as Schedule).spec;
  expect(JSON.parse(template(spec))).toEqual({ ...spec, name: undefined });
  expect(specOf('{"kind":"command"}')).toEqual({ kind: "command" });
  expect(() => specOf("[]")).toThrow("no JSON object");
  expect(() => specOf("{")).toThrow("JSON");
});

it("flattensNestedSettings", () => {
  expect(flatten({ model: { layers: 3, lr: 1e-8 }, files: [1, 2] })).toEqual([
    ["model.layers", "3"],
    ["model.lr", "10⁻⁸"],
    ["files", "2 entries"],
  ]);
});

describe("pages", () => {
  let signedIn = true;
  const asked: string[] = [];
  beforeEach(() => {
    signedIn = true;
    asked.length = 0;
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
    vi.stubGlobal("scrollTo", () => {});
    vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
      asked.push(url);
      const { pathname, searchParams } = new URL(url, "http://localhost");
      const path = pathname.replace("/api/v1", "");
      if (path === "/session" && init?.method === "POST") {
        return JSON.parse(String(init.body)).token === "isf_good"
          ? new Response(null, { status: 204 })
          : Response.json({ title: "unauthenticated", detail: "This token is not known." }, { status: 401 });
      }
      if (!signedIn) return Response.json({ title: "unauthenticated" }, { status: 401 });
      if (path === "/overview") {
        return Response.json({
          runs: { running: 1 },
          runnersOnline: 0,
          slots: 0,
          busySlots: 0,
          tokensPerSecond: 0,
          flopsDone: 0,
          metricPoints: 0,
          recentSweeps: [],
          activeRuns: [],
        });
      }
      if (path === "/runs") {
        const state = searchParams.getAll("state");
        return Response.json({ items: runs.filter((run) => !state.length || state.includes(run.state)).slice(0, 3) });
      }
      if (path === "/schedules") return Response.json({ items: world.schedules });
      if (path.startsWith("/schedules/")) return Response.json({});
      if (path === "/pools") return Response.json(world.pools);
      return Response.json(path === "/runners" ? world.runners : { items: [] });
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  function show(path: string) {
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const router = makeRouter(cache, createMemoryHistory({ initialEntries: [path] }));
    render(
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>,
    );
    return router;
  }

  it("theEmptyOverviewTellsTheFirstCommand", async () => {
    show("/");
    expect(await screen.findByText("./isoflop submit examples/isoflop-cpu.yaml")).toBeTruthy();
  });

  it("poolsSayWhatIsDoneAboutTheirQueueAndWhatWasAskedFor", async () => {
    show("/runners");
    expect(await screen.findByText(/2 runs wait; 1 runner is asked for/)).toBeTruthy();
    expect(screen.getByText("slurm 4711")).toBeTruthy();
    expect(screen.getByText("Slurm: PENDING: Resources")).toBeTruthy();
    expect(screen.queryByText("started by hand", { exact: false })).toBeNull();
  });

  it("theRunsTableAsksForWhatTheAddressSays", async () => {
    show("/runs?state=failed,running&sort=-finalLoss,name&q=d32");
    await waitFor(() => expect(asked.some((url) => url.startsWith("/api/v1/runs?"))).toBe(true));
    const url = asked.find((one) => one.startsWith("/api/v1/runs?")) as string;
    expect(url).toContain("state=failed&state=running");
    expect(url).toContain("q=d32");
    expect(url).toContain("sort=-finalLoss");
  });

  it("theRunnersTableNamesTheirGpus", async () => {
    show("/runners");
    const link = await screen.findByRole("link", { name: "gpu-node-1" });
    expect(link.getAttribute("href")).toBe("/runners/2");
    expect(link.closest("tr")?.textContent).toMatch(/2 × NVIDIA H100 80GB HBM3, \d+ % busy/);
    expect(screen.getByRole("link", { name: "local-1" }).closest("tr")?.textContent).toContain("none");
  });

  it("theSchedulesSayWhatFiresNextAndWhatFiresDid", async () => {
    show("/schedules");
    const row = (await screen.findByText("nightly-small")).closest("tr") as HTMLElement;
    expect(row.textContent).toContain("2026-10-24 02:30 +02:00");
    expect(row.textContent).toContain("clocks change");
    expect(row.textContent).toContain("skipped");
    expect(row.textContent).toContain("No platform was up");
    await userEvent.click(screen.getByRole("button", { name: "Run nightly-small now" }));
    await waitFor(() => expect(asked).toContain("/api/v1/schedules/1/fires"));
    await userEvent.click(screen.getByRole("button", { name: "Resume weekly-large" }));
    await waitFor(() => expect(asked).toContain("/api/v1/schedules/2/resume"));
  });

  it("sortingGoesIntoTheAddress", async () => {
    const router = show("/runs");
    await userEvent.click(await screen.findByRole("button", { name: "Final loss" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe("?sort=finalLoss"));
  });

  it("signingInSaysWhyATokenIsRefusedAndThenLeadsOn", async () => {
    const router = show("/login?next=/runs");
    const field = await screen.findByLabelText("API token");
    await userEvent.type(field, "isf_bad");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect((await screen.findByRole("alert")).textContent).toContain("This token is not known.");
    await userEvent.clear(field);
    await userEvent.type(field, "isf_good");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/runs"));
  });
});
