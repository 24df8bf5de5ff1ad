import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ApiError, request } from "../../api/client";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { catalogueQuery, useSettled } from "../calculator/asking";
import css from "../calculator/calculator.module.css";
import { Labelled } from "../calculator/Labelled";
import { PlanResults } from "./PlanResults";
import {
  type CreatePlan,
  type Field,
  fieldOf,
  NUMBERS,
  type NumberField,
  type PlannedSweep,
  type PlannerSearch,
  requestOf,
  SPENDS,
  type Spend,
  spendOf,
  TEXTS,
  type TextField,
} from "./question";

const planQuery = (body: CreatePlan) =>
  queryOptions({
    queryKey: ["plans", body],
    queryFn: async ({ signal }) => (await request<PlannedSweep>("POST", "/plans", { body, signal })).data,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });

/** From what may be spent to a sweep, live as one types; everything that was said stands in the address. */
export function PlannerPage() {
  useTitle("Planner");
  const search = useSearch({ from: "/shell/planner" });
  const navigate = useNavigate();
  const asked = requestOf(useSettled(search));
  const query = useQuery(planQuery(asked.request));
  const faults = { ...asked.faults };
  const problem = query.error instanceof ApiError ? query.error.problem : undefined;
  for (const one of problem?.errors ?? []) {
    const field = fieldOf(one.pointer);
    if (field) faults[field] = one.message.replace(/^= /, "");
  }
  const change = (changed: PlannerSearch) =>
    navigate({
      to: "/planner",
      replace: true,
      search: Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== "")),
    });
  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <h1>Planner</h1>
        <span className={ui.muted}>An IsoFLOP sweep for what may be spent, and why a cell is left out.</span>
        <div className={ui.end}>
          <Button small onClick={() => change({})} disabled={Object.keys(search).length === 0}>
            Start over
          </Button>
        </div>
      </div>
      <div className={css.columns}>
        <Inputs search={search} faults={faults} onChange={change} />
        <div className={css.results} aria-live="polite" aria-busy={query.isFetching}>
          {query.isError && <ErrorNotice what="There is no such plan." error={query.error} />}
          {query.data && (
            <div className={css.answer} data-stale={query.isPlaceholderData}>
              <PlanResults plan={query.data} settled={!query.isPlaceholderData} />
            </div>
          )}
          {query.isPending && <p className={ui.muted}>Planning…</p>}
        </div>
      </div>
    </div>
  );
}

function Inputs(props: {
  search: PlannerSearch;
  faults: Partial<Record<Field, string>>;
  onChange: (search: PlannerSearch) => void;
}) {
  const { search, faults, onChange } = props;
  const catalogue = useQuery(catalogueQuery).data;
  const spend = spendOf(search);
  const set = (field: Field, value: string) => onChange({ ...search, [field]: value });
  const input = (field: Field, name: string, placeholder: string, wide = false) => (
    <Labelled key={field} name={name} fault={faults[field]} wide={wide}>
      {(given) => (
        <input
          {...given}
          className={ui.input}
          autoComplete="off"
          value={search[field] ?? ""}
          placeholder={placeholder}
          onChange={(event) => set(field, event.target.value)}
        />
      )}
    </Labelled>
  );
  const number = (field: NumberField) => input(field, NUMBERS[field][0], NUMBERS[field][1]);
  const text = (field: TextField) => input(field, TEXTS[field][0], TEXTS[field][1], true);
  return (
    <form className={css.inputs} aria-label="What may be spent" onSubmit={(event) => event.preventDefault()}>
      <Panel title="Spend">
        <div className={css.fields}>
          <Labelled name="Bounded by" wide>
            {(given) => (
              <select
                {...given}
                className={ui.input}
                value={spend}
                onChange={(event) => onChange({ ...search, spend: event.target.value, amount: "" })}
              >
                {(Object.keys(SPENDS) as Spend[]).map((one) => (
                  <option key={one} value={one}>
                    {SPENDS[one][0]}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          {input("amount", "Amount", SPENDS[spend][1], true)}
          <Labelled name="Device" fault={faults.device}>
            {(given) => (
              <select
                {...given}
                className={ui.input}
                value={search.device ?? "H100"}
                onChange={(event) => set("device", event.target.value)}
              >
                {(catalogue?.devices ?? []).map((device) => (
                  <option key={device.name}>{device.name}</option>
                ))}
              </select>
            )}
          </Labelled>
          {(["devices", "mfu", "pricePerHour", "flopsPerSecond"] as const).map(number)}
          {input("throughputOf", "As sweep no.", "none")}
        </div>
      </Panel>
      <Panel title="Grid">
        <div className={css.fields}>
          {(["budgets", "sizes", "decades", "fold", "vocabSize", "contextLength"] as const).map(number)}
          {(["corpusTokens", "maxEpochs", "memoryBytes"] as const).map(number)}
        </div>
      </Panel>
      <Panel title="Sweep">
        <div className={css.fields}>{(["name", "experiment", "corpus"] as const).map(text)}</div>
      </Panel>
    </form>
  );
}
