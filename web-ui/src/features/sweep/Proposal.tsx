import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { newKey, request } from "../../api/client";
import type { NextRuns, Sweep, SweepAddition } from "../../api/types";
import { count, duration, integer, measure, scientific } from "../../lib/format";
import { Button, Check, ErrorNotice, Fact, Facts, Notice, ui } from "../../ui/parts";
import { LeftOut } from "../asking/LeftOut";
import { useMayNotSubmit } from "../asking/mayNot";
import { addedAs, known, minute, type Of, runsWords, totalOf, written } from "./next";
import css from "./sweep.module.css";

/** The runs that are proposed, what they take together, and the button that trains them. */
export function Proposal({ sweep, next }: { sweep: Sweep; next: NextRuns }) {
  return (
    <div className={css.proposal}>
      <p role="status" className={css.pays} data-pays={next.pays}>
        {next.sentence}
      </p>
      {next.caution && <Notice kind="warn">{next.caution}</Notice>}
      {next.unshaped && <Notice>{next.unshaped}</Notice>}
      {next.runs.length > 0 && (
        <>
          <Table next={next} />
          <InAll next={next} />
        </>
      )}
      {next.addition && <Train key={written(next.addition)} sweep={sweep} next={next} addition={next.addition} />}
      {next.leftOut.length > 0 && (
        <details className={css.bounds}>
          <summary>{integer(next.leftOut.length)} that could have been chosen but for a limit</summary>
          <LeftOut cells={next.leftOut} />
        </details>
      )}
    </div>
  );
}

interface Column {
  name: string;
  text?: boolean;
  cell: (run: NextRuns["runs"][0]) => string;
}

function columns(next: NextRuns): Column[] {
  const of = next.target as Of;
  const whole = next.runs.some((run) => run.cell);
  const timed = next.runs.some((run) => run.cell?.seconds !== undefined);
  const list: Column[] = [];
  if (whole) {
    list.push({
      name: "Model",
      text: true,
      cell: ({ cell }) => (cell ? `${cell.model} (${cell.dModel} × ${cell.layers})` : "–"),
    });
  }
  list.push({ name: "N", cell: (run) => count(run.n) }, { name: "D", cell: (run) => count(run.d) });
  if (whole) {
    list.push(
      { name: "Steps", cell: ({ cell }) => integer(cell?.steps) },
      { name: "Batch", cell: ({ cell }) => integer(cell?.batchSequences) },
    );
  }
  list.push({ name: "FLOPs", cell: (run) => scientific(run.flops) });
  if (timed) list.push({ name: "Time", cell: ({ cell }) => duration(cell?.seconds) });
  list.push(
    { name: "Known to, before", cell: (run) => known(of, run.sdBefore) },
    { name: "after", cell: (run) => known(of, run.sdAfter) },
  );
  if (of === "OPTIMUM") {
    list.push(
      { name: "Saves", cell: (run) => scientific(run.saves) },
      { name: "Pays", cell: (run) => (run.pays ? "yes" : "no") },
    );
  }
  return list;
}

function Table({ next }: { next: NextRuns }) {
  const shown = columns(next);
  return (
    <div className={ui.scroll}>
      <table className={ui.table} aria-label="Next runs">
        <thead>
          <tr>
            <th scope="col" className={ui.num}>
              <span aria-hidden="true">#</span>
            </th>
            {shown.map(({ name, text }) => (
              <th key={name} scope="col" className={text ? undefined : ui.num} title={text ? WIDE_DEEP : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {next.runs.map((run, i) => (
            <tr key={`${run.n} ${run.d} ${run.sdAfter}`}>
              <td className={ui.num}>{i + 1}</td>
              {shown.map(({ name, text, cell }) => (
                <td key={name} className={text ? ui.whole : ui.num}>
                  {cell(run)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const WIDE_DEEP = "Name, and width × layers";

function InAll({ next }: { next: NextRuns }) {
  const total = totalOf(next.runs);
  return (
    <Facts label="All next runs">
      <Fact name="Runs">{integer(next.runs.length)}</Fact>
      <Fact name="FLOPs, 6ND">{scientific(total.flops)}</Fact>
      {total.exactFlops !== undefined && <Fact name="FLOPs, counted">{scientific(total.exactFlops)}</Fact>}
      {total.seconds !== undefined && (
        <Fact name="One after another" title="By what the sweep’s finished runs reached">
          {duration(total.seconds)} <small>at {measure(next.flopsPerSecond, "FLOP/s")}</small>
        </Fact>
      )}
    </Facts>
  );
}

/** Queues what is proposed in the sweep. One key for each proposal: however often it is sent, it is added once. */
function Train({ sweep, next, addition }: { sweep: Sweep; next: NextRuns; addition: SweepAddition }) {
  const cache = useQueryClient();
  const mayNot = useMayNotSubmit();
  const [key] = useState(newKey);
  const [predict, setPredict] = useState(true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const these = next.runs.length === 1 ? "this run" : `these ${next.runs.length} runs`;
  const added = addedAs(sweep, addition);
  if (added) {
    return (
      <p role="status" className={css.added}>
        {runsWords(added.runs)} added by fit {next.fitId} at {minute(added.addedAt)};{" "}
        {added.runs === 1 ? "it is" : "they are"} fitted with the rest when {added.runs === 1 ? "it ends" : "they end"}.
      </p>
    );
  }
  // whoever may read may ask; what is proposed stays there for somebody who may train it
  if (mayNot) return <p className={css.meta}>{`Training ${these} ${mayNot}.`}</p>;
  const train = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { data } = await request<Sweep>("POST", `/sweeps/${sweep.id}/runs`, {
        query: { predictFrom: predict ? next.fitId : undefined },
        body: addition,
        headers: { "Idempotency-Key": key },
      });
      cache.setQueryData(["sweep", sweep.id], data);
      for (const changed of [["sweep", sweep.id], ["sweep-runs", sweep.id], ["runs"], ["sweeps"], ["predictions"]]) {
        cache.invalidateQueries({ queryKey: changed });
      }
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <>
      {error !== undefined && <ErrorNotice what="The runs were not added." error={error} />}
      <div className={css.train}>
        <Button look="primary" disabled={busy} onClick={train}>
          {busy ? "Adding…" : `Train ${these}`}
        </Button>
        <Check
          label="Predict each from this fit first, and score it"
          checked={predict}
          disabled={busy}
          onChange={(event) => setPredict(event.target.checked)}
        />
      </div>
    </>
  );
}
