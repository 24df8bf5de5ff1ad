import type { components } from "../../api/schema";
import type { RawSearch } from "../../lib/urlState";

type Schemas = components["schemas"];
export type Accounting = Schemas["Accounting"];
export type AccountingSection = Schemas["Section"];
export type AccountingLine = Schemas["Line"];
export type Question = Schemas["Question"];

/** Fields of the question's model that are numbers, with what they are called and their letter. */
export const MODEL_NUMBERS = {
  vocabSize: ["Vocabulary", "V"],
  contextLength: ["Context", "T"],
  dModel: ["Width", "d"],
  layers: ["Layers", "L"],
  heads: ["Query heads", "h"],
  kvHeads: ["Key-value heads", "g"],
  headDim: ["Head width", "d_h"],
  dFf: ["Feed-forward width", "f"],
  experts: ["Experts", "E"],
  expertsPerToken: ["Experts a token", "k"],
  sharedExperts: ["Shared experts", "s"],
} as const;

export const MODEL_CHOICES = {
  feedForward: ["SWIGLU", "PLAIN"],
  norm: ["RMS", "LAYER"],
  positions: ["ROTARY", "LEARNED"],
} as const;

export const MODEL_FLAGS = { tiedEmbeddings: "Tied head", biases: "Biases", qkNorm: "QK-norm" } as const;

export const NUMBERS = {
  batchSequences: ["Batch, sequences", "B"],
  lanes: ["Lanes", "K"],
  tokens: ["Training tokens", "D"],
  devices: ["Devices", ""],
  mfu: ["MFU", ""],
  pricePerHour: ["Price an hour", ""],
} as const;

export const CHOICES = {
  precision: ["BF16", "FP32"],
  optimizer: ["ADAMW", "MUON", "SGD"],
  recomputation: ["SELECTIVE", "NONE", "FULL"],
  attention: ["CAUSAL", "FULL"],
} as const;

export type ModelNumber = keyof typeof MODEL_NUMBERS;
export type ModelChoice = keyof typeof MODEL_CHOICES;
export type ModelFlag = keyof typeof MODEL_FLAGS;
export type NumberField = keyof typeof NUMBERS;
export type Choice = keyof typeof CHOICES;
export type Field = ModelNumber | ModelChoice | ModelFlag | NumberField | Choice | "preset" | "device";

/** What was typed, as it was typed: "1e" is on its way to 1e12, and an address may hold it. */
export type CalculatorSearch = Partial<Record<Field, string>>;

export const DEFAULT_PRESET = "llama-3-8b";

const FIELDS: readonly string[] = [
  "preset",
  "device",
  ...Object.keys(MODEL_NUMBERS),
  ...Object.keys(MODEL_CHOICES),
  ...Object.keys(MODEL_FLAGS),
  ...Object.keys(NUMBERS),
  ...Object.keys(CHOICES),
];

export function calculatorSearch(raw: RawSearch): CalculatorSearch {
  const search: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    const text = typeof value === "string" || typeof value === "number" ? String(value).trim().slice(0, 40) : "";
    if (FIELDS.includes(name) && text !== "") search[name] = text;
  }
  return search;
}

export type Asked = { question: Question; faults: Partial<Record<Field, string>> };

/** The question that an address asks; what is no number is a fault and left out of it. */
export function questionOf(search: CalculatorSearch): Asked {
  const faults: Asked["faults"] = {};
  const model: Record<string, unknown> = {};
  const question: Record<string, unknown> = { preset: search.preset ?? DEFAULT_PRESET, device: search.device };
  const number = (name: Field, into: Record<string, unknown>) => {
    const text = search[name];
    if (text === undefined) return;
    const value = Number(text.replaceAll(",", "").replaceAll("_", ""));
    if (Number.isFinite(value)) into[name] = value;
    else faults[name] = "is no number";
  };
  const choice = (name: Field, choices: readonly string[], into: Record<string, unknown>) => {
    const text = search[name];
    if (text !== undefined && choices.includes(text)) into[name] = text;
  };
  for (const name of Object.keys(MODEL_NUMBERS) as ModelNumber[]) number(name, model);
  for (const name of Object.keys(MODEL_CHOICES) as ModelChoice[]) choice(name, MODEL_CHOICES[name], model);
  for (const name of Object.keys(MODEL_FLAGS) as ModelFlag[]) {
    if (search[name] === "1" || search[name] === "0") model[name] = search[name] === "1";
  }
  for (const name of Object.keys(NUMBERS) as NumberField[]) number(name, question);
  for (const name of Object.keys(CHOICES) as Choice[]) choice(name, CHOICES[name], question);
  return { question: { ...question, model } as Question, faults };
}

/** Which field a problem's pointer means: /model/heads is heads. */
export function fieldOf(pointer: string): Field | undefined {
  const name = pointer.split("/").at(-1) ?? "";
  return FIELDS.includes(name) ? (name as Field) : undefined;
}
