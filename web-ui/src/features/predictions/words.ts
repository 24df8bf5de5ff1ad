import type { Coverage, Prediction } from "../../api/types";
import { percent } from "../../lib/format";

/** The classes of extrapolation as the API names them, in words for a column: C over the largest C fitted. */
export const RATIO_WORDS: Record<string, string> = {
  "<=1": "within the fit",
  "1-3": "up to 3 ×",
  "3-10": "3 to 10 ×",
  ">10": "beyond 10 ×",
};

export type Outcome = "covered" | "missed" | "diverged" | "void" | "open" | "untied";

export function outcome(prediction: Prediction): Outcome {
  const { score } = prediction;
  if (score) return score.diverged ? "diverged" : score.covered ? "covered" : "missed";
  if (prediction.state === "void") return "void";
  return prediction.runId === undefined ? "untied" : "open";
}

export const OUTCOME_WORDS: Record<Outcome, string> = {
  covered: "covered",
  missed: "missed",
  diverged: "diverged",
  void: "void",
  open: "open",
  untied: "no run yet",
};

/** How far a loss lies from what was predicted, of that: ln 0.0153 → +1.54 %. */
export function errorWords(logError: number | undefined): string {
  if (logError === undefined) return "–";
  const share = 100 * Math.expm1(logError);
  const sign = share < 0 ? "−" : "+";
  return `${sign}${Math.abs(share).toFixed(Math.abs(share) < 0.1 ? 3 : 2)} %`;
}

/** The size of an error without its sign. */
export function sizeWords(logError: number | undefined): string {
  return logError === undefined ? "–" : `${(100 * logError).toFixed(2)} %`;
}

/** 3.4 × the largest C fitted, as short as a column. */
export function ratioWords(ratio: number): string {
  return `${ratio >= 100 ? ratio.toFixed(0) : Number(ratio.toPrecision(2))} ×`;
}

/** 11 of 12 within their 90 % intervals. */
export function coverageWords(coverage: Coverage, level: number): string {
  if (coverage.scored === 1) {
    return `${coverage.covered === 1 ? "The one scored run is" : "The one scored run is not"} within its ${percent(level, digits(level))} interval`;
  }
  return `${coverage.covered} of ${coverage.scored} within their ${percent(level, digits(level))} intervals`;
}

export function digits(level: number): number {
  return Math.abs(100 * level - Math.round(100 * level)) < 1e-9 ? 0 : 1;
}

/** Whether what was aimed at is among what the coverage may be. */
export function verdict(coverage: Coverage, level: number): string {
  const share = coverage.coverage;
  if (!share) return "";
  if (share.high < level) return "fewer than the intervals promise";
  if (share.low > level) return "more than the intervals promise: they are wider than need be";
  return "as many as the intervals promise, as far as that can be told";
}
