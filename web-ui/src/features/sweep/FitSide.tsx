import type { Fit, Sweep } from "../../api/types";
import { clock, interval, percent, quantity, scientific } from "../../lib/format";
import { plannedWithEmbeddings } from "../../lib/spec";
import { Button, Notice, Panel, ui } from "../../ui/parts";
import type { Aim } from "./aim";
import { refusals } from "./isoflop";
import type { Lines } from "./lines";
import { type Chosen, symbol } from "./model";
import css from "./sweep.module.css";
import { TargetPanel } from "./TargetPanel";

/** What the fit says in numbers and words: prediction, parameters, refusals, warnings. */
export function FitSide(props: {
  sweep: Sweep;
  chosen: Chosen;
  lines: Lines;
  aim: Aim | undefined;
  onRefit: () => void;
  onPredict: () => void;
}) {
  const { sweep, chosen, lines, aim, onRefit } = props;
  const { fit } = chosen;
  if (!fit) {
    return (
      <Panel title="No fit yet">
        <p className={ui.empty}>
          {chosen.embeddings === plannedWithEmbeddings(sweep)
            ? "A fit is made by itself when the last run of the sweep ends. It can be made earlier from the runs there are."
            : "The runs have not been fitted with this count of N."}
        </p>
        <Button look="primary" onClick={onRefit}>
          Fit now…
        </Button>
      </Panel>
    );
  }
  return (
    <div className={css.side}>
      {fit.refusal && (
        <Notice kind="bad">
          <strong>The fit was refused.</strong> {fit.refusal.message}
        </Notice>
      )}
      {aim && <TargetPanel fit={fit} aim={aim} onPredict={props.onPredict} />}
      {fit.parameters.length > 0 && <Parameters fit={fit} />}
      <Warnings fit={fit} lines={lines} />
      <p className={css.meta}>
        Fit #{fit.id}, {clock(fit.createdAt)}, {fit.points.length} points, inputs{" "}
        <code title={fit.inputHash}>{fit.inputHash.slice(0, 12)}</code>
      </p>
      <details className={css.meta}>
        <summary>Options and diagnostics</summary>
        <table className={ui.table}>
          <tbody>
            {[...Object.entries(fit.options), ...Object.entries(fit.diagnostics)].map(([name, value]) => (
              <tr key={name}>
                <td>{name}</td>
                <td className={ui.num}>
                  {typeof value === "number" ? quantity(value) : value === null ? "–" : JSON.stringify(value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}

function Parameters({ fit }: { fit: Fit }) {
  return (
    <Panel title="Fitted law">
      <p className={css.law}>
        {fit.method === "parametric" ? (
          <>
            <i>L</i>(<i>N</i>, <i>D</i>) = <i>E</i> + <i>A</i>/<i>N</i>
            <sup>α</sup> + <i>B</i>/<i>D</i>
            <sup>β</sup>
          </>
        ) : (
          <>
            <i>N</i>* ∝ <i>C</i>
            <sup>a</sup>, <i>D</i>* ∝ <i>C</i>
            <sup>b</sup>
          </>
        )}
      </p>
      <table className={`${ui.table} ${css.params}`}>
        <thead>
          <tr>
            <th scope="col">Parameter</th>
            <th scope="col" className={ui.num}>
              Value
            </th>
            <th scope="col" className={ui.num}>
              {percent(fit.level)} interval
            </th>
          </tr>
        </thead>
        <tbody>
          {fit.parameters.map((one) => (
            <tr key={one.name}>
              <td>{symbol(one.name)}</td>
              <td className={ui.num}>{quantity(one.value)}</td>
              <td className={`${ui.num} ${ui.muted}`}>{interval(one.low, one.high, (value) => quantity(value, 3))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** More runs left out than this are told on request: they would bury what else there is to say. */
const FEW = 6;

function Warnings({ fit, lines }: { fit: Fit; lines: Lines }) {
  const told = refusals({ fit, lines });
  // of a budget with too few sizes nobody expects a parabola
  const others = fit.budgets.filter((budget) => budget.refusal !== undefined).length - told.length;
  if (fit.warnings.length === 0 && told.length === 0 && others === 0 && fit.excluded.length === 0) return null;
  return (
    <Notice kind="warn">
      <ul className={css.list}>
        {told.map((budget) => (
          <li key={budget.flops}>
            <strong>{scientific(budget.flops)}</strong>: {budget.refusal?.message}
          </li>
        ))}
        {others > 0 && <li>{tooFewSizes(others)}</li>}
        {fit.warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
        {fit.excluded.length <= FEW && <LeftOut fit={fit} />}
      </ul>
      {fit.excluded.length > FEW && (
        <details>
          <summary>{fit.excluded.length} runs are left out</summary>
          <ul className={css.list}>
            <LeftOut fit={fit} />
          </ul>
        </details>
      )}
    </Notice>
  );
}

/** Parabolas do not see runs off the grid; the law of N and D does. */
function tooFewSizes(budgets: number): string {
  const which = budgets === 1 ? "1 budget has" : `${budgets} budgets have`;
  return `${which} too few sizes for a parabola: ${budgets === 1 ? "its" : "their"} runs count in the parametric law alone.`;
}

function LeftOut({ fit }: { fit: Fit }) {
  return fit.excluded.map((one) => (
    <li key={one.runId}>
      {one.name} is left out: {one.reason}
    </li>
  ));
}
