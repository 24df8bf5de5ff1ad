import { bytes, count, duration, integer, measure, percent, quantity, scientific, superscript } from "../../lib/format";
import type { Accounting, AccountingLine, AccountingSection } from "./question";

/** A line's value as one reads it. */
export function show(line: AccountingLine): string {
  const { value } = line;
  switch (line.unit) {
    case "PARAMETERS":
      return integer(value);
    case "FLOPS":
      return `${scientific(value)} FLOP`;
    case "FLOPS_PER_TOKEN":
      return measure(value, "FLOP");
    case "FLOPS_PER_SECOND":
      return measure(value, "FLOP/s");
    case "BYTES":
    case "BYTES_PER_TOKEN":
      return bytes(value);
    case "TOKENS":
      return count(value);
    case "TOKENS_PER_SECOND":
      return `${count(value)}/s`;
    case "SECONDS":
      return seconds(value);
    case "DEVICE_HOURS":
      return `${value >= 100 ? integer(value) : quantity(value, 3)} h`;
    case "MONEY":
      return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    case "RATIO":
      return line.key === "ofDevice" ? percent(value, value < 0.1 ? 1 : 0) : ratio(value);
  }
}

function ratio(value: number): string {
  return Number.isInteger(value) ? integer(value) : quantity(value, 4);
}

function seconds(value: number): string {
  if (value < 1e-3) return `${quantity(value * 1e6, 3)} µs`;
  if (value < 1) return `${quantity(value * 1e3, 3)} ms`;
  if (value > 3 * 365.25 * 86_400) return `${integer(value / (365.25 * 86_400))} years`;
  return duration(value);
}

/** 3.14e23 as the rest of the page has it. */
export function typeset(text: string): string {
  return text
    .replace(/(\d)e(-?\d+)/g, (_all, digit: string, power: string) => `${digit} × 10${superscript(Number(power))}`)
    .replaceAll("d_h", "dₕ");
}

export function sectionOf(accounting: Accounting, key: string): AccountingSection | undefined {
  return accounting.sections.find((section) => section.key === key);
}

export function lineOf(accounting: Accounting, section: string, key: string): AccountingLine | undefined {
  const found = sectionOf(accounting, section);
  if (!found) return undefined;
  return [...found.parts, ...(found.total ? [found.total] : []), ...found.others].find((line) => line.key === key);
}
