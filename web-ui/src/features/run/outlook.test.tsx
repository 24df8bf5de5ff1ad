import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Outlook } from "../../api/types";
import { OutlookPanel, outlookLine, withoutVerdict } from "./OutlookPanel";

const OUTLOOK: Outlook = {
  runId: 3,
  state: "running",
  progress: 0.4,
  level: 0.9,
  verdict: "stop",
  sentence: "Stop: by its curve it is to end too high.",
  now: 4.5,
  end: { loss: 4.1, low: 4, high: 4.2 },
  curve: { loss: 4.1, low: 4, high: 4.2 },
  law: { fitId: 9, sweepId: 7, loss: 3.1, low: 3, high: 3.2, extrapolationRatio: 2 },
  saved: { flops: 3.6e18, seconds: 7800 },
};
const RUN = { steps: 100, tokens: 12_800, flops: 1e6, tokensPerStep: 128, tokensPerSecond: 64 };
const DRAWN = { x: [10, 20, 40], steps: [10, 20, 40] };
const line = (outlook: Outlook | undefined, axis: "step" | "tokens" | "flops" | "time" = "step", drawn = DRAWN) =>
  outlookLine({ outlook, run: RUN, drawn, axis, colour: "#000000" });

async function shown(outlook: Outlook | undefined, error?: unknown) {
  const root = createRootRoute({ component: () => <OutlookPanel outlook={outlook} error={error} /> });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  await router.load();
  return render(
    <QueryClientProvider client={new QueryClient()}>
      {/* the app's own router has other routes */}
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
}

describe("the outlook of a run", () => {
  it("saysTheEndWithItsIntervalTheVerdictAndWhatIsLeft", async () => {
    await shown(OUTLOOK);
    const panel = screen.getByRole("region", { name: "Outlook of this run" });
    expect(panel.textContent).toContain("4.100");
    expect(panel.textContent).toContain("4.000 to 4.200 at 90 %");
    expect(panel.textContent).toContain("fit #9");
    expect(panel.textContent).toContain("40 %");
    expect(panel.textContent).toContain("stop By its curve it is to end too high.");
    expect(panel.textContent).toContain("2 h 10 min");
  });
  it("isNotThereBeforeItIsKnownAndSaysWhyItCouldNotBeAsked", async () => {
    const { container } = await shown(undefined);
    expect(container.textContent).toBe("");
    const { container: failed } = await shown(undefined, new Error("no such thing"));
    expect(failed.textContent).toContain("could not be told");
  });
  it("showsADashWhereTheCurveSaysNothingYet", async () => {
    const { end: _, curve: _also, now: _too, law: _neither, ...early } = OUTLOOK;
    await shown({ ...early, verdict: "unknown", sentence: "Not known yet: it warms up." });
    expect(screen.getByRole("region").textContent).toContain("not known It warms up.");
    expect(screen.getByRole("region").textContent).toContain("–");
  });
  it("isDrawnFromTheCurvesEndToTheRunsOnEveryAxis", () => {
    expect(line(OUTLOOK)).toMatchObject({
      x: [40, 100],
      y: [4.5, 4.1],
      band: { min: [4.5, 4], max: [4.5, 4.2] },
    });
    expect(line(OUTLOOK, "tokens", { x: [1280, 5120], steps: [10, 40] })?.x).toEqual([5120, 12_800]);
    expect(line(OUTLOOK, "flops", { x: [1e5, 4e5], steps: [10, 40] })?.x[1]).toBeCloseTo(1e6, 6);
    // 60 steps of 128 tokens at 64 a second
    expect(line(OUTLOOK, "time", { x: [5, 20], steps: [10, 40] })?.x).toEqual([20, 140]);
  });
  it("isNotDrawnWhereNothingIsKnownOrNothingIsLeft", () => {
    const { end: _, ...early } = OUTLOOK;
    expect(line(undefined)).toBeUndefined();
    expect(line(early)).toBeUndefined();
    expect(line(OUTLOOK, "step", { x: [100], steps: [100] })).toBeUndefined();
    expect(line(OUTLOOK, "step", { x: [], steps: [] })).toBeUndefined();
  });
  it("doesNotSayTheVerdictTwice", () => {
    expect(withoutVerdict("Go on: it is to end at 3.")).toBe("It is to end at 3.");
    expect(withoutVerdict("It is to end at 3.")).toBe("It is to end at 3.");
  });
});
