import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { runnersQuery } from "../../api/queries";
import type { Runner } from "../../api/types";
import { ago, bytes } from "../../lib/format";
import { ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { gpuSummary } from "./devices";
import { PoolsPanel } from "./PoolsPanel";
import { RunnerChip } from "./RunnerChip";

export function RunnersPage() {
  useTitle("Runners");
  const query = useQuery({ ...runnersQuery, refetchInterval: usePolling() });
  if (query.isError && !query.data) return <ErrorNotice what="The runners could not be loaded." error={query.error} />;
  return (
    <div className={ui.stack}>
      <h1>Runners</h1>
      <Panel>
        {query.isPending ? (
          <p className={ui.muted}>Loading…</p>
        ) : query.data?.length ? (
          <RunnersTable runners={query.data} />
        ) : (
          <p className={ui.empty}>
            No runner has ever been connected. Start one with <code>isoflop runner --url {window.location.origin}</code>
            .
          </p>
        )}
      </Panel>
      <PoolsPanel />
    </div>
  );
}

function RunnersTable({ runners }: { runners: Runner[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Runners">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Runner</th>
            <th scope="col">State</th>
            <th scope="col">Pool</th>
            <th scope="col">GPUs</th>
            <th scope="col" className={ui.num}>
              Slots busy
            </th>
            <th scope="col" className={ui.num}>
              Cores
            </th>
            <th scope="col" className={ui.num}>
              Memory
            </th>
            <th scope="col">Host</th>
            <th scope="col" className={ui.num}>
              Seen
            </th>
          </tr>
        </thead>
        <tbody>
          {runners.map((runner) => (
            <tr key={runner.id}>
              <td className={ui.whole}>
                <Link to="/runners/$id" params={{ id: runner.id }}>
                  {runner.name}
                </Link>
              </td>
              <td>
                <RunnerChip state={runner.state} />
                {runner.setAside && <div className={ui.muted}>Set aside: {runner.setAside.reason}</div>}
                {runner.trouble && <div className={ui.muted}>{runner.trouble}</div>}
              </td>
              <td>{runner.pool}</td>
              <td className={runner.devices.length === 0 ? ui.muted : undefined}>
                {runner.devices.length === 0 ? "none" : gpuSummary(runner)}
              </td>
              <td className={ui.num}>
                {runner.runs.length} of {runner.slots}
              </td>
              <td className={ui.num}>{runner.cores}</td>
              <td className={ui.num}>{bytes(runner.memoryBytes)}</td>
              <td>{runner.host}</td>
              <td className={ui.num}>{ago(runner.lastSeen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
