import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { apiUrl, parseJson } from "./client";
import type { Overview, Page, Progress, Run, RunDetail, RunEvent } from "./types";

/** Transitions remembered. A replay repeats only what was written around the last one. */
const SEEN = 10_000;

export type LiveStatus = "connecting" | "live" | "offline";

/**
 * One event stream per tab. Pages name topics while they are shown; the stream is reopened when the set of topics
 * changes. Events patch what the cache holds; what a patch cannot know (counts, new rows) is fetched again, at most once a
 * second per query.
 *
 * Breaks: the browser reconnects by itself with `Last-Event-ID` and the platform replays the transitions missed, and with
 * them some that were not, which are dropped here: an old transition would put a run back into an earlier state. When the
 * browser gives up (an HTTP error), this reopens with a growing pause; until then `status` is `offline`, queries poll, and
 * whatever was missed is fetched on return.
 */
export class LiveStream {
  private source: EventSource | undefined;
  private readonly wanted = new Map<string, number>();
  private openedFor = "";
  private reopenTimer: ReturnType<typeof setTimeout> | undefined;
  private pauseMillis = 1000;
  private missed = false;
  private readonly listeners = new Set<() => void>();
  private readonly due = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly seen = new Set<number>();
  private current: LiveStatus = "connecting";

  constructor(
    private readonly cache: QueryClient,
    private readonly open: (url: string) => EventSource = (url) => new EventSource(url),
  ) {}

  status = (): LiveStatus => this.current;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  want(topics: readonly string[]): () => void {
    for (const topic of topics) this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.schedule(50);
    return () => {
      for (const topic of topics) {
        const left = (this.wanted.get(topic) ?? 1) - 1;
        if (left > 0) this.wanted.set(topic, left);
        else this.wanted.delete(topic);
      }
      this.schedule(50);
    };
  }

  close(): void {
    clearTimeout(this.reopenTimer);
    for (const timer of this.due.values()) clearTimeout(timer);
    this.due.clear();
    this.source?.close();
    this.source = undefined;
    this.openedFor = "";
  }

  private schedule(millis: number): void {
    clearTimeout(this.reopenTimer);
    this.reopenTimer = setTimeout(() => this.connect(), millis);
  }

  private connect(): void {
    const topics = [...this.wanted.keys()].sort().join(",");
    const alive = this.source !== undefined && this.source.readyState !== 2;
    if (topics === this.openedFor && (alive || topics === "")) return;
    this.source?.close();
    this.source = undefined;
    this.openedFor = topics;
    if (topics === "") return;
    const source = this.open(apiUrl("/stream", { topics }));
    this.source = source;
    source.onopen = () => {
      this.pauseMillis = 1000;
      if (this.missed) this.cache.invalidateQueries();
      this.missed = false;
      this.become("live");
    };
    source.onerror = () => {
      this.missed = true;
      this.become("offline");
      if (source.readyState === 2) {
        this.schedule(this.pauseMillis);
        this.pauseMillis = Math.min(this.pauseMillis * 2, 30_000);
      }
    };
    source.addEventListener("transition", (event) => this.onTransition(parseJson(event.data) as RunEvent));
    source.addEventListener("progress", (event) => this.onProgress(parseJson(event.data) as Progress[]));
    source.addEventListener("fit", (event) => {
      const { sweepId } = parseJson(event.data) as { sweepId: number };
      this.refresh(["fits", sweepId]);
      this.refresh(["sweep", sweepId]);
    });
  }

  private become(status: LiveStatus): void {
    if (status === this.current) return;
    this.current = status;
    for (const listener of this.listeners) listener();
  }

  private onTransition(event: RunEvent): void {
    if (this.seen.has(event.id)) return;
    this.seen.add(event.id);
    if (this.seen.size > SEEN) this.seen.delete(this.seen.values().next().value as number); // the oldest
    const run = this.patchRun(event.runId, (old) => ({ ...old, state: event.to, attempt: event.attempt }));
    this.refresh(["overview"]);
    this.refresh(["runs"]);
    this.refresh(["run", event.runId]);
    this.refresh(["attempts", event.runId]);
    this.refresh(["events", event.runId]);
    this.refresh(["checkpoints", event.runId]);
    this.refresh(["runners"]);
    this.refresh(["sweeps"]);
    this.refresh(["predictions"]);
    if (run?.sweepId === undefined) {
      this.refresh(["sweep"]);
      this.refresh(["sweep-runs"]);
    } else {
      this.refresh(["sweep", run.sweepId]);
      this.refresh(["sweep-runs", run.sweepId]);
    }
  }

  private onProgress(progress: Progress[]): void {
    for (const { runId, sweepId: _sweepId, ...now } of progress) {
      this.patchRun(runId, (old) => ({ ...old, ...now }));
      this.refresh(["series", runId], 2000);
      this.refresh(["heads", runId], 2000);
    }
  }

  /** Changes a run wherever the cache holds it; answers one of the changed copies, if there was any. */
  private patchRun(id: number, change: (run: Run) => Run): Run | undefined {
    let found: Run | undefined;
    const patch = (run: Run): Run => {
      if (run.id !== id) return run;
      found = change(run);
      return found;
    };
    const patchAll = (runs: Run[]) => (runs.some((run) => run.id === id) ? runs.map(patch) : runs);
    this.cache.setQueriesData<InfiniteData<Page<Run>>>({ queryKey: ["runs"] }, (data) =>
      data?.pages.some((page) => page.items.some((run) => run.id === id))
        ? { ...data, pages: data.pages.map((page) => ({ ...page, items: patchAll(page.items) })) }
        : data,
    );
    this.cache.setQueriesData<Run[]>({ queryKey: ["sweep-runs"] }, (data) => data && patchAll(data));
    this.cache.setQueryData<RunDetail>(["run", id], (data) => data && { ...data, run: patch(data.run) });
    this.cache.setQueryData<Overview>(
      ["overview"],
      (data) => data && { ...data, activeRuns: patchAll(data.activeRuns) },
    );
    return found;
  }

  /** Fetches again what is shown under the key, no sooner than the pause allows; calls in between collapse into one. */
  private refresh(queryKey: QueryKey, millis = 1000): void {
    const name = JSON.stringify(queryKey);
    if (this.due.has(name)) return;
    this.due.set(
      name,
      setTimeout(() => {
        this.due.delete(name);
        this.cache.invalidateQueries({ queryKey });
      }, millis),
    );
  }
}

let stream: LiveStream | undefined;

export function startLive(cache: QueryClient): LiveStream {
  stream = new LiveStream(cache);
  return stream;
}

const none = () => () => {};

export function useLiveStatus(): LiveStatus {
  return useSyncExternalStore(stream?.subscribe ?? none, stream?.status ?? (() => "offline" as const));
}

/** Names what the page shows; polling intervals that go with it come from {@link usePolling}. */
export function useTopics(...topics: string[]): void {
  const joined = topics.join(",");
  useEffect(() => {
    stream?.want(joined.split(",").filter(Boolean));
  }, [joined]);
}

/** Milliseconds between polls: rare while the stream is live (it can miss what no event tells), frequent without it. */
export function usePolling(active = true): number | false {
  const status = useLiveStatus();
  if (!active) return false;
  return status === "live" ? 30_000 : 5_000;
}
