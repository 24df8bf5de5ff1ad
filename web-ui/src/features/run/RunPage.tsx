import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError, cancel, release } from "../../api/client";
import { usePolling, useTopics } from "../../api/live";
import { runQuery } from "../../api/queries";
import type { Run, RunDetail } from "../../api/types";
import { clock, count, duration, flop, integer, loss, percent, quantity } from "../../lib/format";
import { isOver, runShare, secondsLeft } from "../../lib/progress";
import { RUN_TABS, type RunTab } from "../../lib/urlState";
import { Button, ErrorNotice, Fact, Facts, Notice, ProgressBar, StateChip, Tabs, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { RunPredictions } from "../predictions/RunPredictions";
import { ArtifactsTab } from "./ArtifactsTab";
import { AttemptsTab } from "./AttemptsTab";
import { ConfigTab } from "./ConfigTab";
import { CurvesTab } from "./CurvesTab";
import { LogsTab } from "./LogsTab";
import { ProfileTab } from "./ProfileTab";
import css from "./run.module.css";

const TAB_LABEL: Record<RunTab, string> = {
  curves: "Curves",
  profile: "Profile",
  config: "Configuration",
  attempts: "Attempts and events",
  logs: "Logs",
  artifacts: "Checkpoints and files",
};

export function RunPage() {
  const { id } = useParams({ from: "/shell/runs/$id" });
  const search = useSearch({ from: "/shell/runs/$id" });
  const navigate = useNavigate({ from: "/runs/$id" });
  useTopics(`run:${id}`);
  const refetchInterval = usePolling();
  const detail = useQuery({ ...runQuery(id), refetchInterval });
  useTitle(detail.data?.run.name ?? `Run ${id}`);
  if (detail.isError && !detail.data) {
    const gone = detail.error instanceof ApiError && detail.error.status === 404;
    return gone ? (
      <Notice>
        There is no run {id}. <Link to="/runs">All runs</Link>
      </Notice>
    ) : (
      <ErrorNotice what="The run could not be loaded." error={detail.error} />
    );
  }
  if (!detail.data) return <p className={ui.muted}>Loading…</p>;
  const { run } = detail.data;
  const tab =
    search.tab ??
    (run.kind === "pretrain" || (run.kind === "command" && run.state === "succeeded") ? "curves" : "logs");
  return (
    <div className={ui.stack}>
      <Header run={run} waiting={detail.data.waiting} />
      {run.kind === "pretrain" && <RunPredictions runId={id} />}
      <Tabs
        label="Parts of the run"
        value={tab}
        onChange={(next) => navigate({ search: (old) => ({ ...old, tab: next }), resetScroll: false })}
        choices={RUN_TABS.map((value) => ({ value, label: TAB_LABEL[value] }))}
      />
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "curves" && <CurvesTab run={run} />}
        {tab === "profile" && <ProfileTab run={run} />}
        {tab === "config" && <ConfigTab detail={detail.data} />}
        {tab === "attempts" && <AttemptsTab detail={detail.data} />}
        {tab === "logs" && <LogsTab run={run} />}
        {tab === "artifacts" && <ArtifactsTab id={id} result={detail.data.result} />}
      </div>
    </div>
  );
}

function Header({ run, waiting }: { run: Run; waiting: RunDetail["waiting"] }) {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const again = async () => {
    if (!window.confirm(`Queue ${run.name} again, with all its retries? It goes on from its last checkpoint.`)) return;
    setBusy(true);
    setError(undefined);
    try {
      await release(`/runs/${run.id}`);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
      cache.invalidateQueries({ queryKey: ["run", run.id] });
    }
  };
  const stop = async () => {
    if (!window.confirm(`Cancel ${run.name}? What it trained so far stays, but it will not go on.`)) return;
    setBusy(true);
    setError(undefined);
    try {
      await cancel(`/runs/${run.id}`);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
      cache.invalidateQueries({ queryKey: ["run", run.id] });
    }
  };
  const share = runShare(run);
  const left = secondsLeft(run);
  return (
    <>
      <div className={ui.titleRow}>
        <div>
          <div className={ui.crumb}>
            {run.sweepId === undefined ? (
              <Link to="/runs">Runs</Link>
            ) : (
              <Link to="/sweeps/$id" params={{ id: run.sweepId }}>
                {run.sweep ?? `sweep ${run.sweepId}`}
              </Link>
            )}{" "}
            / {run.kind}
          </div>
          <h1>{run.name}</h1>
        </div>
        <StateChip state={run.state} />
        {run.diverged && <span className={ui.muted}>diverged</span>}
        <div className={ui.end}>
          {!isOver(run.state) && (
            <Button look="danger" disabled={busy} onClick={stop}>
              Cancel run
            </Button>
          )}
          {run.state === "failed" && (
            <Button disabled={busy} onClick={again}>
              Release run
            </Button>
          )}
        </div>
      </div>
      {error !== undefined && (
        <ErrorNotice what={`The run was not ${run.state === "failed" ? "released" : "cancelled"}.`} error={error} />
      )}
      {waiting && (
        <Notice>
          {waiting.reason}
          {waiting.until && ` It may go on from ${clock(waiting.until)}.`}
        </Notice>
      )}
      {run.failure && (
        <Notice kind="bad">
          <strong>{run.failure.code}</strong> ({run.failure.category}): {run.failure.message}
        </Notice>
      )}
      {run.waitsFor !== undefined && (
        <Notice>
          Waits for{" "}
          <Link to="/runs/$id" params={{ id: run.waitsFor }}>
            run {run.waitsFor}
          </Link>{" "}
          to succeed.
        </Notice>
      )}
      <div className={ui.panel}>
        <div className={ui.stack}>
          <Facts label="The run in numbers">
            {run.parameters > 0 && (
              <>
                <Fact name="Parameters N" title={`${integer(run.parameters)} with embeddings`}>
                  {count(run.parameters)} <small>{count(run.nonEmbeddingParameters)} non-embedding</small>
                </Fact>
                <Fact name="Tokens D" title={`${integer(run.tokens)} tokens`}>
                  {count(run.tokens)}
                </Fact>
                <Fact name="Compute C" title={`${flop(run.flopsExact)} counted matrix by matrix`}>
                  {flop(run.flops)} <small>{flop(run.flopsExact)} exact</small>
                </Fact>
                <Fact name="Train loss">{loss(run.trainLoss)}</Fact>
                <Fact name="Held-out loss">{loss(run.finalLoss)}</Fact>
                <Fact name="Bits per byte">{loss(run.bitsPerByte)}</Fact>
                <Fact name="Tokens/s">{count(run.tokensPerSecond)}</Fact>
                <Fact name="Peak LR">{quantity(run.learningRate)}</Fact>
                <Fact name="Seed">{integer(run.seed)}</Fact>
              </>
            )}
            <Fact name="Attempt">{integer(run.attempt)}</Fact>
            <Fact name="Started">{clock(run.startedAt)}</Fact>
            {run.startedAt && run.finishedAt && (
              <Fact name="Took">{duration((Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000)}</Fact>
            )}
            {run.kind === "command" && <Fact name="Step">{integer(run.step)}</Fact>}
            {run.runner && <Fact name="Runner">{run.runner}</Fact>}
          </Facts>
          {!isOver(run.state) && run.tokens > 0 && (
            <div className={css.progress}>
              <ProgressBar share={share} label={`Progress: ${percent(share)}`} />
              <span>
                step {integer(run.step)} of {integer(run.steps)} · {percent(share)}
                {left !== undefined && ` · ${duration(left)} left`}
              </span>
            </div>
          )}
        </div>
      </div>
    </>
  );
}
