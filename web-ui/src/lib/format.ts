/** Numbers and times as people in the field write them. All of it is locale-free, so that figures can be compared. */

const MISSING = "–";
const MINUS = "−";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SI = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

type Maybe = number | null | undefined;

function missing(value: Maybe): value is null | undefined {
  return value === undefined || value === null || Number.isNaN(value);
}

function trim(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function signed(text: string): string {
  return text.replace("-", MINUS);
}

/** 3 significant digits, no trailing zeros: 34560 → 34.6k. Counts of parameters use B rather than G. */
export function si(value: Maybe, digits = 3, names: readonly string[] = SI): string {
  if (missing(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1) return size < 1e-3 ? scientific(value, digits) : signed(trim(value.toPrecision(digits)));
  let power = Math.min(Math.floor(Math.log10(size) / 3), names.length - 1);
  let scaled = Number((value / 1000 ** power).toPrecision(digits));
  // 999,600 rounds to 1000k, which is 1M
  if (Math.abs(scaled) >= 1000 && power < names.length - 1) {
    power += 1;
    scaled = Number((value / 1000 ** power).toPrecision(digits));
  }
  return signed(String(scaled)) + names[power];
}

const COUNT_NAMES = ["", "k", "M", "B", "T", "Q"];

/** A count of parameters or tokens: 1.2e9 → 1.2B. */
export function count(value: Maybe, digits = 3): string {
  return si(value, digits, COUNT_NAMES);
}

/** With a prefix before its unit: 2.93e12 of B/s → 2.93 TB/s. */
export function measure(value: Maybe, unit: string, digits = 3): string {
  if (missing(value)) return MISSING;
  const text = si(value, digits);
  const prefix = text.match(/[a-zA-Z]$/)?.[0] ?? "";
  return `${prefix ? text.slice(0, -1) : text} ${prefix}${unit}`;
}

/** An amount of computing: 1.2e11 → 120 GFLOP. */
export function flop(value: Maybe, digits = 3): string {
  return measure(value, "FLOP", digits);
}

export function superscript(power: number): string {
  return Array.from(String(power), (digit) => (digit === "-" ? "⁻" : (SUPERSCRIPTS[Number(digit)] ?? digit))).join("");
}

/** 1.2e11 → 1.2 × 10¹¹; a mantissa of exactly one is left out. */
export function scientific(value: Maybe, digits = 3): string {
  if (missing(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const [mantissa = "1", power = "0"] = value.toExponential(digits - 1).split("e");
  const short = trim(mantissa);
  const ten = `10${superscript(Number(power))}`;
  if (short === "1") return ten;
  return Number(power) === 0 ? signed(short) : `${signed(short)} × ${ten}`;
}

/** A loss in nats per token. */
export function loss(value: Maybe, digits = 3): string {
  if (missing(value)) return value !== undefined && value !== null ? "NaN" : MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  return signed(value.toFixed(digits));
}

/** A parameter of a law: plain where plain is readable. */
export function quantity(value: Maybe, digits = 4): string {
  if (missing(value)) return MISSING;
  if (!Number.isFinite(value) || value === 0) return scientific(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return scientific(value, Math.min(digits, 3));
  return signed(String(Number(value.toPrecision(digits))));
}

/** 12345 → 12,345 with thin grouping. */
export function integer(value: Maybe): string {
  if (missing(value)) return MISSING;
  return signed(Math.round(value).toLocaleString("en-US"));
}

export function percent(share: Maybe, digits = 0): string {
  if (missing(share)) return MISSING;
  return `${(100 * share).toFixed(digits)} %`;
}

export function bytes(value: Maybe): string {
  if (missing(value)) return MISSING;
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let power = 0;
  let scaled = value;
  while (scaled >= 1024 && power < names.length - 1) {
    scaled /= 1024;
    power += 1;
  }
  return `${power === 0 ? scaled : trim(scaled.toPrecision(3))} ${names[power]}`;
}

/** 3725 → 1 h 2 min; two units at most. */
export function duration(seconds: Maybe): string {
  if (missing(seconds) || !Number.isFinite(seconds) || seconds < 0) return MISSING;
  if (seconds < 9.95) return `${trim(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) {
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  }
  const hours = Math.round(minutes / 60);
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** Local time, 2026-11-24 01:02:03; the date alone is left out when it is today. */
export function clock(instant: string | number | undefined | null, now: Date = new Date()): string {
  if (instant === undefined || instant === null) return MISSING;
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return MISSING;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.toDateString() === now.toDateString() ? time : `${day} ${time}`;
}

export function ago(instant: string | undefined | null, now: number = Date.now()): string {
  if (!instant) return MISSING;
  const seconds = (now - Date.parse(instant)) / 1000;
  if (Number.isNaN(seconds)) return MISSING;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** Value with the interval: 0.48 [0.44, 0.52]. */
export function interval(low: number, high: number, format: (value: number) => string = quantity): string {
  return `${format(low)} to ${format(high)}`;
}
