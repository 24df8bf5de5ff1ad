import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { overviewQuery, runnersQuery } from "../../api/queries";
import type { Overview, Run, Runner, Sweep } from "../../api/types";
import { ago, bytes, count, duration, flop, integer, loss, percent, si } from "../../lib/format";
import { ended, runShare, secondsLeft } from "../../lib/progress";
import { CountsBar, ErrorNotice, Panel, ProgressBar, StateChip, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { gpuSummary } from "../runners/devices";
import { RunnerChip } from "../runners/RunnerChip";
import css from "./overview.module.css";
import { Exponents, Sparkline } from "./Sparkline";

export function OverviewPage() {
  useTitle("Overview");
  const refetchInterval = usePolling();
  const overview = useQuery({ ...overviewQuery, refetchInterval });
  const runners = useQuery({ ...runnersQuery, refetchInterval });
  if (overview.isError && !overview.data) {
    return <ErrorNotice what="The overview could not be loaded." error={overview.error} />;
  }
  if (!overview.data) return <p className={ui.muted}>Loading…</p>;
  const { recentSweeps, activeRuns } = overview.data;
  return (
    <div className={ui.stack}>
      <h1 className="visually-hidden">Overview</h1>
      <Stats overview={overview.data} />
      {recentSweeps.length === 0 ? (
        <FirstSteps />
      ) : (
        <>
          <div className={css.columns}>
            <Panel title="Running now" aside={<Link to="/runs">All runs</Link>}>
              <ActiveRuns runs={activeRuns} queued={overview.data.runs.queued ?? 0} />
            </Panel>
            <Panel title="Runners" aside={<Link to="/runners">All runners</Link>}>
              <Runners runners={runners.data ?? []} />
            </Panel>
          </div>
          <section className={ui.stack} aria-labelledby="recent">
            <div className={ui.titleRow}>
              <h2 id="recent">Recent sweeps</h2>
              <Link to="/sweeps">All sweeps</Link>
            </div>
            <div className={css.cards}>
              {recentSweeps.slice(0, 8).map((sweep) => (
                <SweepCard key={sweep.id} sweep={sweep} />
              ))}
            </div>
          </section>
        </>
      )}
    </div>
  );
}

function Stats({ overview }: { overview: Overview }) {
  const { runs } = overview;
  const active = (runs.running ?? 0) + (runs.assigned ?? 0) + (runs.suspect ?? 0);
  return (
    <dl className={css.stats}>
      <div>
        <dt>Runs</dt>
        <dd>
          {integer(active)}
          <small>active · {integer(runs.queued ?? 0)} queued</small>
        </dd>
      </div>
      <div>
        <dt>Ended</dt>
        <dd>
          {integer(runs.succeeded ?? 0)}
          <small>done · {integer(runs.failed ?? 0)} failed</small>
        </dd>
      </div>
      <div>
        <dt>Speed</dt>
        <dd>
          {count(overview.tokensPerSecond)}
          <small>tokens/s</small>
        </dd>
      </div>
      <div>
        <dt>Compute done</dt>
        <dd>{flop(overview.flopsDone)}</dd>
      </div>
      <div>
        <dt>Metric points</dt>
        <dd>{si(overview.metricPoints)}</dd>
      </div>
      <div>
        <dt>Runners</dt>
        <dd>
          {integer(overview.runnersOnline)}
          <small>
            {integer(overview.busySlots)} of {integer(overview.slots)} slots busy
          </small>
        </dd>
      </div>
    </dl>
  );
}

function ActiveRuns({ runs, queued }: { runs: Run[]; queued: number }) {
  if (runs.length === 0) {
    return (
      <p className={ui.empty}>
        Nothing is running{queued > 0 ? `; ${queued} runs wait in the queue for a runner` : ""}.
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Active runs">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col" className={ui.num}>
              N
            </th>
            <th scope="col">Progress</th>
            <th scope="col" className={ui.num}>
              Loss
            </th>
            <th scope="col" className={ui.num}>
              Tokens/s
            </th>
            <th scope="col" className={ui.num}>
              Left
            </th>
            <th scope="col">Runner</th>
          </tr>
        </thead>
        <tbody>
          {runs.slice(0, 12).map((run) => (
            <tr key={run.id}>
              <td>
                <Link to="/runs/$id" params={{ id: run.id }}>
                  {run.name}
                </Link>
              </td>
              <td>
                <StateChip state={run.state} />
              </td>
              <td className={ui.num}>{run.parameters ? count(run.parameters) : "–"}</td>
              <td className={css.progress}>
                <ProgressBar share={runShare(run)} label={`${run.name}: ${percent(runShare(run))}`} />
              </td>
              <td className={ui.num}>{loss(run.trainLoss)}</td>
              <td className={ui.num}>{count(run.tokensPerSecond)}</td>
              <td className={ui.num}>{duration(secondsLeft(run))}</td>
              <td className={ui.muted}>{run.runner ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length > 12 && <p className={ui.muted}>and {runs.length - 12} more</p>}
    </section>
  );
}

function Runners({ runners }: { runners: Runner[] }) {
  const shown = runners.filter((runner) => runner.state !== "gone");
  if (shown.length === 0) {
    return (
      <p className={ui.empty}>
        No runner is connected. Start one with <code>isoflop runner --url {window.location.origin}</code>.
      </p>
    );
  }
  return (
    <ul>
      {shown.map((runner) => (
        <li key={runner.id} className={css.runner}>
          <div>
            <Link to="/runners/$id" params={{ id: runner.id }} className={css.name}>
              {runner.name}
            </Link>
            <RunnerChip state={runner.state} />
          </div>
          <p>
            {runner.pool} pool · {runner.runs.length} of {runner.slots} slots · {runner.cores} cores ·{" "}
            {bytes(runner.memoryBytes)}
          </p>
          {runner.devices.length > 0 && <p>{gpuSummary(runner)}</p>}
          <p>
            {runner.host} · seen {ago(runner.lastSeen)}
          </p>
        </li>
      ))}
    </ul>
  );
}

function SweepCard({ sweep }: { sweep: Sweep }) {
  const { done, total } = ended(sweep);
  return (
    <Link to="/sweeps/$id" params={{ id: sweep.id }} className={css.card}>
      <h3>
        <span className={css.name}>{sweep.name}</span>
        <StateChip state={sweep.state} />
      </h3>
      <Sparkline sweep={sweep} live={sweep.state === "running" || sweep.state === "queued"} />
      <CountsBar counts={sweep.counts} label={`Runs of ${sweep.name}`} />
      <p>
        <span>
          {done} of {total} runs · {flop(sweep.plannedFlops)}
        </span>
        <span>{ago(sweep.createdAt)}</span>
      </p>
      <p>
        <span>
          <Exponents sweep={sweep} />
        </span>
      </p>
    </Link>
  );
}

function FirstSteps() {
  return (
    <section className={css.first}>
      <h2>No sweep yet</h2>
      <p>
        A sweep trains a ladder of model sizes at several compute budgets and fits a scaling law to them. The smallest
        one fits a laptop’s processor and takes some minutes:
      </p>
      <pre>
        <code>./isoflop submit examples/isoflop-cpu.yaml</code>
      </pre>
      <p className={ui.muted}>Its runs appear here as soon as it is submitted.</p>
    </section>
  );
}
