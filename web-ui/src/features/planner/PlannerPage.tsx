import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { runnersQuery } from "../../api/queries";
import { Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { AskingPage, Fields, Hint, Inputs } from "../asking/AskingPage";
import { answerQuery, faultsOf, typed, useLast, useSettled } from "../asking/asking";
import { DeviceChoice } from "../asking/DeviceChoice";
import { Labelled } from "../asking/Labelled";
import { PlanResults } from "./PlanResults";
import {
  DESIGNS,
  type Design,
  defaultOf,
  designOf,
  type Field,
  fieldOf,
  hasNumber,
  NUMBERS,
  type NumberField,
  type PlannedSweep,
  type PlannerSearch,
  PRECISIONS,
  type Precision,
  precisionOf,
  requestOf,
  SPENDS,
  type Spend,
  spendOf,
  TEXTS,
  type TextField,
  usualPrecision,
} from "./question";

const MINUTE = 60_000;

/** From what may be spent to a sweep, live as one types; everything that was said stands in the address. */
export function PlannerPage() {
  useTitle("Planner");
  const search = useSearch({ from: "/shell/planner" });
  const navigate = useNavigate();
  const runners = useQuery(runnersQuery);
  const asked = requestOf(useSettled(search), usualPrecision(runners.data ?? []));
  const query = useQuery(answerQuery<PlannedSweep>("/plans", asked.request, MINUTE));
  const plan = useLast(query.data);
  const faults = faultsOf(asked.faults, query.error, fieldOf);
  const change = (changed: PlannerSearch) => navigate({ to: "/planner", replace: true, search: typed(changed) });
  return (
    <AskingPage
      title="Planner"
      hint="A sweep for what may be spent, and why a cell is left out."
      begun={Object.keys(search).length > 0}
      onReset={() => change({})}
      query={query}
      answer={plan}
      faulty={Object.keys(faults).length > 0}
      failed="There is no such plan."
      waiting="Planning…"
      inputs={<Question search={search} trainedIn={plan?.precision} faults={faults} onChange={change} />}
    >
      {(planned) => <PlanResults plan={planned} settled={query.isSuccess && !query.isPlaceholderData} />}
    </AskingPage>
  );
}

function Question(props: {
  search: PlannerSearch;
  /** by the newest answer */
  trainedIn: Precision | undefined;
  faults: Partial<Record<Field, string>>;
  onChange: (search: PlannerSearch) => void;
}) {
  const { search, trainedIn, faults, onChange } = props;
  const spend = spendOf(search);
  const design = designOf(search);
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
  const number = (field: NumberField) => input(field, NUMBERS[field][0], defaultOf(design, field));
  const text = (field: TextField) => input(field, TEXTS[field][0], TEXTS[field][1], true);
  return (
    <Inputs label="What may be spent">
      <Panel title="Spend">
        <Fields>
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
          <DeviceChoice value={search.device} fault={faults.device} onChange={(device) => set("device", device)} />
          <Labelled name="Precision" fault={faults.precision}>
            {(given) => (
              <select
                {...given}
                className={ui.input}
                value={precisionOf(search) ?? trainedIn ?? "BF16"}
                onChange={(event) => set("precision", event.target.value)}
              >
                {PRECISIONS.map((one) => (
                  <option key={one} value={one}>
                    {one.toLowerCase()}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          {(["devices", "mfu", "pricePerHour", "flopsPerSecond"] as const).map(number)}
          {input("throughputOf", "As sweep no.", "none")}
        </Fields>
      </Panel>
      <Panel title="Design">
        <Fields>
          <Labelled name="Made of" fault={faults.design} wide>
            {(given) => (
              <select
                {...given}
                className={ui.input}
                value={design}
                onChange={(event) => set("design", event.target.value === "ISOFLOP" ? "" : event.target.value)}
              >
                {(Object.keys(DESIGNS) as Design[]).map((one) => (
                  <option key={one} value={one}>
                    {DESIGNS[one][0]}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Hint>{DESIGNS[design][1]}</Hint>
          {number("target")}
          {input("fit", "Runs so far: fit no.", "none")}
          {hasNumber(design, "runs") && number("runs")}
        </Fields>
      </Panel>
      <Panel title={design === "ISOFLOP" ? "Grid" : "Runs to choose from"}>
        <Fields>
          {(["budgets", "sizes", "decades", "fold", "vocabSize", "contextLength"] as const)
            .filter((field) => hasNumber(design, field))
            .map(number)}
          {(["corpusTokens", "maxEpochs", "memoryBytes"] as const).map(number)}
        </Fields>
      </Panel>
      <Panel title="Sweep">
        <Fields>{(["name", "experiment", "corpus"] as const).map(text)}</Fields>
      </Panel>
    </Inputs>
  );
}
