import { Link } from "@tanstack/react-router";
import type { Fit, Run, Sweep } from "../../api/types";
import { count, duration, flop, loss, percent } from "../../lib/format";
import { runShare, secondsLeft } from "../../lib/progress";
import { Panel, ProgressBar, StateChip, ui } from "../../ui/parts";
import css from "./sweep.module.css";

const ORDER = ["running", "assigned", "suspect", "preempted", "queued", "failed", "succeeded", "cancelled"];

/** The sweep's runs, those under way first, then by budget and size; and the cells that were never going to be trained. */
export function SweepRuns({ sweep, runs, fit }: { sweep: Sweep; runs: Run[]; fit: Fit | undefined }) {
  const sorted = [...runs].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      a.budget - b.budget ||
      a.parameters - b.parameters ||
      a.tokensPerStep - b.tokensPerStep ||
      (a.learningRate ?? 0) - (b.learningRate ?? 0) ||
      (a.seed ?? 0) - (b.seed ?? 0),
  );
  const excluded = new Map(fit?.excluded.map((one) => [one.runId, one.reason]));
  return (
    <>
      <Panel
        title={`Runs (${runs.length})`}
        aside={
          <Link to="/runs" search={{ sweep: sweep.id }}>
            Open in the runs table
          </Link>
        }
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard */}
        <section className={css.runs} tabIndex={0} aria-label="Runs of the sweep">
          <table className={ui.table}>
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">State</th>
                <th scope="col" className={ui.num}>
                  Budget
                </th>
                <th scope="col" className={ui.num}>
                  N
                </th>
                <th scope="col" className={ui.num}>
                  D
                </th>
                <th scope="col">Progress</th>
                <th scope="col" className={ui.num}>
                  Train loss
                </th>
                <th scope="col" className={ui.num}>
                  Held-out loss
                </th>
                <th scope="col" className={ui.num}>
                  Left
                </th>
                <th scope="col">In the fit</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((run) => (
                <tr key={run.id}>
                  <td>
                    <Link to="/runs/$id" params={{ id: run.id }}>
                      {run.name}
                    </Link>
                  </td>
                  <td>
                    <StateChip state={run.state} />
                  </td>
                  <td className={ui.num}>{run.budget ? flop(run.budget) : "–"}</td>
                  <td className={ui.num}>{run.parameters ? count(run.parameters) : "–"}</td>
                  <td className={ui.num}>{run.tokens ? count(run.tokens) : "–"}</td>
                  <td>
                    <ProgressBar share={runShare(run)} label={`Progress of ${run.name}: ${percent(runShare(run))}`} />
                  </td>
                  <td className={ui.num}>{loss(run.trainLoss)}</td>
                  <td className={ui.num}>{run.diverged ? "diverged" : loss(run.finalLoss)}</td>
                  <td className={ui.num}>{duration(secondsLeft(run))}</td>
                  <td className={ui.muted}>
                    {excluded.has(run.id)
                      ? `no: ${excluded.get(run.id)}`
                      : fit?.points.some((point) => point.runId === run.id)
                        ? "yes"
                        : "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </Panel>
      {sweep.dropped.length > 0 && (
        <Panel title="Planned but not trained">
          <ul className={css.list}>
            {sweep.dropped.map((one) => (
              <li key={one.label}>
                <strong>{one.label}</strong>: {one.reason}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}
