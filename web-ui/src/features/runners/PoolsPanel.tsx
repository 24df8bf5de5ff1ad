import { useQuery } from "@tanstack/react-query";
import { usePolling } from "../../api/live";
import { poolsQuery } from "../../api/queries";
import type { Launch, Pool } from "../../api/types";
import { ago } from "../../lib/format";
import { Panel, ui } from "../../ui/parts";

/** Pools whose runners the platform starts; nothing where there are none. */
export function PoolsPanel() {
  const query = useQuery({ ...poolsQuery, refetchInterval: usePolling() });
  const pools = (query.data ?? []).filter((pool) => pool.provider || pool.launches.length > 0);
  if (pools.length === 0) return null;
  const launches = pools.flatMap((pool) => pool.launches.map((launch) => ({ pool: pool.name, launch })));
  return (
    <Panel>
      <h2>Pools</h2>
      <PoolsTable pools={pools} />
      {launches.length > 0 && <LaunchesTable launches={launches} />}
    </Panel>
  );
}

function PoolsTable({ pools }: { pools: Pool[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Pools">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col">Provider</th>
            <th scope="col" className={ui.num}>
              Queued
            </th>
            <th scope="col" className={ui.num}>
              Runners
            </th>
            <th scope="col" className={ui.num}>
              Slots busy
            </th>
            <th scope="col">What is done</th>
          </tr>
        </thead>
        <tbody>
          {pools.map((pool) => (
            <tr key={pool.name}>
              <td>{pool.name}</td>
              <td className={pool.provider ? undefined : ui.muted}>{pool.provider ?? "none"}</td>
              <td className={ui.num}>{pool.queued}</td>
              <td className={ui.num}>
                {pool.runners}
                {pool.maxRunners !== undefined && ` of ${pool.maxRunners}`}
              </td>
              <td className={ui.num}>
                {pool.busy} of {pool.slots}
              </td>
              <td>{[pool.note, pool.error].filter(Boolean).join(" ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function LaunchesTable({ launches }: { launches: { pool: string; launch: Launch }[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
    <section className={ui.scroll} tabIndex={0} aria-label="Runners that were asked for">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Asked for</th>
            <th scope="col">Pool</th>
            <th scope="col">State</th>
            <th scope="col">Provider’s id</th>
            <th scope="col">Where</th>
            <th scope="col">Why</th>
            <th scope="col" className={ui.num}>
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {launches.map(({ pool, launch }) => (
            <tr key={launch.id}>
              <td>{launch.runner}</td>
              <td>{pool}</td>
              <td>{launch.state}</td>
              <td>
                {launch.provider} {launch.externalId}
              </td>
              <td>{launch.place}</td>
              <td>{launch.reason}</td>
              <td className={ui.num}>{ago(launch.askedAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
