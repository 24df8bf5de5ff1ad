import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { sweepsQuery } from "../../api/queries";
import { ago, flop } from "../../lib/format";
import { ended } from "../../lib/progress";
import { Button, CountsBar, ErrorNotice, Panel, StateChip, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";

export function SweepsPage() {
  useTitle("Sweeps");
  const query = useInfiniteQuery({ ...sweepsQuery, refetchInterval: usePolling() });
  const sweeps = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (query.isError && !query.data) return <ErrorNotice what="The sweeps could not be loaded." error={query.error} />;
  return (
    <div className={ui.stack}>
      <h1>Sweeps</h1>
      <Panel>
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">Sweep</th>
              <th scope="col">Experiment</th>
              <th scope="col">State</th>
              <th scope="col">Runs</th>
              <th scope="col" className={ui.num}>
                Ended
              </th>
              <th scope="col" className={ui.num}>
                Compute done
              </th>
              <th scope="col" className={ui.num}>
                Planned
              </th>
              <th scope="col" className={ui.num}>
                Submitted
              </th>
            </tr>
          </thead>
          <tbody>
            {sweeps.map((sweep) => {
              const { done, total } = ended(sweep);
              return (
                <tr key={sweep.id}>
                  <td>
                    <Link to="/sweeps/$id" params={{ id: sweep.id }}>
                      {sweep.name}
                    </Link>
                  </td>
                  <td>
                    <Link to="/experiments/$id" params={{ id: sweep.experimentId }}>
                      {sweep.experiment}
                    </Link>
                  </td>
                  <td>
                    <StateChip state={sweep.state} />
                  </td>
                  <td style={{ width: 200 }}>
                    <CountsBar counts={sweep.counts} label={`Runs of ${sweep.name}`} />
                  </td>
                  <td className={ui.num}>
                    {done} of {total}
                  </td>
                  <td className={ui.num}>{flop(sweep.doneFlops)}</td>
                  <td className={ui.num}>{flop(sweep.plannedFlops)}</td>
                  <td className={ui.num}>{ago(sweep.createdAt)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {sweeps.length === 0 && <p className={ui.empty}>{query.isPending ? "Loading…" : "No sweep yet."}</p>}
        {query.hasNextPage && <Button onClick={() => query.fetchNextPage()}>Show more</Button>}
      </Panel>
    </div>
  );
}
