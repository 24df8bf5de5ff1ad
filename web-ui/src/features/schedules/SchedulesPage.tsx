import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "../../api/client";
import { usePolling } from "../../api/live";
import { schedulesQuery } from "../../api/queries";
import type { Fire, Schedule } from "../../api/types";
import { ago } from "../../lib/format";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { ScheduleDialog } from "./ScheduleDialog";
import css from "./schedules.module.css";
import { CATCH_UP, inTime, localTime, OVERLAP } from "./words";

export function SchedulesPage() {
  useTitle("Schedules");
  // a fire is no event of the live stream: asked for every few seconds, also while that is up
  const polling = usePolling();
  const [adding, setAdding] = useState(false);
  const query = useQuery({ ...schedulesQuery, refetchInterval: polling || 5000 });
  if (query.isError && !query.data)
    return <ErrorNotice what="The schedules could not be loaded." error={query.error} />;
  return (
    <div className={ui.stack}>
      <div className={css.head}>
        <h1>Schedules</h1>
        <Button look="primary" onClick={() => setAdding(true)}>
          New schedule
        </Button>
      </div>
      {adding && <ScheduleDialog onClose={() => setAdding(false)} />}
      <Panel>
        {query.isPending ? (
          <p className={ui.muted}>Loading…</p>
        ) : query.data?.length ? (
          <SchedulesTable schedules={query.data} />
        ) : (
          <p className={ui.empty}>
            No schedule yet. Make one here, or write a file with a name, a cron expression, a zone and a sweep and add
            it with <code>isoflop schedule add FILE</code>.
          </p>
        )}
      </Panel>
    </div>
  );
}

function SchedulesTable({ schedules }: { schedules: Schedule[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Schedules">
      <table className={`${ui.table} ${css.table}`}>
        <thead>
          <tr>
            <th scope="col">Schedule</th>
            <th scope="col">When</th>
            <th scope="col">Next</th>
            <th scope="col">Last fires, and what they did</th>
            <th scope="col">
              <span className={css.hidden}>Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {schedules.map((schedule) => (
            <Row key={schedule.id} schedule={schedule} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ schedule }: { schedule: Schedule }) {
  return (
    <tr>
      <td>
        <strong>{schedule.name}</strong>
        <div className={css.small}>experiment {schedule.spec.experiment}</div>
      </td>
      <td>
        <code>{schedule.cron}</code>
        <div className={css.small}>{schedule.zone}</div>
        <div className={css.small}>
          {OVERLAP[schedule.overlap]}; {CATCH_UP[schedule.catchUp](schedule.catchUpLimit)}
        </div>
      </td>
      <td>
        <Next schedule={schedule} />
      </td>
      <td>
        {schedule.recent.length === 0 ? (
          <span className={ui.muted}>none yet</span>
        ) : (
          <ul className={css.fires}>
            {schedule.recent.map((fire) => (
              <FireLine key={fire.id} fire={fire} />
            ))}
          </ul>
        )}
      </td>
      <td>
        <Actions schedule={schedule} />
      </td>
    </tr>
  );
}

function Next({ schedule }: { schedule: Schedule }) {
  const [first, ...rest] = schedule.next;
  if (schedule.paused) return <span className={ui.muted}>paused</span>;
  if (!first) return <span className={ui.muted}>never again</span>;
  return (
    <details className={css.next}>
      <summary>
        <span title={first.at}>{localTime(first.local)}</span>
        <span className={css.small}>
          {" "}
          {inTime(first.at)}
          {schedule.next.some((time) => time.note) && ", clocks change"}
        </span>
      </summary>
      <ol>
        {[first, ...rest].map((time) => (
          <li key={time.at}>
            {localTime(time.local)} {time.note && <span className={css.note}>{time.note}</span>}
          </li>
        ))}
      </ol>
    </details>
  );
}

const DOT: Record<Fire["state"], string | undefined> = {
  pending: ui.queued,
  submitted: ui.succeeded,
  skipped: ui.cancelled,
  missed: ui.suspect,
  failed: ui.failed,
};

const ORIGIN: Record<Fire["origin"], string> = {
  cron: "",
  repair: "late",
  "catch-up": "caught up",
  manual: "by hand",
};

function FireLine({ fire }: { fire: Fire }) {
  return (
    <li>
      <span className={ui.chip} data-state={fire.state}>
        <span className={`${ui.dot} ${DOT[fire.state] ?? ""}`} aria-hidden="true" />
        {fire.state}
      </span>{" "}
      <span title={`${fire.local}, ${ago(fire.at)}`}>{localTime(fire.local)}</span>
      {ORIGIN[fire.origin] && <span className={css.small}> {ORIGIN[fire.origin]}</span>}{" "}
      {fire.sweepId !== undefined && (
        <Link to="/sweeps/$id" params={{ id: fire.sweepId }}>
          sweep {fire.sweepId}
        </Link>
      )}
      {fire.reason && <div className={css.small}>{fire.reason}</div>}
    </li>
  );
}

function Actions({ schedule }: { schedule: Schedule }) {
  const cache = useQueryClient();
  const [changing, setChanging] = useState(false);
  const act = useMutation({
    mutationFn: (what: "pause" | "resume" | "fires") => post(`/schedules/${schedule.id}/${what}`),
    onSettled: () => cache.invalidateQueries({ queryKey: schedulesQuery.queryKey }),
  });
  return (
    <div className={css.actions}>
      <Button
        small
        disabled={act.isPending}
        aria-label={`${schedule.paused ? "Resume" : "Pause"} ${schedule.name}`}
        onClick={() => act.mutate(schedule.paused ? "resume" : "pause")}
      >
        {schedule.paused ? "Resume" : "Pause"}
      </Button>
      <Button
        small
        disabled={act.isPending}
        aria-label={`Run ${schedule.name} now`}
        onClick={() => act.mutate("fires")}
      >
        Run now
      </Button>
      <Button small aria-label={`Change ${schedule.name}`} onClick={() => setChanging(true)}>
        Change
      </Button>
      {changing && <ScheduleDialog schedule={schedule} onClose={() => setChanging(false)} />}
      {act.isError && <ErrorNotice what="That did not work." error={act.error} />}
    </div>
  );
}
