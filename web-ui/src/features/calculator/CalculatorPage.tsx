import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Check, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { AskingPage, Fields, Inputs } from "../asking/AskingPage";
import { answerQuery, catalogueQuery, faultsOf, typed, useLast, useSettled } from "../asking/asking";
import { DeviceChoice } from "../asking/DeviceChoice";
import { Labelled } from "../asking/Labelled";
import css from "./calculator.module.css";
import {
  type Accounting,
  type CalculatorSearch,
  CHOICES,
  type Choice,
  DEFAULT_PRESET,
  type Field,
  fieldOf,
  MODEL_CHOICES,
  MODEL_FLAGS,
  MODEL_NUMBERS,
  type ModelChoice,
  type ModelFlag,
  type ModelNumber,
  NUMBERS,
  type NumberField,
  questionOf,
} from "./question";
import { Results } from "./Results";
import { typeset } from "./show";

const WORDS: Record<string, string> = {
  SWIGLU: "SwiGLU",
  PLAIN: "two matrices",
  RMS: "RMSNorm",
  LAYER: "LayerNorm",
  ROTARY: "rotary",
  LEARNED: "learned",
  BF16: "bf16, mixed",
  FP32: "fp32",
  ADAMW: "AdamW",
  MUON: "Muon",
  SGD: "SGD",
  NONE: "none",
  SELECTIVE: "scores (flash)",
};

/** FULL means two things. */
function word(field: Choice | ModelChoice, value: string): string {
  if (field === "attention") return value === "FULL" ? "all keys" : "causal";
  return value === "FULL" ? "whole blocks" : (WORDS[value] ?? value);
}

/** What a model takes, live as one types; everything that was said stands in the address. */
export function CalculatorPage() {
  useTitle("Calculator");
  const search = useSearch({ from: "/shell/calculator" });
  const navigate = useNavigate();
  const settled = useSettled(search);
  const asked = questionOf(settled);
  const query = useQuery(answerQuery<Accounting>("/accounting", asked.question, Number.POSITIVE_INFINITY));
  const accounting = useLast(query.data);
  const faults = faultsOf(asked.faults, query.error, fieldOf);
  const change = (changed: CalculatorSearch) => navigate({ to: "/calculator", replace: true, search: typed(changed) });
  return (
    <AskingPage
      title="Calculator"
      hint="What a model takes: parameters, FLOPs, memory, time and cost, with the arithmetic."
      begun={Object.keys(search).length > 0}
      onReset={() => change({})}
      query={query}
      answer={accounting}
      faulty={Object.keys(faults).length > 0}
      failed="This could not be reckoned."
      waiting="Reckoning…"
      inputs={<Asked search={search} accounting={accounting} faults={faults} onChange={change} />}
    >
      {(reckoned) => <Results accounting={reckoned} />}
    </AskingPage>
  );
}

interface AskedProps {
  search: CalculatorSearch;
  accounting: Accounting | undefined;
  faults: Partial<Record<Field, string>>;
  onChange: (search: CalculatorSearch) => void;
}

function Asked({ search, accounting, faults, onChange }: AskedProps) {
  const catalogue = useQuery(catalogueQuery).data;
  const set = (field: Field, value: string) => onChange({ ...search, [field]: value });
  const architecture = accounting?.architecture;
  const number = (field: ModelNumber | NumberField, resolved: number | undefined) => {
    const [name, letter] = { ...MODEL_NUMBERS, ...NUMBERS }[field];
    return (
      <Labelled key={field} name={name} letter={letter && typeset(letter)} fault={faults[field]}>
        {(props) => (
          <input
            {...props}
            className={ui.input}
            inputMode="decimal"
            autoComplete="off"
            value={search[field] ?? ""}
            placeholder={resolved === undefined ? "" : plain(resolved)}
            onChange={(event) => set(field, event.target.value)}
          />
        )}
      </Labelled>
    );
  };
  const choice = (field: Choice | ModelChoice, name: string, resolved: string | undefined) => (
    <Labelled key={field} name={name} fault={faults[field]}>
      {(props) => (
        <select
          {...props}
          className={ui.input}
          value={search[field] ?? resolved ?? ""}
          onChange={(event) => set(field, event.target.value)}
        >
          {{ ...CHOICES, ...MODEL_CHOICES }[field].map((value) => (
            <option key={value} value={value}>
              {word(field, value)}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
  const of = (field: ModelNumber) => architecture?.[field];
  const { workload, deployment } = accounting ?? {};
  return (
    <Inputs label="What is asked">
      <Panel title="Model">
        <Fields>
          <Labelled name="Begins as" fault={faults.preset} wide>
            {(props) => (
              <select
                {...props}
                className={ui.input}
                value={search.preset ?? DEFAULT_PRESET}
                onChange={(event) => onChange(withPreset(search, event.target.value))}
              >
                {(catalogue?.presets ?? []).map((preset) => (
                  <option key={preset.name} value={preset.name}>
                    {preset.title}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          {(["dModel", "layers", "heads", "kvHeads", "headDim", "dFf", "vocabSize", "contextLength"] as const).map(
            (field) => number(field, of(field)),
          )}
          {choice("feedForward", "Feed-forward", architecture?.feedForward)}
          {choice("norm", "Norm", architecture?.norm)}
          {choice("positions", "Positions", architecture?.positions)}
          {number("experts", of("experts"))}
          {(architecture?.experts ?? 0) > 0 && (
            <>
              {number("expertsPerToken", of("expertsPerToken"))}
              {number("sharedExperts", of("sharedExperts"))}
            </>
          )}
        </Fields>
        <div className={css.flags}>
          {(Object.keys(MODEL_FLAGS) as ModelFlag[]).map((flag) => (
            <Check
              key={flag}
              label={MODEL_FLAGS[flag]}
              checked={search[flag] === undefined ? (architecture?.[flag] ?? false) : search[flag] === "1"}
              onChange={(event) => set(flag, event.target.checked ? "1" : "0")}
            />
          ))}
        </div>
      </Panel>
      <Panel title="Work">
        <Fields>
          {number("batchSequences", workload?.batchSequences)}
          {number("tokens", workload?.tokens)}
          {choice("precision", "Precision", workload?.precision)}
          {choice("optimizer", "Optimizer", workload?.optimizer)}
          {choice("recomputation", "Computed again", workload?.recomputation)}
          {choice("attention", "Attention counts", workload?.attention)}
          {number("lanes", workload?.lanes)}
        </Fields>
      </Panel>
      <Panel title="Machine">
        <Fields>
          <DeviceChoice value={search.device} fault={faults.device} onChange={(device) => set("device", device)} />
          {number("devices", deployment?.devices)}
          {number("mfu", deployment?.mfu)}
          {number("pricePerHour", deployment?.pricePerHour ?? undefined)}
        </Fields>
      </Panel>
    </Inputs>
  );
}

/** Another model as it is: what was changed of the one before does not stick to it. */
function withPreset(search: CalculatorSearch, preset: string): CalculatorSearch {
  const ofModel = [...Object.keys(MODEL_NUMBERS), ...Object.keys(MODEL_CHOICES), ...Object.keys(MODEL_FLAGS), "tokens"];
  return { ...Object.fromEntries(Object.entries(search).filter(([name]) => !ofModel.includes(name))), preset };
}

function plain(value: number): string {
  return value >= 1e9 ? value.toExponential(2).replace(/\.?0*e\+/, "e") : value.toLocaleString("en-US");
}
