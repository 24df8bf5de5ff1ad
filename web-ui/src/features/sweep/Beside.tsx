import { useQuery } from "@tanstack/react-query";
import { fitComparisonQuery } from "../../api/queries";
import type { Estimate, Fit, FitComparison } from "../../api/types";
import { clock, count, flop, interval, loss, percent, quantity } from "../../lib/format";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import { symbol } from "./model";
import css from "./sweep.module.css";

/** A fit beside an older one: what was left out since, and what that changed. */
export function Beside(props: { fit: Fit; older: Fit; target: number | undefined; onClose: () => void }) {
  const { fit, older } = props;
  const answer = useQuery(fitComparisonQuery(older.id, fit.id, props.target));
  return (
    <Panel
      title={`Fit #${fit.id} beside #${older.id} of ${clock(older.createdAt)}`}
      aside={
        <Button small look="quiet" onClick={props.onClose}>
          Close
        </Button>
      }
    >
      {answer.isError && <ErrorNotice what="The two could not be compared." error={answer.error} />}
      {answer.data && <Compared both={answer.data} />}
    </Panel>
  );
}

function Compared({ both }: { both: FitComparison }) {
  const { points, targets } = both;
  const changes = [
    ...points.excludedB.map((one) => `${one.name} is left out now (${one.reason}).`),
    ...points.excludedA.map((one) => `${one.name} is back in; it was left out (${one.reason}).`),
    ...both.options.map((one) => `${one.name} was ${one.a ?? "not there"}, is ${one.b ?? "not there"}.`),
  ];
  const a = targets?.a.optimum;
  const b = targets?.b.optimum;
  return (
    <>
      <p className={css.meta}>
        {points.shared} points in common, {points.onlyA.length} of the old alone, {points.onlyB.length} of the new
        alone. {changes.join(" ")}
      </p>
      <table className={`${ui.table} ${css.params}`}>
        <thead>
          <tr>
            <th scope="col">Parameter</th>
            <th scope="col" className={ui.num}>
              #{both.a.id}
            </th>
            <th scope="col" className={ui.num}>
              {percent(both.a.level)} interval
            </th>
            <th scope="col" className={ui.num}>
              #{both.b.id}
            </th>
            <th scope="col" className={ui.num}>
              {percent(both.b.level)} interval
            </th>
            <th scope="col" className={ui.num}>
              New over old
            </th>
          </tr>
        </thead>
        <tbody>
          {both.parameters.map((one) => (
            <Line key={one.name} name={symbol(one.name)} a={one.a} b={one.b} format={(value) => quantity(value, 4)} />
          ))}
          {targets && a && b && (
            <>
              <Line name={`N* at ${flop(targets.flops)}`} a={a.n} b={b.n} format={(value) => count(value)} />
              <Line name={`D* at ${flop(targets.flops)}`} a={a.d} b={b.d} format={(value) => count(value)} />
              <Line name={`Loss at ${flop(targets.flops)}`} a={a.loss} b={b.loss} format={(value) => loss(value)} />
            </>
          )}
        </tbody>
      </table>
    </>
  );
}

function Line(props: {
  name: string;
  a: Estimate | undefined;
  b: Estimate | undefined;
  format: (value: number) => string;
}) {
  const { a, b, format } = props;
  const apart = a && b && (a.low > b.high || b.low > a.high);
  return (
    <tr>
      <td>{props.name}</td>
      <td className={ui.num}>{a ? format(a.value) : "–"}</td>
      <td className={`${ui.num} ${ui.muted}`}>{a ? interval(a.low, a.high, format) : ""}</td>
      <td className={ui.num}>{b ? format(b.value) : "–"}</td>
      <td className={`${ui.num} ${ui.muted}`}>{b ? interval(b.low, b.high, format) : ""}</td>
      <td className={ui.num}>
        {a && b && a.value !== 0 ? quantity(b.value / a.value, 3) : "–"}
        {apart && <span className={css.meta}> intervals apart</span>}
      </td>
    </tr>
  );
}
