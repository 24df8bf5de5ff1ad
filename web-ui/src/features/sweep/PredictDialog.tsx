import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { post } from "../../api/client";
import { waitingRunsQuery } from "../../api/queries";
import type { Fit, Prediction, Run, Sweep } from "../../api/types";
import { count, flop, interval, loss, percent } from "../../lib/format";
import { Button, Check, ErrorNotice, ui } from "../../ui/parts";
import css from "./sweep.module.css";

/** Freezes what a fit says: of runs that wait, or of the optimum of a budget, for a run that is yet to be planned. */
export function PredictDialog({ sweep, fit, onClose }: { sweep: Sweep; fit: Fit; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const cache = useQueryClient();
  const waiting = useQuery(waitingRunsQuery(sweep.experimentId));
  const [optimum, setOptimum] = useState(true);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [made, setMade] = useState<Prediction[]>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const runs = waiting.data ?? [];
  const { target } = fit;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const asked = [
      ...(optimum && target ? [{ n: Math.round(target.n.value), d: Math.round(target.d.value) }] : []),
      ...[...chosen].map((runId) => ({ runId })),
    ];
    const done: Prediction[] = [];
    try {
      for (const one of asked) done.push(await post<Prediction>(`/fits/${fit.id}/predictions`, one));
    } catch (failure) {
      setError(failure);
    }
    // what was frozen before one was refused stays
    if (done.length > 0) {
      setMade(done);
      cache.invalidateQueries({ queryKey: ["predictions"] });
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} className={ui.dialog} aria-labelledby="predict-title" onClose={onClose}>
      <form className={css.form} onSubmit={submit}>
        <h2 id="predict-title">Predict by fit #{fit.id}</h2>
        {made === undefined ? (
          <>
            <p className={css.meta}>
              A prediction is frozen with its interval and scored when its run ends. It can be made of runs that have
              not begun, and of a size to be run later.
            </p>
            {target && (
              <Check
                label={`The optimum at ${flop(target.flops)}: N ${count(target.n.value)}, D ${count(target.d.value)}`}
                checked={optimum}
                onChange={(event) => setOptimum(event.target.checked)}
              />
            )}
            <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
              <legend className={ui.field}>Runs of {sweep.experiment} that wait</legend>
              {runs.length === 0 ? (
                <p className={ui.muted}>{waiting.isPending ? "Loading…" : "None."}</p>
              ) : (
                <div className={css.exclude}>
                  {runs.map((run) => (
                    <Check
                      key={run.id}
                      label={words(run)}
                      checked={chosen.has(run.id)}
                      onChange={() => setChosen(toggled(chosen, run.id))}
                    />
                  ))}
                </div>
              )}
            </fieldset>
          </>
        ) : (
          <ul className={css.plain}>
            {made.map((one) => (
              <li key={one.id}>
                {one.run ?? `N ${count(one.n)}, D ${count(one.d)}`}: loss <strong>{loss(one.loss)}</strong>,{" "}
                {interval(one.low, one.high, (value) => loss(value))} at {percent(one.level)}
              </li>
            ))}
          </ul>
        )}
        {error !== undefined && <ErrorNotice what="A prediction was not made." error={error} />}
        <div className={css.actions}>
          {made !== undefined && (
            <Link to="/predictions" search={{ fit: fit.id }}>
              Ledger
            </Link>
          )}
          <Button onClick={() => dialog.current?.close()}>Close</Button>
          {made === undefined && (
            <Button look="primary" type="submit" disabled={busy || ((!optimum || !target) && chosen.size === 0)}>
              {busy ? "Freezing…" : "Freeze"}
            </Button>
          )}
        </div>
      </form>
    </dialog>
  );
}

function toggled(set: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}

function words(run: Run): string {
  return `${run.name}: N ${count(run.parameters)}, D ${count(run.tokens)}`;
}
