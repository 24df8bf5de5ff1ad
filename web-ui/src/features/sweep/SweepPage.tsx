import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { ApiError, apiUrl, cancel } from "../../api/client";
import { usePolling, useTopics } from "../../api/live";
import { fitsQuery, sweepQuery, sweepRunsQuery } from "../../api/queries";
import type { Run, Sweep } from "../../api/types";
import { ago, clock, duration, flop, integer } from "../../lib/format";
import { ended, isOver, sweepSecondsLeft } from "../../lib/progress";
import { isoflop, plannedWithEmbeddings } from "../../lib/spec";
import { FIT_VIEWS, METHODS, type SweepSearch } from "../../lib/urlState";
import { Button, buttonClass, CountsBar, ErrorNotice, Notice, Segmented, StateChip, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { Additions } from "./Additions";
import { useAim } from "./aim";
import { Beside } from "./Beside";
import { FitFigures } from "./FitFigures";
import { FitSide } from "./FitSide";
import { linesOf } from "./lines";
import { MethodsView } from "./MethodsView";
import { awaitsFit, choose, VIEW_LABEL } from "./model";
import { PredictDialog } from "./PredictDialog";
import { ProfileFigures } from "./ProfileFigures";
import { RefitDialog } from "./RefitDialog";
import { SurfaceFigures } from "./SurfaceFigures";
import { SweepRuns } from "./SweepRuns";
import css from "./sweep.module.css";

const NO_RUNS: Run[] = [];

export function SweepPage() {
  const { id } = useParams({ from: "/shell/sweeps/$id" });
  const search = useSearch({ from: "/shell/sweeps/$id" });
  const navigate = useNavigate({ from: "/sweeps/$id" });
  const update = (change: Partial<SweepSearch>) =>
    navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
  useTopics(`sweep:${id}`);
  const sweep = useQuery({ ...sweepQuery(id), refetchInterval: usePolling() });
  const live = sweep.data !== undefined && !isOver(sweep.data.state);
  const refetchInterval = usePolling(live);
  const runs = useQuery({ ...sweepRunsQuery(id), refetchInterval });
  const whileAwaited = usePolling();
  const fits = useQuery({
    ...fitsQuery(id),
    refetchInterval: ({ state }) =>
      live || (sweep.data && isoflop(sweep.data) && awaitsFit(sweep.data, state.data ?? [])) ? whileAwaited : false,
  });
  const [refitting, setRefitting] = useState(false);
  const [predicting, setPredicting] = useState(false);
  useTitle(sweep.data?.name ?? `Sweep ${id}`);
  const sweepCounts = sweep.data === undefined || plannedWithEmbeddings(sweep.data);
  const found = useMemo(() => choose(fits.data ?? [], search, sweepCounts), [fits.data, search, sweepCounts]);
  const rest = useCallback(
    (c: number) => navigate({ search: (old) => ({ ...old, c }), replace: true, resetScroll: false }),
    [navigate],
  );
  const { fit, aim } = useAim(found.fit, search.c, rest);
  const chosen = useMemo(() => ({ ...found, fit }), [found, fit]);
  // a parametric fit has no parabolas: those of the other method say as well which budgets are lines
  const parabolas = found.fit?.method === "isoflop" ? found.fit : found.other;
  const lines = useMemo(() => linesOf(runs.data ?? NO_RUNS, parabolas), [runs.data, parabolas]);

  if (sweep.isError && !sweep.data) {
    const gone = sweep.error instanceof ApiError && sweep.error.status === 404;
    return gone ? (
      <Notice>
        There is no sweep {id}. <Link to="/sweeps">All sweeps</Link>
      </Notice>
    ) : (
      <ErrorNotice what="The sweep could not be loaded." error={sweep.error} />
    );
  }
  if (!sweep.data) return <p className={ui.muted}>Loading…</p>;
  const fitted = isoflop(sweep.data) !== undefined;
  return (
    <div className={ui.stack}>
      <Header sweep={sweep.data} runs={runs.data ?? NO_RUNS} onRefit={() => setRefitting(true)} />
      {fitted && (
        <>
          <div className={css.controls}>
            <Segmented
              label="Fit method"
              value={chosen.view}
              onChange={(view) =>
                update({ method: view === chosen.standard ? undefined : view, fit: undefined, with: undefined })
              }
              choices={FIT_VIEWS.map((value) => ({ value, label: VIEW_LABEL[value] }))}
            />
            <Segmented
              label="What N counts"
              value={chosen.embeddings ? "all" : "non"}
              onChange={(n) => update({ n: (n === "all") === sweepCounts ? undefined : n, fit: undefined })}
              choices={[
                { value: "all", label: "N with embeddings" },
                { value: "non", label: "without" },
              ]}
            />
            {(fits.data?.length ?? 0) > 0 && (
              <select
                className={ui.input}
                aria-label="Fit"
                value={search.fit ?? ""}
                onChange={(event) => update({ fit: event.target.value ? Number(event.target.value) : undefined })}
              >
                <option value="">Newest fit</option>
                {fits.data?.map((fit) => (
                  <option key={fit.id} value={fit.id}>
                    #{fit.id} {fit.method}, {fit.points.length} points
                    {fit.excluded.length ? `, ${fit.excluded.length} left out` : ""}, {clock(fit.createdAt)}
                  </option>
                ))}
              </select>
            )}
            {(fits.data?.length ?? 0) > 1 && chosen.fit && chosen.view !== "all" && (
              <select
                className={ui.input}
                aria-label="Beside which fit"
                value={search.with ?? ""}
                onChange={(event) => update({ with: event.target.value ? Number(event.target.value) : undefined })}
              >
                <option value="">Beside no other</option>
                {fits.data
                  ?.filter((one) => one.id !== chosen.fit?.id)
                  .map((one) => (
                    <option key={one.id} value={one.id}>
                      beside #{one.id} {one.method}, {one.points.length} points
                    </option>
                  ))}
              </select>
            )}
            <span />
          </div>
          {fits.isError && <ErrorNotice what="The fits could not be loaded." error={fits.error} />}
          {chosen.fit && chosen.older && chosen.older.id !== chosen.fit.id && (
            <Beside
              fit={chosen.fit}
              older={chosen.older}
              target={aim?.moving ? undefined : aim?.flops}
              onClose={() => update({ with: undefined })}
            />
          )}
          {chosen.view === "all" && chosen.fit ? (
            <MethodsView sweep={sweep.data} fit={chosen.fit} aim={aim} />
          ) : (
            <>
              <div className={css.top}>
                <FitFigures.Main sweep={sweep.data} runs={runs.data ?? NO_RUNS} chosen={chosen} lines={lines} />
                <FitSide
                  sweep={sweep.data}
                  chosen={chosen}
                  lines={lines}
                  aim={aim}
                  onRefit={() => setRefitting(true)}
                  onPredict={() => setPredicting(true)}
                />
              </div>
              <FitFigures.Rest sweep={sweep.data} runs={runs.data ?? NO_RUNS} chosen={chosen} lines={lines} aim={aim} />
              <SurfaceFigures sweep={sweep.data} runs={runs.data ?? NO_RUNS} chosen={chosen} lines={lines} />
              {chosen.fit && <ProfileFigures sweep={sweep.data} fit={chosen.fit} />}
            </>
          )}
        </>
      )}
      <SweepRuns sweep={sweep.data} runs={runs.data ?? NO_RUNS} fit={chosen.fit} />
      {refitting && (
        <RefitDialog
          sweep={sweep.data}
          runs={runs.data ?? NO_RUNS}
          chosen={chosen}
          onClose={() => setRefitting(false)}
          onDone={(method, embeddings) => {
            setRefitting(false);
            const same = method === chosen.method && embeddings === chosen.embeddings;
            update({
              method: method === chosen.standard ? undefined : METHODS.find((known) => known === method),
              n: embeddings === sweepCounts ? undefined : embeddings ? "all" : "non",
              fit: undefined,
              // the new one stands beside the one it was made from
              with: same ? chosen.fit?.id : undefined,
            });
          }}
        />
      )}
      {predicting && chosen.fit && (
        <PredictDialog sweep={sweep.data} fit={chosen.fit} onClose={() => setPredicting(false)} />
      )}
    </div>
  );
}

function Header({ sweep, runs, onRefit }: { sweep: Sweep; runs: Run[]; onRefit: () => void }) {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const { done, total } = ended(sweep);
  const left = sweepSecondsLeft(sweep, runs);
  const over = isOver(sweep.state);
  const stop = async () => {
    if (!window.confirm(`Cancel every run of ${sweep.name} that has not ended?`)) return;
    setError(undefined);
    try {
      await cancel(`/sweeps/${sweep.id}`);
    } catch (failure) {
      setError(failure);
    }
    cache.invalidateQueries({ queryKey: ["sweep", sweep.id] });
    cache.invalidateQueries({ queryKey: ["sweep-runs", sweep.id] });
  };
  const took =
    sweep.startedAt && sweep.finishedAt
      ? duration((Date.parse(sweep.finishedAt) - Date.parse(sweep.startedAt)) / 1000)
      : undefined;
  return (
    <>
      <div className={ui.titleRow}>
        <div>
          <div className={ui.crumb}>
            <Link to="/sweeps">Sweeps</Link> / {sweep.experiment}
          </div>
          <h1>{sweep.name}</h1>
        </div>
        <StateChip state={sweep.state} />
        <div className={ui.end}>
          {isoflop(sweep) && <Button onClick={onRefit}>Refit…</Button>}
          <a className={buttonClass()} href={apiUrl(`/sweeps/${sweep.id}/export.csv`)} download>
            Export CSV
          </a>
          <a className={buttonClass()} href={apiUrl(`/sweeps/${sweep.id}/export.parquet`)} download>
            Parquet
          </a>
          {!over && (
            <Button look="danger" onClick={stop}>
              Cancel sweep
            </Button>
          )}
        </div>
      </div>
      {error !== undefined && <ErrorNotice what="The sweep was not cancelled." error={error} />}
      <div className={css.state}>
        <CountsBar counts={sweep.counts} label="Runs" />
        <span>
          {done} of {total} runs
          {isoflop(sweep) && ` · ${flop(sweep.doneFlops)} of ${flop(sweep.plannedFlops)}`}
          {left !== undefined && ` · about ${duration(left)} left`}
          {took && ` · took ${took}`}
          {(sweep.counts.failed ?? 0) > 0 && ` · ${integer(sweep.counts.failed)} failed`}
          {` · submitted ${ago(sweep.createdAt)}`}
        </span>
      </div>
      <Additions sweep={sweep} />
    </>
  );
}
