import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError, remove } from "../../api/client";
import { usePolling } from "../../api/live";
import { runnerQuery } from "../../api/queries";
import type { Runner } from "../../api/types";
import { ago, bytes, clock } from "../../lib/format";
import { SPANS, type Span } from "../../lib/urlState";
import { Button, ErrorNotice, Fact, Facts, Notice, Segmented, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { DevicePanel } from "./DevicePanel";
import { SPAN_LABEL } from "./devices";
import { RunnerChip } from "./RunnerChip";

/** Samples come with the runner's heartbeats, which no event tells. */
const HEARTBEAT_MILLIS = 10_000;

export function RunnerPage() {
  const { id } = useParams({ from: "/shell/runners/$id" });
  const search = useSearch({ from: "/shell/runners/$id" });
  const navigate = useNavigate({ from: "/runners/$id" });
  const polling = usePolling() || HEARTBEAT_MILLIS;
  const refetchInterval = Math.min(polling, HEARTBEAT_MILLIS);
  const query = useQuery({ ...runnerQuery(id), refetchInterval });
  useTitle(query.data?.name ?? `Runner ${id}`);
  if (query.isError && !query.data) {
    return query.error instanceof ApiError && query.error.status === 404 ? (
      <Notice>
        There is no runner {id}. <Link to="/runners">All runners</Link>
      </Notice>
    ) : (
      <ErrorNotice what="The runner could not be loaded." error={query.error} />
    );
  }
  if (!query.data) return <p className={ui.muted}>Loading…</p>;
  const runner = query.data;
  const span = search.last ?? "1h";
  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <div>
          <div className={ui.crumb}>
            <Link to="/runners">Runners</Link> / {runner.pool}
          </div>
          <h1>{runner.name}</h1>
        </div>
        <RunnerChip state={runner.state} />
        {runner.devices.length > 0 && (
          <div className={ui.end}>
            <Segmented<Span>
              label="Time shown"
              value={span}
              onChange={(last) =>
                navigate({ search: { last: last === "1h" ? undefined : last }, replace: true, resetScroll: false })
              }
              choices={SPANS.map((value) => ({ value, label: SPAN_LABEL[value] }))}
            />
          </div>
        )}
      </div>
      {runner.trouble && <Notice kind="bad">{runner.trouble}</Notice>}
      {runner.setAside && <SetAside runner={runner} setAside={runner.setAside} />}
      <div className={ui.panel}>
        <RunnerFacts runner={runner} />
      </div>
      {runner.devices.length === 0 ? (
        <p className={ui.empty}>This runner offers no GPU; it trains on its processor.</p>
      ) : (
        runner.devices.map((device) => (
          <DevicePanel
            key={device.index}
            runner={runner}
            device={device}
            span={span}
            refetchInterval={runner.state === "gone" ? false : refetchInterval}
          />
        ))
      )}
    </div>
  );
}

/** Why it is granted nothing, and the way back for an admin. */
function SetAside({ runner, setAside }: { runner: Runner; setAside: NonNullable<Runner["setAside"]> }) {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const clear = async () => {
    if (!window.confirm(`Grant runs to ${runner.name} again? Its device errors are forgotten.`)) return;
    setError(undefined);
    try {
      await remove(`/runners/${runner.id}/set-aside`);
    } catch (failure) {
      setError(failure);
    } finally {
      cache.invalidateQueries({ queryKey: ["runner", runner.id] });
      cache.invalidateQueries({ queryKey: ["runners"] });
    }
  };
  return (
    <>
      <Notice kind="bad">
        Set aside until {clock(setAside.until)}: {setAside.reason}{" "}
        <Button onClick={clear}>Take back into service</Button>
      </Notice>
      {error !== undefined && <ErrorNotice what="The runner was not taken back." error={error} />}
    </>
  );
}

function RunnerFacts({ runner }: { runner: Runner }) {
  return (
    <Facts label="The runner in numbers">
      <Fact name="Host">
        {runner.host} <small>pid {runner.pid}</small>
      </Fact>
      <Fact name="Version">{runner.version}</Fact>
      <Fact name="Cores">{runner.cores}</Fact>
      <Fact name="Memory">{bytes(runner.memoryBytes)}</Fact>
      <Fact name="Slots busy">
        {runner.runs.length} of {runner.slots}
      </Fact>
      <Fact name="Since">{clock(runner.registeredAt)}</Fact>
      <Fact name="Seen">{ago(runner.lastSeen)}</Fact>
      {runner.runs.length > 0 && (
        <Fact name="Runs">
          {runner.runs.slice(0, 12).map((run, i) => (
            <span key={run}>
              {i > 0 && ", "}
              <Link to="/runs/$id" params={{ id: run }}>
                {run}
              </Link>
            </span>
          ))}
          {runner.runs.length > 12 && <small> and {runner.runs.length - 12} more</small>}
        </Fact>
      )}
    </Facts>
  );
}
