import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { request } from "../../api/client";
import type { Fit, NextQuestion, NextRuns as Proposed } from "../../api/types";
import { count, percent, quantity, scientific } from "../../lib/format";
import { Button, ErrorNotice, Notice, Panel, ui } from "../../ui/parts";
import css from "./sweep.module.css";

type Of = NonNullable<NextQuestion["of"]>;

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

/** What is known of the target now, in its own terms: ln N* and ln L as a factor, the exponent as it is. */
export function known(of: Of, sd: number): string {
  if (of === "OPTIMUM") return `× ${quantity(Math.exp(sd), 4)}`;
  return of === "LOSS" ? percent(sd, 2) : quantity(sd, 3);
}

/** A question as it stands in the form. A loss is that at the optimum of the budget. */
export function nextQuestion(of: Of, flops: string, runs: string): NextQuestion {
  return { of, runs: Number(runs), ...(of === "EXPONENT" ? {} : { flops: Number(flops.replaceAll(",", "")) }) };
}

/** Asks which runs to train next, and shows them; the figure beside it draws them. */
export function NextRuns(props: { fit: Fit; proposed: UseQueryResult<Proposed>; onAsk: (asked: AskedNext) => void }) {
  const { fit, proposed } = props;
  const [of, setOf] = useState<Of>("OPTIMUM");
  const [flops, setFlops] = useState(() =>
    (fit.target?.flops ?? 100 * Math.max(...fit.points.map((p) => p.flops))).toExponential().replace("e+", "e"),
  );
  const [runs, setRuns] = useState("3");
  const ask = (event: FormEvent) => {
    event.preventDefault();
    props.onAsk({ fit: fit.id, question: nextQuestion(of, flops, runs) });
  };
  const next = proposed.data;
  return (
    <Panel title="Next runs">
      <form className={css.next} onSubmit={ask}>
        <label className={ui.field}>
          To know better
          <select className={ui.input} value={of} onChange={(event) => setOf(event.target.value as Of)}>
            <option value="OPTIMUM">best size N*</option>
            <option value="LOSS">loss at the optimum</option>
            <option value="EXPONENT">exponent of N* in C</option>
          </select>
        </label>
        {of !== "EXPONENT" && (
          <label className={ui.field}>
            at FLOPs
            <input
              className={ui.input}
              required
              inputMode="decimal"
              value={flops}
              onChange={(event) => setFlops(event.target.value)}
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
            value={runs}
            onChange={(event) => setRuns(event.target.value)}
          />
        </label>
        <Button type="submit" disabled={proposed.isFetching}>
          {proposed.isFetching ? "Choosing…" : "Propose"}
        </Button>
      </form>
      {proposed.isError && <ErrorNotice what="No runs can be proposed." error={proposed.error} />}
      {next && (
        <>
          <p role="status" className={css.pays} data-pays={next.pays}>
            {next.sentence}
          </p>
          {next.caution && <Notice kind="warn">{next.caution}</Notice>}
          {next.runs.length > 0 && <Table next={next} />}
        </>
      )}
    </Panel>
  );
}

function Table({ next }: { next: Proposed }) {
  const of = next.target as Of;
  return (
    <div className={ui.scroll}>
      <table className={ui.table} aria-label="Next runs">
        <thead>
          <tr>
            {["", "N", "D", "FLOPs", "Known to, before", "after", ...(of === "OPTIMUM" ? ["Saves", "Pays"] : [])].map(
              (name) => (
                <th key={name} scope="col" className={ui.num}>
                  {name || <span aria-hidden="true">#</span>}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {next.runs.map((run, i) => (
            <tr key={`${run.n} ${run.d} ${run.sdAfter}`}>
              <td className={ui.num}>{i + 1}</td>
              <td className={ui.num}>{count(run.n)}</td>
              <td className={ui.num}>{count(run.d)}</td>
              <td className={ui.num}>{scientific(run.flops)}</td>
              <td className={ui.num}>{known(of, run.sdBefore)}</td>
              <td className={ui.num}>{known(of, run.sdAfter)}</td>
              {of === "OPTIMUM" && (
                <>
                  <td className={ui.num}>{scientific(run.saves)}</td>
                  <td className={ui.num}>{run.pays ? "yes" : "no"}</td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
