/** Colours of figures. Those of budgets are a walk through viridis by rank: ordered by compute, safe for the colour-blind. */

export type Scheme = "light" | "dark";

export interface ChartColours {
  panel: string;
  ink: string;
  ink2: string;
  ink3: string;
  line: string;
  accent: string;
  accentSoft: string;
  warn: string;
  second: string;
}

export const COLOURS: Record<Scheme, ChartColours> = {
  light: {
    panel: "#ffffff",
    ink: "#15181b",
    ink2: "#4a5157",
    ink3: "#646b71",
    line: "#e3e3de",
    accent: "#1a5a96",
    accentSoft: "rgba(26, 90, 150, 0.14)",
    warn: "#8a5a00",
    second: "#b4531f",
  },
  dark: {
    panel: "#14181b",
    ink: "#e7e9eb",
    ink2: "#aab1b8",
    ink3: "#8b939b",
    line: "#282e33",
    accent: "#7db7ec",
    accentSoft: "rgba(125, 183, 236, 0.18)",
    warn: "#e0b04c",
    second: "#f0a06a",
  },
};

const VIRIDIS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
] as const;

/** Viridis at t in [0, 1], linear between its anchors. */
export function viridis(t: number): string {
  const at = Math.max(0, Math.min(1, t)) * (VIRIDIS.length - 1);
  const index = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const share = at - index;
  const low = VIRIDIS[index] ?? VIRIDIS[0];
  const high = VIRIDIS[index + 1] ?? low;
  const channels = low.map((channel, i) => Math.round(channel + share * ((high[i] ?? channel) - channel)));
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

/** The stretch of viridis that keeps its contrast with the panel behind it, or nearly: `legible` does the rest. */
const STRETCH: Record<Scheme, [number, number]> = { light: [0.02, 0.78], dark: [0.3, 1] };

/** Contrast that WCAG 2.1 asks of lines and marks (1.4.11), and of text (1.4.3). */
const MARK_CONTRAST = 3;
const TEXT_CONTRAST = 4.5;

const channelsOf = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Relative luminance, WCAG 2.1. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = channelsOf(colour).map((channel) => {
    const share = channel / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The colour as it is, or as much darker (in the dark: lighter) as that contrast with the panel takes. */
function legible(colour: string, scheme: Scheme, wanted: number): string {
  const { panel } = COLOURS[scheme];
  const towards = scheme === "light" ? 0 : 255;
  let shown = colour;
  for (let mixed = 0; contrast(shown, panel) < wanted && mixed <= 1; mixed += 0.02) {
    const channels = channelsOf(colour).map((channel) => Math.round(channel + mixed * (towards - channel)));
    shown = `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
  }
  return shown;
}

/** A colour of a mark, for the text that names it. */
export function textColour(colour: string, scheme: Scheme): string {
  return legible(colour, scheme, TEXT_CONTRAST);
}

/** A colour for every budget, darkest (in the light) for the least compute. */
export function budgetColours(budgets: readonly number[], scheme: Scheme): Map<number, string> {
  const sorted = [...new Set(budgets)].sort((a, b) => a - b);
  const [low, high] = STRETCH[scheme];
  return new Map(
    sorted.map((budget, i) => {
      const at = sorted.length === 1 ? (low + high) / 2 : low + ((high - low) * i) / (sorted.length - 1);
      return [budget, legible(viridis(at), scheme, MARK_CONTRAST)];
    }),
  );
}

/** For curves laid over each other that have no order: Okabe and Ito's set, darkened or lightened to the panel. */
export const CATEGORIES: Record<Scheme, readonly string[]> = {
  light: ["#0072b2", "#c14f00", "#00805d", "#a14a86", "#8a6d00", "#2b8fc4", "#5d5d5d", "#d6336c"],
  dark: ["#56b4e9", "#e69f00", "#2fc39a", "#e08fc4", "#f0e442", "#8fb8ff", "#b8b8b8", "#ff8787"],
};
