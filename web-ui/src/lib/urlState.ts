import { type PredictionState, RUN_STATES, type RunState } from "../api/types";
import { X_AXES, type XAxis } from "./axis";

/**
 * The search part of the address as plain `name=value` pairs (lists by comma), so that an address can be read, typed and
 * shared. Every reader takes whatever stands there and keeps only what is valid: an address never breaks a page.
 */
export type RawSearch = Record<string, unknown>;

export function parseSearch(text: string): RawSearch {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: RawSearch): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(",") : value === true ? "1" : value;
    if (text === undefined || text === null || text === "" || text === false) continue;
    pairs.push(
      `${encodeURIComponent(name)}=${encodeURIComponent(String(text)).replace(/%2C/g, ",").replace(/%2F/g, "/")}`,
    );
  }
  return pairs.length ? `?${pairs.join("&")}` : "";
}

function words(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "string" ? value.split(",").filter(Boolean) : [];
}

function text(value: unknown): string | undefined {
  const trimmed = typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
  return trimmed === "" ? undefined : trimmed;
}

function number(value: unknown, low: number, high: number): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) && parsed >= low && parsed <= high ? parsed : undefined;
}

function whole(value: unknown): number | undefined {
  const parsed = number(value, 0, Number.MAX_SAFE_INTEGER);
  return parsed !== undefined && Number.isInteger(parsed) ? parsed : undefined;
}

function flag(value: unknown): true | undefined {
  return value === true || value === "1" || value === 1 || value === "true" ? true : undefined;
}

function oneOf<T extends string>(value: unknown, choices: readonly T[]): T | undefined {
  return choices.find((choice) => choice === value);
}

function compact<T extends object>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;
}

export interface RunsSearch {
  q?: string;
  state?: RunState[];
  sweep?: number;
  kind?: string;
  model?: string;
  /** sort keys in order, `-` before a descending one */
  sort?: string[];
  cols?: string[];
  /** runs chosen for comparison */
  sel?: number[];
}

export const MAX_COMPARED = 8;

export function runsSearch(raw: RawSearch): RunsSearch {
  const states = words(raw.state).filter((word): word is RunState => (RUN_STATES as readonly string[]).includes(word));
  const sort = words(raw.sort).filter((word) => /^-?[a-zA-Z]+$/.test(word));
  const cols = words(raw.cols).filter((word) => /^[a-zA-Z]+$/.test(word));
  const sel = words(raw.sel)
    .map(whole)
    .filter((id) => id !== undefined)
    .slice(0, MAX_COMPARED);
  return compact<RunsSearch>({
    q: text(raw.q),
    state: states.length ? states : undefined,
    sweep: whole(raw.sweep),
    kind: text(raw.kind),
    model: text(raw.model),
    sort: sort.length ? sort : undefined,
    cols: cols.length ? cols : undefined,
    sel: sel.length ? sel : undefined,
  });
}

export const RUN_TABS = ["curves", "profile", "config", "attempts", "logs", "artifacts"] as const;
export type RunTab = (typeof RUN_TABS)[number];

export interface RunSearch {
  tab?: RunTab;
  x?: XAxis;
  logx?: true;
  logy?: true;
  /** smoothing weight, 0 to 0.999 */
  smooth?: number;
  /** hides the min/max band */
  noband?: true;
  /** first and last step shown */
  from?: number;
  to?: number;
}

export function runSearch(raw: RawSearch): RunSearch {
  return compact<RunSearch>({
    tab: oneOf(raw.tab, RUN_TABS),
    x: oneOf(raw.x, X_AXES),
    logx: flag(raw.logx),
    logy: flag(raw.logy),
    smooth: number(raw.smooth, 0, 0.999),
    noband: flag(raw.noband),
    from: whole(raw.from),
    to: whole(raw.to),
  });
}

export const METHODS = ["isoflop", "parametric"] as const;
export type Method = (typeof METHODS)[number];
/** A method by itself, or all that there are beside each other. */
export const FIT_VIEWS = [...METHODS, "all"] as const;
export type FitView = (typeof FIT_VIEWS)[number];

export interface SweepSearch {
  method?: FitView;
  /** `non` counts N without the embedding matrix, `all` with it; absent: as the sweep does */
  n?: "all" | "non";
  /** a particular fit rather than the newest of the method */
  fit?: number;
  /** an older fit that it stands beside */
  with?: number;
  /** a budget to ask about, in FLOPs, rather than the fit's own target */
  c?: number;
}

export function sweepSearch(raw: RawSearch): SweepSearch {
  return compact<SweepSearch>({
    method: oneOf(raw.method, FIT_VIEWS),
    n: oneOf(raw.n, ["all", "non"] as const),
    fit: whole(raw.fit),
    with: whole(raw.with),
    c: number(raw.c, 1, 1e40),
  });
}

export const PREDICTION_STATES: readonly PredictionState[] = ["open", "scored", "void"];
export const PREDICTION_SORTS = [
  "id",
  "n",
  "d",
  "flops",
  "extrapolationRatio",
  "loss",
  "observed",
  "logError",
  "absoluteError",
] as const;

export interface PredictionsSearch {
  experiment?: number;
  fit?: number;
  state?: PredictionState;
  /** of the scored ones those whose interval held, or did not */
  covered?: "yes" | "no";
  /** a sort key, `-` before a descending one */
  sort?: string;
}

export function predictionsSearch(raw: RawSearch): PredictionsSearch {
  const sort = text(raw.sort);
  return compact<PredictionsSearch>({
    experiment: whole(raw.experiment),
    fit: whole(raw.fit),
    state: oneOf(raw.state, PREDICTION_STATES),
    covered: oneOf(raw.covered, ["yes", "no"] as const),
    sort: oneOf(sort?.replace(/^-/, ""), PREDICTION_SORTS) ? sort : undefined,
  });
}

/** How much of the past the devices' charts show. */
export const SPANS = ["15m", "1h", "6h", "24h"] as const;
export type Span = (typeof SPANS)[number];

export function runnerSearch(raw: RawSearch): { last?: Span } {
  return compact({ last: oneOf(raw.last, SPANS) });
}

export function loginSearch(raw: RawSearch): { next?: string } {
  const next = text(raw.next);
  // only a path of this site: an address must not be able to send anyone elsewhere after signing in
  return next?.startsWith("/") && !/^\/[/\\]/.test(next) ? { next } : {};
}
