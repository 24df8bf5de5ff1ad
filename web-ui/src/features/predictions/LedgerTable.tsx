import { Link } from "@tanstack/react-router";
import type { Prediction } from "../../api/types";
import { clock, count, flop, loss, percent } from "../../lib/format";
import type { PredictionsSearch } from "../../lib/urlState";
import { cx, ui } from "../../ui/parts";
import { toggleSort } from "../runs/sorting";
import { OutcomeChip } from "./OutcomeChip";
import css from "./predictions.module.css";
import { digits, errorWords, outcome, ratioWords } from "./words";

const HEADS: readonly { label: string; sort?: string; right?: boolean; title?: string }[] = [
  { label: "Run" },
  { label: "Experiment" },
  { label: "Fit" },
  { label: "N", sort: "n", right: true },
  { label: "D", sort: "d", right: true },
  { label: "C", sort: "flops", right: true },
  { label: "C / fitted", sort: "extrapolationRatio", right: true, title: "C over the largest C that was fitted" },
  { label: "Predicted", sort: "loss", right: true },
  { label: "Observed", sort: "observed", right: true },
  { label: "Error", sort: "absoluteError", right: true, title: "Sorted by its size" },
  { label: "Outcome" },
  { label: "Made", sort: "id", right: true },
];

export function LedgerTable(props: {
  predictions: readonly Prediction[];
  sort: string | undefined;
  update: (change: Partial<PredictionsSearch>) => void;
}) {
  const { predictions, sort, update } = props;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Predictions">
      <table className={cx(ui.table, css.table)}>
        <thead>
          <tr>
            {HEADS.map((head) => (
              <Head key={head.label} head={head} sort={sort} update={update} />
            ))}
          </tr>
        </thead>
        <tbody>
          {predictions.map((one) => (
            <Row key={one.id} prediction={one} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Head(props: {
  head: (typeof HEADS)[number];
  sort: string | undefined;
  update: (change: Partial<PredictionsSearch>) => void;
}) {
  const { head, sort, update } = props;
  const { sort: key } = head;
  if (key === undefined) return <th scope="col">{head.label}</th>;
  const direction = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  return (
    <th scope="col" className={cx(head.right && ui.num)} aria-sort={direction}>
      <button
        type="button"
        className={css.sort}
        title={head.title ?? "Sort"}
        onClick={() => update({ sort: toggleSort(sort === undefined ? [] : [sort], key, false)[0] })}
      >
        {head.label}
        {direction !== "none" && <span aria-hidden="true">{direction === "ascending" ? " ↑" : " ↓"}</span>}
      </button>
    </th>
  );
}

function Row({ prediction: p }: { prediction: Prediction }) {
  const how = outcome(p);
  return (
    <tr>
      <td className={ui.whole}>
        {p.runId === undefined ? (
          <span className={ui.muted}>prediction {p.id}</span>
        ) : (
          <Link to="/runs/$id" params={{ id: p.runId }}>
            {p.run ?? `run ${p.runId}`}
          </Link>
        )}
      </td>
      <td className={ui.whole}>
        <Link to="/experiments/$id" params={{ id: p.experimentId }}>
          {p.experiment}
        </Link>
      </td>
      <td className={ui.whole}>
        <Link
          to="/sweeps/$id"
          params={{ id: p.sweepId }}
          search={{ fit: p.fitId }}
          title={`${p.method}, ${p.law}, inputs ${p.inputHash.slice(0, 12)}`}
        >
          #{p.fitId}
        </Link>{" "}
        <span className={ui.muted}>{p.method}</span>
      </td>
      <td className={ui.num}>{count(p.n)}</td>
      <td className={ui.num}>{count(p.d)}</td>
      <td className={ui.num}>{flop(p.flops)}</td>
      <td className={ui.num}>{ratioWords(p.extrapolationRatio)}</td>
      <td className={ui.num}>
        {loss(p.loss)}{" "}
        <span className={css.predicted} title={`${percent(p.level, digits(p.level))} interval`}>
          {loss(p.low)} to {loss(p.high)}
        </span>
      </td>
      <td className={ui.num}>{loss(p.score?.observed)}</td>
      <td className={ui.num}>{errorWords(p.score?.logError)}</td>
      <td>
        <OutcomeChip how={how} title={p.voidReason} />
      </td>
      <td className={ui.num} title={`by ${p.madeBy}`}>
        {clock(p.madeAt)}
      </td>
    </tr>
  );
}
