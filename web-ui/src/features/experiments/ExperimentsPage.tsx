import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { experimentsQuery } from "../../api/queries";
import { ago, flop } from "../../lib/format";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { hours } from "./words";

/** Every experiment with what it may spend. */
export function ExperimentsPage() {
  useTitle("Experiments");
  const query = useInfiniteQuery({ ...experimentsQuery, refetchInterval: usePolling() });
  const experiments = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (query.isError && !query.data) {
    return <ErrorNotice what="The experiments could not be loaded." error={query.error} />;
  }
  return (
    <div className={ui.stack}>
      <h1>Experiments</h1>
      <Panel>
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">Experiment</th>
              <th scope="col" className={ui.num}>
                Sweeps
              </th>
              <th scope="col" className={ui.num}>
                Budget
              </th>
              <th scope="col" className={ui.num}>
                GPU budget
              </th>
              <th scope="col" className={ui.num}>
                Weight of its share
              </th>
              <th scope="col" className={ui.num}>
                Begun
              </th>
            </tr>
          </thead>
          <tbody>
            {experiments.map((experiment) => (
              <tr key={experiment.id}>
                <td>
                  <Link to="/experiments/$id" params={{ id: experiment.id }}>
                    {experiment.name}
                  </Link>
                </td>
                <td className={ui.num}>{experiment.sweeps}</td>
                <td className={ui.num}>{experiment.flopBudget ? flop(experiment.flopBudget) : "none"}</td>
                <td className={ui.num}>{experiment.gpuHourBudget ? hours(experiment.gpuHourBudget) : "none"}</td>
                <td className={ui.num}>{experiment.weight}</td>
                <td className={ui.num}>{ago(experiment.createdAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {experiments.length === 0 && <p className={ui.empty}>{query.isPending ? "Loading…" : "No experiment yet."}</p>}
        {query.hasNextPage && <Button onClick={() => query.fetchNextPage()}>Show more</Button>}
      </Panel>
    </div>
  );
}
