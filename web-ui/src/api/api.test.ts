import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readOn } from "../features/run/LogsTab";
import { ApiError, apiUrl, cancel, get, parseJson, whenUnauthenticated } from "./client";
import { LiveStream } from "./live";
import type { Run } from "./types";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the client", () => {
  it("repeatsListsAndLeavesOutWhatIsAbsent", () => {
    expect(apiUrl("/runs", { state: ["failed", "running"], q: undefined, limit: 5 })).toBe(
      "/api/v1/runs?state=failed&state=running&limit=5",
    );
  });
  it("readsTheNumbersJsonCannotWrite", () => {
    expect(parseJson('{"a":["NaN",1,"-Infinity"],"b":"Infinity"}')).toEqual({
      a: [Number.NaN, 1, Number.NEGATIVE_INFINITY],
      b: Number.POSITIVE_INFINITY,
    });
    expect(parseJson('{"name":"NaNny"}')).toEqual({ name: "NaNny" });
  });
  it("turnsProblemsIntoErrorsAndTellsOfALostSession", async () => {
    const lost = vi.fn();
    whenUnauthenticated(lost);
    vi.stubGlobal("fetch", async () => new Response('{"title":"t","detail":"Sign in first."}', { status: 401 }));
    const error = await get("/runs").catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).message).toBe("Sign in first.");
    expect(lost).toHaveBeenCalledOnce();
  });
  it("cancelsTheVersionItJustRead", async () => {
    const calls: [string, Headers][] = [];
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      calls.push([`${init.method} ${url}`, new Headers(init.headers)]);
      return new Response("{}", { headers: { ETag: '"7"' } });
    });
    await cancel("/runs/3");
    expect(calls.map(([call]) => call)).toEqual(["GET /api/v1/runs/3", "POST /api/v1/runs/3/cancellation"]);
    expect(calls[1]?.[1].get("If-Match")).toBe('"7"');
  });
  it("cancelsASweepByItsTag", async () => {
    const tags: (string | null)[] = [];
    vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
      tags.push(new Headers(init.headers).get("If-Match"));
      return new Response("{}", { headers: { ETag: '"2-9f"' } });
    });
    await cancel("/sweeps/3");
    expect(tags).toEqual([null, '"2-9f"']);
  });
  it("cancelsNothingWhoseVersionItDoesNotKnow", async () => {
    const fetched = vi.fn(async () => new Response("{}"));
    vi.stubGlobal("fetch", fetched);
    await expect(cancel("/sweeps/3")).rejects.toThrow("ETag");
    expect(fetched).toHaveBeenCalledOnce();
  });
});

describe("logs", () => {
  it("areReadOnFromTheLastPageWithoutDoubles", async () => {
    const line = (seq: number) => ({ seq, attempt: 1, at: "", level: "INFO", text: `line ${seq}` });
    const all = [1, 2, 3].map(line);
    vi.stubGlobal("fetch", async (url: string) => {
      const from = Number(new URL(url, "http://localhost").searchParams.get("after") ?? 0);
      const items = all.slice(from, from + 2);
      return Response.json({ items, ...(from + 2 < all.length ? { next: String(from + 2) } : {}) });
    });
    const signal = new AbortController().signal;
    const first = await readOn(1, { lines: [], cursor: undefined }, signal);
    expect(first.lines.map((one) => one.seq)).toEqual([1, 2, 3]);
    all.push(line(4), line(5));
    const second = await readOn(1, first, signal);
    expect(second.lines.map((one) => one.seq)).toEqual([1, 2, 3, 4, 5]);
  });
});

class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  readyState = 0;
  onopen?: () => void;
  onerror?: () => void;
  closed = false;
  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close() {
    this.closed = true;
    this.readyState = 2;
  }
  emit(type: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }
}

describe("the live stream", () => {
  let cache: QueryClient;
  let stream: LiveStream;
  beforeEach(() => {
    vi.useFakeTimers();
    FakeSource.made = [];
    cache = new QueryClient();
    stream = new LiveStream(cache, (url) => new FakeSource(url) as unknown as EventSource);
  });
  afterEach(() => stream.close());

  const only = () => FakeSource.made[FakeSource.made.length - 1] as FakeSource;
  const run = { id: 5, sweepId: 2, state: "running", step: 1, attempt: 1 } as Run;

  it("opensOnceForAllTopicsAndAgainWhenTheyChange", () => {
    stream.want(["runs"]);
    const leave = stream.want(["run:5", "runs"]);
    vi.advanceTimersByTime(60);
    expect(FakeSource.made).toHaveLength(1);
    expect(only().url).toBe("/api/v1/stream?topics=run%3A5%2Cruns");
    leave();
    vi.advanceTimersByTime(60);
    expect(FakeSource.made).toHaveLength(2);
    expect(only().url).toBe("/api/v1/stream?topics=runs");
    expect(FakeSource.made[0]?.closed).toBe(true);
  });

  it("patchesTheCacheAndAsksAgainForWhatAPatchCannotKnow", () => {
    cache.setQueryData(["run", 5], { run });
    cache.setQueryData(["runs", {}], { pages: [{ items: [run] }], pageParams: [undefined] });
    const invalidate = vi.spyOn(cache, "invalidateQueries");
    stream.want(["runs"]);
    vi.advanceTimersByTime(60);
    only().emit("progress", [{ runId: 5, step: 40, doneTokens: 9, trainLoss: 3.5, tokensPerSecond: 7 }]);
    expect(cache.getQueryData<{ run: Run }>(["run", 5])?.run).toMatchObject({ step: 40, trainLoss: 3.5, id: 5 });
    only().emit("transition", { id: 1, runId: 5, at: "", to: "succeeded", attempt: 2 });
    only().emit("transition", { id: 2, runId: 5, at: "", to: "succeeded", attempt: 2 });
    const listed = cache.getQueryData<{ pages: { items: Run[] }[] }>(["runs", {}])?.pages[0]?.items[0];
    expect(listed).toMatchObject({ state: "succeeded", attempt: 2, step: 40 });
    vi.advanceTimersByTime(1100);
    const keys = invalidate.mock.calls.map(([filter]) => JSON.stringify(filter?.queryKey));
    expect(keys).toContain('["overview"]');
    expect(keys).toContain('["sweep",2]');
    expect(keys.filter((key) => key === '["run",5]')).toHaveLength(1);
  });

  it("dropsATransitionThatAReplayRepeats", () => {
    cache.setQueryData(["run", 5], { run });
    stream.want(["runs"]);
    vi.advanceTimersByTime(60);
    only().emit("transition", { id: 8, runId: 5, at: "", to: "assigned", attempt: 2 });
    only().emit("transition", { id: 9, runId: 5, at: "", to: "running", attempt: 2 });
    only().emit("transition", { id: 8, runId: 5, at: "", to: "assigned", attempt: 2 });
    expect(cache.getQueryData<{ run: Run }>(["run", 5])?.run.state).toBe("running");
    only().emit("transition", { id: 7, runId: 5, at: "", to: "failed", attempt: 2 });
    expect(cache.getQueryData<{ run: Run }>(["run", 5])?.run.state).toBe("failed");
  });

  it("reopensAfterTheBrowserGaveUpAndFetchesWhatWasMissed", () => {
    const invalidate = vi.spyOn(cache, "invalidateQueries");
    stream.want(["runs"]);
    vi.advanceTimersByTime(60);
    only().onopen?.();
    expect(stream.status()).toBe("live");
    only().readyState = 2;
    only().onerror?.();
    expect(stream.status()).toBe("offline");
    vi.advanceTimersByTime(1100);
    expect(FakeSource.made).toHaveLength(2);
    only().onopen?.();
    expect(stream.status()).toBe("live");
    expect(invalidate).toHaveBeenCalledWith();
  });
});
