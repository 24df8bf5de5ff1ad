import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Added, Sweep } from "../../api/types";
import { Additions } from "./Additions";

const added = (i: number, fit?: number): Added => ({
  id: i + 1,
  addition: { budgets: [], ...(fit === undefined ? {} : { fit }) },
  runs: i + 1,
  flops: 1e12,
  addedAt: `2026-11-24T0${i}:00:00Z`,
});

async function show(additions: Added[]) {
  const sweep = { id: 7, additions } as unknown as Sweep;
  const routeTree = createRootRoute({
    component: () => (
      <main>
        <Additions sweep={sweep} />
      </main>
    ),
  });
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: ["/"] }) });
  // biome-ignore lint/suspicious/noExplicitAny: a router of its own, not the application's
  render(<RouterProvider router={router as any} />);
  return screen.findByRole("main");
}

describe("what came to a sweep", () => {
  afterEach(() => {
    cleanup();
    vi.restoreAllMocks();
  });

  it("isNothingWhereNothingDid", async () => {
    expect((await show([])).textContent).toBe("");
  });
  it("isSaidWithTheFitThatChoseIt", async () => {
    await show([added(0, 12), added(1)]);
    const [first, second] = screen.getAllByRole("listitem");
    expect(first?.textContent).toMatch(/^1 run \(1 TFLOP\) added by fit #12 at /);
    expect(second?.textContent).toMatch(/^2 runs \(1 TFLOP\) added by hand at /);
    expect(screen.getByRole("link", { name: "fit #12" }).getAttribute("href")).toContain("/sweeps/7?fit=12");
  });
  it("isToldApartThoughItCameInOneMillisecond", async () => {
    const errors = vi.spyOn(console, "error");
    const addedAt = added(0).addedAt;
    await show([
      { ...added(0, 12), addedAt },
      { ...added(1, 12), addedAt },
    ]);
    expect(screen.getAllByRole("listitem")).toHaveLength(2);
    expect(errors).not.toHaveBeenCalled();
  });
  it("isFoldedWhereThereWereManyWaves", async () => {
    await show([0, 1, 2, 3].map((i) => added(i, 12)));
    const summary = screen.getByText("10 runs (4 TFLOP) were added since, in 4 waves");
    expect(summary.closest("details")?.open).toBe(false);
  });
});
