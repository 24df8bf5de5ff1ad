import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { getList, post, request } from "../../api/client";
import { schedulesQuery } from "../../api/queries";
import type { CreateSchedule, Schedule, Sweep } from "../../api/types";
import { Button, Check, ErrorNotice, ui } from "../../ui/parts";
import css from "./schedules.module.css";
import { specOf, template } from "./words";

const ZONES = ["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])];

/** Makes a schedule, or changes the one given: nothing of it if somebody else has changed it since the dialog was opened. */
export function ScheduleDialog({ schedule, onClose }: { schedule?: Schedule; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const cache = useQueryClient();
  const [name, setName] = useState(schedule?.name ?? "");
  const [cron, setCron] = useState(schedule?.cron ?? "30 2 * * *");
  const [zone, setZone] = useState(schedule?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  const [overlap, setOverlap] = useState<Schedule["overlap"]>(schedule?.overlap ?? "SKIP");
  const [catchUp, setCatchUp] = useState<Schedule["catchUp"]>(schedule?.catchUp ?? "SKIP");
  const [limit, setLimit] = useState(String(schedule?.catchUpLimit ?? 10));
  const [paused, setPaused] = useState(schedule?.paused ?? false);
  const [spec, setSpec] = useState(schedule ? template(schedule.spec) : "");
  // the page asks again every few seconds: compared with what was there when the dialog was opened
  const [seen] = useState({ "If-Match": `"${schedule?.version}"` });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const sweeps = useQuery({
    queryKey: ["sweeps", "to-start-from"],
    queryFn: ({ signal }) => getList<Sweep>("/sweeps", { limit: 50 }, signal),
  });
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const attempt = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      await cache.invalidateQueries({ queryKey: schedulesQuery.queryKey });
      dialog.current?.close();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    return attempt(async () => {
      const body: CreateSchedule = {
        name,
        cron,
        zone,
        overlap,
        catchUp,
        catchUpLimit: Number(limit),
        paused,
        spec: specOf(spec),
      };
      return schedule
        ? request("PUT", `/schedules/${schedule.id}`, { body, headers: seen })
        : post<Schedule>("/schedules", body);
    });
  };
  return (
    <dialog ref={dialog} className={ui.dialog} aria-labelledby="schedule-title" onClose={onClose}>
      <form className={css.form} onSubmit={save}>
        <h2 id="schedule-title">{schedule ? `Change ${schedule.name}` : "New schedule"}</h2>
        <div className={css.fields}>
          <label className={ui.field}>
            Name
            <input
              className={ui.input}
              required
              maxLength={160}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <label className={ui.field}>
            Cron (minute, hour, day, month, weekday)
            <input className={ui.input} required value={cron} onChange={(event) => setCron(event.target.value)} />
          </label>
          <label className={ui.field}>
            Time zone
            <input
              className={ui.input}
              required
              list="zones"
              value={zone}
              onChange={(event) => setZone(event.target.value)}
            />
            <datalist id="zones">
              {ZONES.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </label>
          <label className={ui.field}>
            While the one before is at work
            <select
              className={ui.input}
              value={overlap}
              onChange={(event) => setOverlap(event.target.value as Schedule["overlap"])}
            >
              <option value="SKIP">Skip</option>
              <option value="QUEUE">Wait for it</option>
              <option value="CANCEL_PREVIOUS">Cancel it</option>
            </select>
          </label>
          <label className={ui.field}>
            What was missed while no platform was up
            <select
              className={ui.input}
              value={catchUp}
              onChange={(event) => setCatchUp(event.target.value as Schedule["catchUp"])}
            >
              <option value="SKIP">Stays missed</option>
              <option value="ONCE">Is caught up with once</option>
              <option value="ALL">Is caught up with</option>
            </select>
          </label>
          {catchUp === "ALL" && (
            <label className={ui.field}>
              How many at most
              <input
                className={ui.input}
                type="number"
                min={1}
                max={100}
                required
                value={limit}
                onChange={(event) => setLimit(event.target.value)}
              />
            </label>
          )}
        </div>
        {!schedule && (
          <label className={ui.field}>
            The sweep begins as that of
            <select
              className={ui.input}
              value=""
              onChange={(event) => {
                const from = sweeps.data?.find((sweep) => String(sweep.id) === event.target.value);
                if (from) setSpec(template(from.spec));
              }}
            >
              <option value="">choose a sweep…</option>
              {sweeps.data?.map((sweep) => (
                <option key={sweep.id} value={sweep.id}>
                  {sweep.experiment} / {sweep.name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className={ui.field}>
          Sweep (JSON, as a sweep file; each fire gives it a name)
          <textarea
            className={`${ui.input} ${css.spec}`}
            required
            rows={14}
            spellCheck={false}
            value={spec}
            onChange={(event) => setSpec(event.target.value)}
          />
        </label>
        <Check label="Paused" checked={paused} onChange={(event) => setPaused(event.target.checked)} />
        {error !== undefined && <ErrorNotice what="That did not work." error={error} />}
        <div className={css.actions}>
          {schedule && (
            <Button
              disabled={busy}
              onClick={() => {
                if (!window.confirm(`Remove ${schedule.name} and its fires? The sweeps it has submitted stay.`)) return;
                void attempt(() => request("DELETE", `/schedules/${schedule.id}`, { headers: seen }));
              }}
            >
              Remove
            </Button>
          )}
          <Button onClick={() => dialog.current?.close()}>Close</Button>
          <Button look="primary" type="submit" disabled={busy}>
            {schedule ? "Save" : "Add"}
          </Button>
        </div>
      </form>
    </dialog>
  );
}
