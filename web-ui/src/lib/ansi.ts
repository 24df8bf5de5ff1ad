/** A stretch of text as a terminal would show it. */
export interface Stretch {
  text: string;
  /** 0 to 15, the terminal's palette */
  colour?: number;
  bold?: boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with a control character
const ESCAPE = /\u001b(?:\[([0-9;?]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Text without escape sequences: what is searched and copied. */
export function plain(text: string): string {
  return text.replace(ESCAPE, "");
}

/** Splits at the sequences that set colour and weight; all others have no meaning in a log and are dropped. */
export function stretches(text: string): Stretch[] {
  const found: Stretch[] = [];
  let style: Omit<Stretch, "text"> = {};
  let from = 0;
  const push = (to: number) => {
    if (to > from) found.push({ text: text.slice(from, to), ...style });
  };
  for (const match of text.matchAll(ESCAPE)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") style = apply(style, (match[1] || "0").split(";").map(Number));
  }
  push(text.length);
  return found;
}

function apply(style: Omit<Stretch, "text">, codes: number[]): Omit<Stretch, "text"> {
  let next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 22) delete next.bold;
    else if (code >= 30 && code <= 37) next.colour = code - 30;
    else if (code >= 90 && code <= 97) next.colour = code - 90 + 8;
    else if (code === 39) delete next.colour;
    else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4; // palettes beyond the first 16 are not told apart
  }
  return next;
}
