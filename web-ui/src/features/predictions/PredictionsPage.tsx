import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { usePolling } from "../../api/live";
import { experimentsQuery, type PredictionFilter, predictionSummaryQuery, predictionsQuery } from "../../api/queries";
import { PREDICTION_STATES, type PredictionsSearch } from "../../lib/urlState";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { LedgerTable } from "./LedgerTable";
import css from "./predictions.module.css";
import { Summary } from "./Summary";

const LedgerFigure = lazy(() => import("./LedgerFigure").then((module) => ({ default: module.LedgerFigure })));

/** The ledger: what fits said of runs before they began, and how they came out. */
export function PredictionsPage() {
  useTitle("Predictions");
  const search = useSearch({ from: "/shell/predictions" });
  const navigate = useNavigate({ from: "/predictions" });
  const update = (change: Partial<PredictionsSearch>) =>
    navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
  const refetchInterval = usePolling();
  const whose = { experiment: search.experiment, fit: search.fit };
  const filter: PredictionFilter = {
    ...whose,
    state: search.state,
    covered: search.covered && search.covered === "yes",
    sort: search.sort,
  };
  const summary = useQuery({ ...predictionSummaryQuery(whose), refetchInterval });
  const list = useInfiniteQuery({ ...predictionsQuery(filter), refetchInterval });
  const predictions = list.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = search.state !== undefined || search.covered !== undefined;
  const error = list.isError && !list.data ? list.error : summary.isError && !summary.data ? summary.error : undefined;
  if (error) return <ErrorNotice what="The predictions could not be loaded." error={error} />;
  const none = list.isSuccess && predictions.length === 0 && !filtered;
  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <h1>Predictions</h1>
        <span className={ui.muted}>frozen before a run begins, scored when it ends</span>
      </div>
      <Filters search={search} update={update} />
      {none ? (
        <HowTo filtered={search.experiment !== undefined || search.fit !== undefined} />
      ) : (
        <>
          {summary.data && <Summary summary={summary.data} />}
          <Suspense fallback={<p className={ui.muted}>Loading…</p>}>
            <LedgerFigure whose={whose} />
          </Suspense>
          <Panel>
            {predictions.length > 0 ? (
              <LedgerTable predictions={predictions} sort={search.sort} update={update} />
            ) : (
              <p className={ui.empty}>{list.isPending ? "Loading…" : "No prediction matches these filters."}</p>
            )}
            {list.hasNextPage && <Button onClick={() => list.fetchNextPage()}>Show more</Button>}
          </Panel>
        </>
      )}
    </div>
  );
}

function Filters({
  search,
  update,
}: {
  search: PredictionsSearch;
  update: (change: Partial<PredictionsSearch>) => void;
}) {
  const query = useInfiniteQuery(experimentsQuery);
  const experiments = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <search className={css.filters}>
      <select
        className={ui.input}
        aria-label="Experiment"
        value={search.experiment ?? ""}
        onChange={(event) => update({ experiment: event.target.value ? Number(event.target.value) : undefined })}
      >
        <option value="">Any experiment</option>
        {search.experiment !== undefined && !experiments.some((one) => one.id === search.experiment) && (
          <option value={search.experiment}>experiment {search.experiment}</option>
        )}
        {experiments.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
      <select
        className={ui.input}
        aria-label="State"
        value={search.state ?? ""}
        onChange={(event) => update({ state: PREDICTION_STATES.find((one) => one === event.target.value) })}
      >
        <option value="">Any state</option>
        {PREDICTION_STATES.map((state) => (
          <option key={state}>{state}</option>
        ))}
      </select>
      <select
        className={ui.input}
        aria-label="Outcome"
        value={search.covered ?? ""}
        onChange={(event) =>
          update({ covered: event.target.value === "" ? undefined : event.target.value === "yes" ? "yes" : "no" })
        }
      >
        <option value="">Any outcome</option>
        <option value="yes">covered</option>
        <option value="no">missed or diverged</option>
      </select>
      {search.fit !== undefined && <span>of fit #{search.fit}</span>}
      {(search.experiment ?? search.fit ?? search.state ?? search.covered) !== undefined && (
        <Button
          look="quiet"
          onClick={() => update({ experiment: undefined, fit: undefined, state: undefined, covered: undefined })}
        >
          Clear filters
        </Button>
      )}
    </search>
  );
}

/** How one is made, where there is none. */
function HowTo({ filtered }: { filtered: boolean }) {
  return (
    <Panel title={filtered ? "No prediction here yet" : "No prediction yet"}>
      <div className={css.howTo}>
        <p>
          A fitted law says what loss a run will reach, and how sure it is. Said before the run begins, it can be held
          against what the run reaches; said afterwards, it proves nothing. So it takes a run that waits in the queue:
        </p>
        <pre>
          <code>isoflop predict FIT --run RUN</code>
        </pre>
        <p>every run of a sweep that is submitted:</p>
        <pre>
          <code>isoflop submit FILE --predict-from FIT</code>
        </pre>
        <p>
          or a size, to be tied later to a run of that size with <code>isoflop predictions tie</code>:
        </p>
        <pre>
          <code>isoflop predict FIT --params 4.2e8 --tokens 8.4e9</code>
        </pre>
        <p className={ui.muted}>
          The number of a fit stands beside its law on the page of its sweep. The same over REST:{" "}
          <code>POST /api/v1/fits/FIT/predictions</code> with <code>{'{"runId": RUN}'}</code>.
        </p>
      </div>
    </Panel>
  );
}
