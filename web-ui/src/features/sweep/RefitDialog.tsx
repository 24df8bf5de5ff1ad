import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { post } from "../../api/client";
import type { CreateFit, Fit, Run, Sweep } from "../../api/types";
import { loss } from "../../lib/format";
import { isoflop } from "../../lib/spec";
import { Button, Check, ErrorNotice, ui } from "../../ui/parts";
import { askedToLeaveOut, type Chosen } from "./model";
import css from "./sweep.module.css";

/** Asks for a new fit: method, N, target and the runs to leave out, each with its reason. */
export function RefitDialog(props: {
  sweep: Sweep;
  runs: Run[];
  chosen: Chosen;
  onClose: () => void;
  onDone: (method: string, embeddings: boolean) => void;
}) {
  const { sweep, runs, chosen, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const cache = useQueryClient();
  const [method, setMethod] = useState("both");
  const [embeddings, setEmbeddings] = useState(chosen.embeddings);
  const [target, setTarget] = useState(String(chosen.fit?.target?.flops ?? isoflop(sweep)?.target ?? ""));
  const [bootstraps, setBootstraps] = useState("1000");
  const [left, setLeft] = useState<Record<number, string>>(() => askedToLeaveOut(chosen.fit));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const candidates = runs.filter((run) => run.kind === "pretrain" && run.finalLoss !== undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const exclude = Object.entries(left).map(([runId, reason]) => ({ runId: Number(runId), reason }));
    const body: CreateFit = {
      countEmbeddings: embeddings,
      bootstraps: Number(bootstraps),
      ...(method === "both" ? {} : { method }),
      ...(target ? { target: Number(target) } : {}),
      ...(exclude.length ? { exclude } : {}),
    };
    try {
      await post<Fit[]>(`/sweeps/${sweep.id}/fits`, body);
      await cache.invalidateQueries({ queryKey: ["fits", sweep.id] });
      props.onDone(method === "both" ? chosen.method : method, embeddings);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} className={ui.dialog} aria-labelledby="refit-title" onClose={onClose}>
      <form className={css.form} onSubmit={submit}>
        <h2 id="refit-title">Fit {sweep.name} again</h2>
        <div className={css.fields}>
          <label className={ui.field}>
            Method
            <select className={ui.input} value={method} onChange={(event) => setMethod(event.target.value)}>
              <option value="both">Both</option>
              <option value="isoflop">IsoFLOP parabolas</option>
              <option value="parametric">Parametric law</option>
            </select>
          </label>
          <label className={ui.field}>
            What N counts
            <select
              className={ui.input}
              value={embeddings ? "all" : "non"}
              onChange={(event) => setEmbeddings(event.target.value === "all")}
            >
              <option value="all">All parameters</option>
              <option value="non">All but the embeddings</option>
            </select>
          </label>
          <label className={ui.field}>
            Target compute (FLOPs)
            <input
              className={ui.input}
              inputMode="decimal"
              pattern="[0-9]+(\.[0-9]*)?([eE]\+?[0-9]+)?"
              title="a number such as 3e13"
              placeholder="such as 3e13"
              value={target}
              onChange={(event) => setTarget(event.target.value)}
            />
          </label>
          <label className={ui.field}>
            Bootstrap resamples
            <input
              className={ui.input}
              type="number"
              min={100}
              max={10000}
              value={bootstraps}
              onChange={(event) => setBootstraps(event.target.value)}
            />
          </label>
        </div>
        <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
          <legend className={ui.field}>Leave out (a reason is stored with the fit)</legend>
          <div className={css.exclude}>
            {candidates.map((run) => (
              <div key={run.id} className={css.fields}>
                <Check
                  label={`${run.name} (${loss(run.finalLoss)})`}
                  checked={run.id in left}
                  onChange={(event) =>
                    setLeft(({ [run.id]: _gone, ...rest }) => (event.target.checked ? { ...rest, [run.id]: "" } : rest))
                  }
                />
                {run.id in left && (
                  <input
                    className={ui.input}
                    required
                    aria-label={`Why ${run.name} is left out`}
                    placeholder="reason"
                    value={left[run.id]}
                    onChange={(event) => setLeft({ ...left, [run.id]: event.target.value })}
                  />
                )}
              </div>
            ))}
          </div>
        </fieldset>
        {error !== undefined && <ErrorNotice what="No fit was made." error={error} />}
        <div className={css.actions}>
          <Button onClick={() => dialog.current?.close()}>Close</Button>
          <Button look="primary" type="submit" disabled={busy}>
            {busy ? "Fitting…" : "Fit"}
          </Button>
        </div>
      </form>
    </dialog>
  );
}
