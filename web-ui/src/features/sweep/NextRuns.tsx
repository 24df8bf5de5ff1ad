import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { request } from "../../api/client";
import type { Fit, NextQuestion, NextRuns as Proposed, Sweep } from "../../api/types";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import {
  addedAs,
  addedSince,
  BOUNDS,
  type Bound,
  boundDefaults,
  nextForm,
  nextQuestion,
  type Of,
  runsWords,
} from "./next";
import { Proposal } from "./Proposal";
import css from "./sweep.module.css";

export interface AskedNext {
  fit: number;
  question: NextQuestion;
}

/** The runs that would tell most of what is asked, once something is. */
export function useNextRuns(asked: AskedNext | undefined): UseQueryResult<Proposed> {
  return useQuery({
    queryKey: ["fits", asked?.fit, "next-runs", asked?.question],
    queryFn: async ({ signal }) =>
      (await request<Proposed>("POST", `/fits/${asked?.fit}/next-runs`, { body: asked?.question, signal })).data,
    enabled: asked !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

const FLOPS = {
  inputMode: "decimal",
  pattern: "[0-9][0-9,]*(\\.[0-9]*)?([eE]\\+?[0-9]+)?",
  title: "a number of FLOPs such as 3e13",
} as const;

/** Asks which runs to train next, shows them and trains them; the figure beside it draws them. What was typed stays for the next fit. */
export function NextRuns(props: {
  sweep: Sweep;
  fit: Fit;
  proposed: UseQueryResult<Proposed>;
  onAsk: (asked: AskedNext) => void;
}) {
  const { sweep, fit, proposed } = props;
  const [form, setForm] = useState(() => nextForm(fit));
  const [bounded, setBounded] = useState(false);
  const ask = (event: FormEvent) => {
    event.preventDefault();
    props.onAsk({ fit: fit.id, question: nextQuestion(form) });
  };
  const defaults = boundDefaults(fit);
  const addition = proposed.data?.addition;
  // of a proposal that was taken the line in its place says it
  const later = addition && addedAs(sweep, addition) ? 0 : addedSince(sweep, fit);
  return (
    <Panel title="Next runs">
      <form onSubmit={ask}>
        <div className={css.next}>
          <label className={ui.field}>
            To know better
            <select
              className={ui.input}
              value={form.of}
              onChange={(event) => setForm({ ...form, of: event.target.value as Of })}
            >
              <option value="OPTIMUM">best size N*</option>
              <option value="LOSS">loss at the optimum</option>
              <option value="EXPONENT">exponent of N* in C</option>
            </select>
          </label>
          {form.of !== "EXPONENT" && (
            <label className={ui.field}>
              at FLOPs
              <input
                {...FLOPS}
                className={ui.input}
                required
                value={form.flops}
                onChange={(event) => setForm({ ...form, flops: event.target.value })}
              />
            </label>
          )}
          <label className={ui.field}>
            Runs
            <input
              className={ui.input}
              type="number"
              min={1}
              max={50}
              required
              value={form.runs}
              onChange={(event) => setForm({ ...form, runs: event.target.value })}
            />
          </label>
          <Button type="submit" disabled={proposed.isFetching}>
            {proposed.isFetching ? "Choosing…" : "Propose"}
          </Button>
        </div>
        {/* a field that cannot be sent has to be seen */}
        <details
          className={css.bounds}
          open={bounded}
          onToggle={(event) => setBounded(event.currentTarget.open)}
          onInvalidCapture={() => setBounded(true)}
        >
          <summary>Bounds</summary>
          <div className={css.next}>
            {(Object.keys(BOUNDS) as Bound[]).map((bound) => (
              <label key={bound} className={ui.field}>
                {BOUNDS[bound]}
                <input
                  {...FLOPS}
                  className={ui.input}
                  value={form[bound]}
                  placeholder={defaults[bound]}
                  onChange={(event) => setForm({ ...form, [bound]: event.target.value })}
                />
              </label>
            ))}
          </div>
        </details>
      </form>
      {later > 0 && (
        <p className={css.meta}>
          {runsWords(later)} came to the sweep after fit #{fit.id} was made, which does not know{" "}
          {later === 1
            ? "it; it is not proposed again. The next fit has it if it has ended."
            : "them; they are not proposed again. The next fit has those that have ended."}
        </p>
      )}
      {proposed.isError && <ErrorNotice what="No runs can be proposed." error={proposed.error} />}
      {proposed.data && <Proposal sweep={sweep} next={proposed.data} />}
    </Panel>
  );
}
