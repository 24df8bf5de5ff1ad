import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError, request } from "../../api/client";
import { Button, Check, ErrorNotice, Panel, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { catalogueQuery, useSettled } from "./asking";
import css from "./calculator.module.css";
import { Labelled } from "./Labelled";
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
  type Question,
  questionOf,
} from "./question";
import { Results } from "./Results";

const accountingQuery = (question: Question) =>
  queryOptions({
    queryKey: ["accounting", question],
    queryFn: async ({ signal }) => (await request<Accounting>("POST", "/accounting", { body: question, signal })).data,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

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
  const query = useQuery(accountingQuery(asked.question));
  // a question that cannot be answered leaves what was answered last, dimmed, rather than an empty page
  const [last, setLast] = useState<Accounting>();
  useEffect(() => {
    if (query.data) setLast(query.data);
  }, [query.data]);
  const accounting = query.data ?? last;
  const faults = { ...asked.faults };
  const problem = query.error instanceof ApiError ? query.error.problem : undefined;
  for (const one of problem?.errors ?? []) {
    const field = fieldOf(one.pointer);
    if (field) faults[field] = one.message.replace(/^= /, "");
  }
  const elsewhere = query.isError && (Object.keys(faults).length === 0 || !accounting);
  const change = (changed: CalculatorSearch) =>
    navigate({
      to: "/calculator",
      replace: true,
      search: Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== "")),
    });
  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <h1>Calculator</h1>
        <span className={ui.muted}>
          What a model takes: parameters, FLOPs, memory, time and cost, with the arithmetic.
        </span>
        <div className={ui.end}>
          <Button small onClick={() => change({})} disabled={Object.keys(search).length === 0}>
            Start over
          </Button>
        </div>
      </div>
      <div className={css.columns}>
        <Inputs search={search} accounting={accounting} faults={faults} onChange={change} />
        <div className={css.results} aria-live="polite" aria-busy={query.isFetching}>
          {elsewhere && <ErrorNotice what="This could not be reckoned." error={query.error} />}
          {accounting ? (
            <div className={css.answer} data-stale={query.isError}>
              <Results accounting={accounting} />
            </div>
          ) : (
            !query.isError && <p className={ui.muted}>Reckoning…</p>
          )}
        </div>
      </div>
    </div>
  );
}

interface InputsProps {
  search: CalculatorSearch;
  accounting: Accounting | undefined;
  faults: Partial<Record<Field, string>>;
  onChange: (search: CalculatorSearch) => void;
}

function Inputs({ search, accounting, faults, onChange }: InputsProps) {
  const catalogue = useQuery(catalogueQuery).data;
  const set = (field: Field, value: string) => onChange({ ...search, [field]: value });
  const architecture = accounting?.architecture;
  const number = (field: ModelNumber | NumberField, resolved: number | undefined) => {
    const [name, letter] = { ...MODEL_NUMBERS, ...NUMBERS }[field];
    return (
      <Labelled key={field} name={name} letter={letter} fault={faults[field]}>
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
    <form className={css.inputs} aria-label="What is asked" onSubmit={(event) => event.preventDefault()}>
      <Panel title="Model">
        <div className={css.fields}>
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
        </div>
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
        <div className={css.fields}>
          {number("batchSequences", workload?.batchSequences)}
          {number("tokens", workload?.tokens)}
          {choice("precision", "Precision", workload?.precision)}
          {choice("optimizer", "Optimizer", workload?.optimizer)}
          {choice("recomputation", "Computed again", workload?.recomputation)}
          {choice("attention", "Attention counts", workload?.attention)}
          {number("lanes", workload?.lanes)}
        </div>
      </Panel>
      <Panel title="Machine">
        <div className={css.fields}>
          <Labelled name="Device" fault={faults.device}>
            {(props) => (
              <select
                {...props}
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
          {number("devices", deployment?.devices)}
          {number("mfu", deployment?.mfu)}
          {number("pricePerHour", deployment?.pricePerHour ?? undefined)}
        </div>
      </Panel>
    </form>
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
