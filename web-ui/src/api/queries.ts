import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { ApiError, get, getList } from "./client";
import type {
  Attempt,
  Checkpoint,
  DeviceSeries,
  Experiment,
  Fit,
  FitComparison,
  FitMethods,
  FitProfile,
  FitTarget,
  Ledger,
  MetricHead,
  Outlook,
  Overview,
  Page,
  Pool,
  Prediction,
  PredictionState,
  PredictionSummary,
  Profile,
  Run,
  RunDetail,
  RunEvent,
  Runner,
  RunState,
  Schedule,
  Series,
  Session,
  Sweep,
} from "./types";

export const PAGE_SIZE = 100;

export interface RunFilter {
  sweep?: number;
  state?: readonly RunState[];
  kind?: string;
  model?: string;
  q?: string;
  sort?: string;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get<Session>("/session", undefined, signal),
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
});

export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: ({ signal }) => get<Overview>("/overview", undefined, signal),
});

export const runnersQuery = queryOptions({
  queryKey: ["runners"],
  queryFn: ({ signal }) => getList<Runner>("/runners", undefined, signal),
});

export const poolsQuery = queryOptions({
  queryKey: ["pools"],
  queryFn: ({ signal }) => getList<Pool>("/pools", undefined, signal),
});

export const runnerQuery = (id: number) =>
  queryOptions({
    queryKey: ["runners", id],
    queryFn: ({ signal }) => get<Runner>(`/runners/${id}`, undefined, signal),
  });

/** What a device did in the last seconds, as far back as it is kept. */
export const deviceQuery = (runnerId: number, index: number, seconds: number, maxPoints = 400) =>
  queryOptions({
    queryKey: ["device", runnerId, index, seconds],
    queryFn: ({ signal }) =>
      get<DeviceSeries>(
        `/runners/${runnerId}/devices/${index}/samples`,
        { from: new Date(Date.now() - seconds * 1000).toISOString(), maxPoints },
        signal,
      ),
    placeholderData: (previous: DeviceSeries | undefined, query) =>
      query?.queryKey[1] === runnerId && query.queryKey[2] === index ? previous : undefined,
  });

export const sweepsQuery = infiniteQueryOptions({
  queryKey: ["sweeps"],
  queryFn: ({ pageParam, signal }) => get<Page<Sweep>>("/sweeps", { limit: 50, after: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next ?? undefined,
});

export const experimentsQuery = infiniteQueryOptions({
  queryKey: ["experiments"],
  queryFn: ({ pageParam, signal }) => get<Page<Experiment>>("/experiments", { limit: 50, after: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next ?? undefined,
});

export const experimentQuery = (id: number) =>
  queryOptions({
    queryKey: ["experiments", id],
    queryFn: ({ signal }) => get<Experiment>(`/experiments/${id}`, undefined, signal),
  });

export const ledgerQuery = (id: number) =>
  queryOptions({
    queryKey: ["ledger", id],
    queryFn: ({ signal }) => get<Ledger>(`/experiments/${id}/ledger`, undefined, signal),
  });

export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: ({ signal }) => getList<Schedule>("/schedules", { limit: 200 }, signal),
});

export const sweepQuery = (id: number) =>
  queryOptions({
    queryKey: ["sweep", id],
    queryFn: ({ signal }) => get<Sweep>(`/sweeps/${id}`, undefined, signal),
  });

export const fitsQuery = (sweepId: number) =>
  queryOptions({
    queryKey: ["fits", sweepId],
    queryFn: ({ signal }) => getList<Fit>(`/sweeps/${sweepId}/fits`, undefined, signal),
  });

/** A fit never changes, and what is asked of it follows from its record. */
const FOR_GOOD = Number.POSITIVE_INFINITY;

/** The points of a fit by every method. */
export const fitMethodsQuery = (fitId: number, target: number | undefined) =>
  queryOptions({
    queryKey: ["fit", fitId, "methods", target],
    queryFn: ({ signal }) => get<FitMethods>(`/fits/${fitId}/methods`, { target }, signal),
    staleTime: FOR_GOOD,
  });

export const fitProfileQuery = (fitId: number) =>
  queryOptions({
    queryKey: ["fit", fitId, "profile"],
    queryFn: ({ signal }) => get<FitProfile>(`/fits/${fitId}/profile`, undefined, signal),
    staleTime: FOR_GOOD,
  });

/** What a fit says of one budget. */
export const fitTargetQuery = (fitId: number, flops: number) =>
  queryOptions({
    queryKey: ["fit", fitId, "target", flops],
    queryFn: ({ signal }) => get<FitTarget>(`/fits/${fitId}/optimum`, { flops }, signal),
    staleTime: FOR_GOOD,
    retry: false,
  });

/** A fit (b) beside an older one (a). */
export const fitComparisonQuery = (older: number, fitId: number, target: number | undefined) =>
  queryOptions({
    queryKey: ["fit", fitId, "beside", older, target],
    queryFn: ({ signal }) => get<FitComparison>(`/fits/${older}/comparison`, { with: fitId, target }, signal),
    staleTime: FOR_GOOD,
    retry: false,
  });

export interface PredictionFilter {
  experiment?: number;
  fit?: number;
  state?: PredictionState;
  covered?: boolean;
  sort?: string;
}

export const predictionsQuery = (filter: PredictionFilter) =>
  infiniteQueryOptions({
    queryKey: ["predictions", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Prediction>>("/predictions", { ...filter, limit: PAGE_SIZE, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const predictionSummaryQuery = (filter: Pick<PredictionFilter, "experiment" | "fit">) =>
  queryOptions({
    queryKey: ["predictions", "summary", filter],
    queryFn: ({ signal }) => get<PredictionSummary>("/predictions/summary", { ...filter }, signal),
  });

/** What was predicted of a run: one prediction of each fit that was asked. */
export const runPredictionsQuery = (runId: number) =>
  queryOptions({
    queryKey: ["predictions", "run", runId],
    queryFn: ({ signal }) => getList<Prediction>("/predictions", { run: runId, limit: 200 }, signal),
  });

export const runsQuery = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ["runs", filter],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Run>>(
        "/runs",
        {
          sweep: filter.sweep,
          state: filter.state,
          kind: filter.kind,
          model: filter.model,
          q: filter.q,
          sort: filter.sort,
          limit: PAGE_SIZE,
          after: pageParam,
        },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

/** Every run of a sweep: a sweep is hundreds of runs at most, and its figures need them all. */
/** Pretraining runs of an experiment that have not begun, at most 200: those that can still be predicted. */
export const waitingRunsQuery = (experimentId: number) =>
  queryOptions({
    queryKey: ["waiting-runs", experimentId],
    queryFn: async ({ signal }) => {
      const [sweeps, runs] = await Promise.all([
        getList<Sweep>("/sweeps", { limit: 200 }, signal),
        getList<Run>("/runs", { state: ["queued"], kind: "pretrain", limit: 200 }, signal),
      ]);
      const own = new Set(sweeps.filter((sweep) => sweep.experimentId === experimentId).map((sweep) => sweep.id));
      return runs.filter((run) => run.sweepId !== undefined && own.has(run.sweepId));
    },
  });

export const sweepRunsQuery = (sweepId: number) =>
  queryOptions({
    queryKey: ["sweep-runs", sweepId],
    queryFn: async ({ signal }) => {
      const runs: Run[] = [];
      let after: string | undefined;
      do {
        const page: Page<Run> = await get("/runs", { sweep: sweepId, limit: 200, after }, signal);
        runs.push(...page.items);
        after = page.next ?? undefined;
      } while (after);
      return runs;
    },
  });

export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: ({ signal }) => get<RunDetail>(`/runs/${id}`, undefined, signal),
  });

/** Where the run's time goes; null until an attempt has told. */
/** Where a run on its way will end, against what the newest fit of runs like it says. */
export const outlookQuery = (id: number) =>
  queryOptions({
    queryKey: ["outlook", id],
    queryFn: ({ signal }) => get<Outlook>(`/runs/${id}/outlook`, undefined, signal),
  });

export const profileQuery = (id: number) =>
  queryOptions({
    queryKey: ["profile", id],
    queryFn: async ({ signal }): Promise<Profile | null> => {
      try {
        return await get<Profile>(`/runs/${id}/profile`, undefined, signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });

export const attemptsQuery = (id: number) =>
  queryOptions({
    queryKey: ["attempts", id],
    queryFn: ({ signal }) => getList<Attempt>(`/runs/${id}/attempts`, undefined, signal),
  });

export const eventsQuery = (id: number) =>
  queryOptions({
    queryKey: ["events", id],
    queryFn: ({ signal }) => getList<RunEvent>(`/runs/${id}/events`, undefined, signal),
  });

export const checkpointsQuery = (id: number) =>
  queryOptions({
    queryKey: ["checkpoints", id],
    queryFn: ({ signal }) => getList<Checkpoint>(`/runs/${id}/checkpoints`, undefined, signal),
  });

export const headsQuery = (id: number) =>
  queryOptions({
    queryKey: ["heads", id],
    queryFn: ({ signal }) => getList<MetricHead>(`/runs/${id}/metrics`, undefined, signal),
  });

/** @param range steps, both ends included; without it the whole series */
export const seriesQuery = (id: number, name: string, range?: { from?: number; to?: number }, maxPoints = 1000) =>
  queryOptions({
    queryKey: ["series", id, name, range?.from ?? null, range?.to ?? null, maxPoints],
    queryFn: ({ signal }) =>
      get<Series>(`/runs/${id}/metrics/series`, { name, from: range?.from, to: range?.to, maxPoints }, signal),
    placeholderData: (previous: Series | undefined, query) =>
      query?.queryKey[1] === id && query.queryKey[2] === name ? previous : undefined,
  });
