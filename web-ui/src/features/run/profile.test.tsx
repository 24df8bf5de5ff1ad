import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { gpuRun, profileOf } from "../../../e2e/profile.mjs";
import type { Profile, Run, RunProfile } from "../../api/types";
import { measure } from "../../lib/format";
import { ProfileTab } from "./ProfileTab";
import { mfu, rooflineOf } from "./roofline";

const run = gpuRun(Date.parse("2026-11-24T00:00:00Z")) as Run;
const told = profileOf(run) as Profile;
const gpu = told.profile;

const SMALL: RunProfile = {
  ...gpu,
  datasheet: { flops: 2e12, bytesPerSecond: 2e11 },
  measured: { flops: 1e12, bytesPerSecond: 1e11 },
  operations: [
    { name: "quick", count: 2, micros: 10, flops: 0, bytes: 5e5 },
    { name: "product", count: 4, micros: 30, flops: 2.4e7, bytes: 1e6 },
  ],
};

describe("the roofline", () => {
  it("boundsAnOperationByTheLongerOfItsTwoIdealTimes", () => {
    const { rows, total } = rooflineOf(SMALL);
    // 24 µs at 1 TFLOP/s, 10 µs at 100 GB/s
    expect(rows[0]).toMatchObject({ name: "product", bound: "compute", share: 0.75 });
    expect(rows[0]?.flops).toBeCloseTo(8e11, 0);
    expect(rows[0]?.roofline).toBeCloseTo(24 / 30, 12);
    expect(rows[1]).toMatchObject({ name: "quick", bound: "memory" });
    expect(rows[1]?.roofline).toBeCloseTo(0.5, 12);
    expect(rows[1]?.bytes).toBeCloseTo(5e10, 0);
    expect(total).toMatchObject({ count: 6, micros: 40 });
    expect(total.roofline).toBeCloseTo(29 / 40, 12);
  });
  it("takesTheDatasheetsPeaksWhereNothingWasMeasuredAndNoneWithoutBoth", () => {
    const { measured: _, ...unmeasured } = SMALL;
    expect(rooflineOf(unmeasured).peaks).toEqual({ flops: 2e12, bytes: 2e11, measured: false });
    expect(rooflineOf(unmeasured).rows[0]?.roofline).toBeCloseTo(12 / 30, 12);
    const { datasheet: _also, ...none } = unmeasured;
    expect(rooflineOf(none).peaks).toBeUndefined();
    expect(rooflineOf(none).rows[0]).not.toHaveProperty("bound");
    expect(rooflineOf({ ...none, measured: { flops: 1e12 } }).peaks).toBeUndefined();
  });
  it("survivesTimesOfZeroAndNoOperations", () => {
    const idle = { name: "idle", count: 1, micros: 0, flops: 0, bytes: 0 };
    expect(rooflineOf({ ...SMALL, operations: [idle] }).rows[0]).toMatchObject({ share: 0, flops: 0, bytes: 0 });
    expect(rooflineOf({ ...SMALL, operations: [] }).total).toMatchObject({ micros: 0, share: 0 });
  });
  it("holdsForTheFixture", () => {
    const { rows } = rooflineOf(gpu);
    expect(rows.every((row) => (row.roofline as number) > 0 && (row.roofline as number) < 1)).toBe(true);
    expect(rows.reduce((sum, row) => sum + row.share, 0)).toBeCloseTo(1, 9);
  });
});

it("utilisationIsNeededFlopsOverThePeak", () => {
  expect(mfu(1e6, 2e8, 1e15)).toBeCloseTo(0.2, 12);
  expect(mfu(undefined, 2e8, 1e15)).toBeUndefined();
  expect(mfu(1e6, 2e8, undefined)).toBeUndefined();
});

it("ratesHaveTheirPrefixAtTheUnit", () => {
  expect(measure(2.93e12, "B/s")).toBe("2.93 TB/s");
  expect(measure(undefined, "B/s")).toBe("–");
});

describe("the tab", () => {
  afterEach(() => vi.unstubAllGlobals());

  function show(answer: Profile | undefined, of: Run = run) {
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
    vi.stubGlobal("fetch", async () =>
      answer ? Response.json(answer) : Response.json({ title: "not-found", status: 404 }, { status: 404 }),
    );
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    render(
      <QueryClientProvider client={cache}>
        <ProfileTab run={of} />
      </QueryClientProvider>,
    );
  }

  it("listsOperationsLongestFirstWithASumBelow", async () => {
    show(told);
    const table = await screen.findByRole("table", { name: "Operations of a step" });
    const rows = within(table).getAllByRole("row");
    expect(rows).toHaveLength(gpu.operations.length + 2);
    expect(rows[1]?.textContent).toMatch(/^attention backward81,1399.8 %151943memory32 %/);
    expect(rows.at(-1)?.textContent).toMatch(/^all192/);
    expect(screen.getByLabelText("Use of the device").textContent).toContain("31.1 % of 989 TFLOP/s");
  });

  it("tellsTheDevicesUseAndTheRunsOwnShareOfIt", async () => {
    const shared = { ...told, profile: { ...gpu, lanes: 16, runs: 10 } };
    show(shared, { ...run, tokensPerSecond: (run.tokensPerSecond as number) / 10 });
    const facts = await screen.findByLabelText("Use of the device");
    expect(facts.textContent).toContain("31.1 % of 989 TFLOP/s; this run 3.1 %");
    expect(facts.textContent).toContain("1.44M this run 144k");
    expect(facts.textContent).toContain("16 10 in use");
    expect(screen.getByText(/this run’s × 10 runs/)).toBeTruthy();
    expect(screen.getByText(/for 16 lanes, \d+ MiB each/)).toBeTruthy();
  });

  it("saysWhyThereIsNothing", async () => {
    show(undefined, { ...run, state: "running" });
    expect(await screen.findByText(/about twenty steps after its start/)).toBeTruthy();
  });
});
