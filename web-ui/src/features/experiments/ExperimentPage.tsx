import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { usePolling } from "../../api/live";
import { experimentQuery, ledgerQuery } from "../../api/queries";
import type { Account, Ledger } from "../../api/types";
import { flop } from "../../lib/format";
import { Button, ErrorNotice, Fact, Facts, Panel, ProgressBar, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { BudgetDialog } from "./BudgetDialog";
import css from "./experiments.module.css";
import { hours, parts, percent, wastedShare } from "./words";

/** What an experiment may spend, and where every FLOP of it went. */
export function ExperimentPage() {
  const { id } = useParams({ from: "/shell/experiments/$id" });
  const polling = usePolling();
  const experiment = useQuery({ ...experimentQuery(id), refetchInterval: polling });
  const ledger = useQuery({ ...ledgerQuery(id), refetchInterval: polling });
  const [editing, setEditing] = useState(false);
  useTitle(experiment.data?.name ?? "Experiment");
  if (experiment.isError && !experiment.data) {
    return <ErrorNotice what="The experiment could not be loaded." error={experiment.error} />;
  }
  if (!experiment.data) return <p className={ui.empty}>Loading…</p>;
  return (
    <div className={ui.stack}>
      <h1>{experiment.data.name}</h1>
      <Panel title="Budget" aside={<Button onClick={() => setEditing(true)}>Change</Button>}>
        {ledger.data ? <BudgetFacts ledger={ledger.data} weight={experiment.data.weight} /> : <p>Loading…</p>}
      </Panel>
      {ledger.isError && !ledger.data && <ErrorNotice what="The ledger could not be loaded." error={ledger.error} />}
      {ledger.data && (
        <>
          <Panel title="Where its FLOPs went">
            <Went account={ledger.data.total} />
          </Panel>
          <Panel title="Sweeps">
            <SweepsTable ledger={ledger.data} />
          </Panel>
        </>
      )}
      {editing && <BudgetDialog experiment={experiment.data} onClose={() => setEditing(false)} />}
    </div>
  );
}

function BudgetFacts({ ledger, weight }: { ledger: Ledger; weight: number }) {
  const { flopBudget, gpuHourBudget, committedFlops, total } = ledger;
  return (
    <Facts label="Budget">
      <Fact name="FLOPs" title="Executed and to be executed, against the budget">
        {flopBudget ? (
          <>
            {flop(committedFlops)} of {flop(flopBudget)} committed
            <ProgressBar share={Math.min(1, committedFlops / flopBudget)} label="FLOPs committed" />
          </>
        ) : (
          `${flop(committedFlops)} committed, no bound`
        )}
      </Fact>
      <Fact name="GPU-hours">
        {gpuHourBudget ? (
          <>
            {hours(total.gpuHours)} of {hours(gpuHourBudget)} used
            <ProgressBar share={Math.min(1, total.gpuHours / gpuHourBudget)} label="GPU-hours used" />
          </>
        ) : (
          `${hours(total.gpuHours)} used, no bound`
        )}
      </Fact>
      <Fact name="Weight of its share">{weight}</Fact>
    </Facts>
  );
}

function Went({ account }: { account: Account }) {
  const all = parts(account);
  const sum = all.reduce((total, part) => total + part.flops, 0);
  return (
    <>
      <div className={css.bar} role="img" aria-label={all.map((part) => `${part.name} ${flop(part.flops)}`).join(", ")}>
        {sum > 0 &&
          all
            .filter((part) => part.flops > 0)
            .map((part) => (
              <i key={part.key} className={css[part.key]} style={{ width: `${(part.flops / sum) * 100}%` }} />
            ))}
      </div>
      <ul className={css.legend}>
        {all.map((part) => (
          <li key={part.key}>
            <i className={css[part.key]} aria-hidden="true" />
            <span>
              {part.name} {flop(part.flops)}
            </span>
            <small>{part.says}</small>
          </li>
        ))}
      </ul>
      <p className={css.note}>
        {percent(wastedShare(account))} of what was executed served nothing: lost with a runner{" "}
        {flop(account.replayed.lost)}, failed {flop(account.replayed.failed)}, preempted{" "}
        {flop(account.replayed.preempted)}, runs that failed {flop(account.abandoned.failed)}, runs that were cancelled{" "}
        {flop(account.abandoned.cancelled)}. {account.attempts} attempts, {hours(account.deviceHours)} of devices,{" "}
        {hours(account.wastedDeviceHours)} of them wasted.
      </p>
    </>
  );
}

function SweepsTable({ ledger }: { ledger: Ledger }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Accounts of sweeps">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Sweep</th>
            <th scope="col" className={ui.num}>
              Planned
            </th>
            <th scope="col" className={ui.num}>
              Executed
            </th>
            <th scope="col" className={ui.num}>
              Achieved
            </th>
            <th scope="col" className={ui.num}>
              Wasted
            </th>
            <th scope="col" className={ui.num}>
              To do
            </th>
            <th scope="col" className={ui.num}>
              Device time
            </th>
            <th scope="col" className={ui.num}>
              GPU time
            </th>
            <th scope="col" className={ui.num}>
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {ledger.sweeps.map(({ sweepId, sweep, account }) => (
            <tr key={sweepId}>
              <td>
                <Link to="/sweeps/$id" params={{ id: sweepId }}>
                  {sweep}
                </Link>
              </td>
              <td className={ui.num}>{flop(account.plannedFlops)}</td>
              <td className={ui.num}>{flop(account.executedFlops)}</td>
              <td className={ui.num}>{flop(account.achievedFlops)}</td>
              <td className={ui.num}>
                {flop(account.executedFlops - account.achievedFlops)} ({percent(wastedShare(account))})
              </td>
              <td className={ui.num}>{flop(account.remainingFlops)}</td>
              <td className={ui.num}>{hours(account.deviceHours)}</td>
              <td className={ui.num}>{hours(account.gpuHours)}</td>
              <td className={ui.num}>{account.attempts}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {ledger.sweeps.length === 0 && <p className={ui.empty}>No sweep yet.</p>}
    </section>
  );
}
