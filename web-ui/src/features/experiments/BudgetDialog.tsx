import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { request } from "../../api/client";
import { experimentsQuery, ledgerQuery } from "../../api/queries";
import type { Bounds, Experiment } from "../../api/types";
import { Button, ErrorNotice, ui } from "../../ui/parts";
import css from "./experiments.module.css";

/** Sets what an experiment may spend: nothing of it if somebody else has changed it since the dialog was opened. */
export function BudgetDialog({ experiment, onClose }: { experiment: Experiment; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const cache = useQueryClient();
  const [flops, setFlops] = useState(experiment.flopBudget ? String(experiment.flopBudget) : "");
  const [gpuHours, setGpuHours] = useState(experiment.gpuHourBudget ? String(experiment.gpuHourBudget) : "");
  const [weight, setWeight] = useState(String(experiment.weight));
  const [seen] = useState({ "If-Match": `"${experiment.version}"` });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const body: Bounds = {
        ...(flops.trim() ? { flops: Number(flops) } : {}),
        ...(gpuHours.trim() ? { gpuHours: Number(gpuHours) } : {}),
        weight: Number(weight),
      };
      await request("PUT", `/experiments/${experiment.id}/budget`, { body, headers: seen });
      await cache.invalidateQueries({ queryKey: experimentsQuery.queryKey });
      await cache.invalidateQueries({ queryKey: ledgerQuery(experiment.id).queryKey });
      dialog.current?.close();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} className={ui.dialog} aria-labelledby="budget-title" onClose={onClose}>
      <form className={css.form} onSubmit={save}>
        <h2 id="budget-title">Budget of {experiment.name}</h2>
        <label className={ui.field}>
          FLOPs that its runs may execute (such as 1e18; empty: no bound)
          <input
            className={ui.input}
            inputMode="decimal"
            pattern="[0-9]+(\.[0-9]+)?([eE]\+?[0-9]+)?"
            title="A positive number, such as 1e18"
            value={flops}
            onChange={(event) => setFlops(event.target.value)}
          />
        </label>
        <label className={ui.field}>
          GPU-hours that they may use (empty: no bound)
          <input
            className={ui.input}
            type="number"
            min="0"
            step="any"
            value={gpuHours}
            onChange={(event) => setGpuHours(event.target.value)}
          />
        </label>
        <label className={ui.field}>
          Weight of its fair share (2: twice the device time of an experiment of weight 1)
          <input
            className={ui.input}
            type="number"
            min="0"
            step="any"
            required
            value={weight}
            onChange={(event) => setWeight(event.target.value)}
          />
        </label>
        {error !== undefined && <ErrorNotice what="That did not work." error={error} />}
        <div className={css.actions}>
          <Button type="button" onClick={() => dialog.current?.close()}>
            Close
          </Button>
          <Button look="primary" type="submit" disabled={busy}>
            Save
          </Button>
        </div>
      </form>
    </dialog>
  );
}
