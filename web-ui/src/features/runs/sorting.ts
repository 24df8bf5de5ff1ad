import type { Run } from "../../api/types";

/**
 * Orders rows that the server already ordered by the first key by the others too: only ties of the first key move, so the
 * order agrees with the server's pages. Absent values go last either way.
 */
export function sortTies(runs: readonly Run[], keys: readonly string[]): Run[] {
  if (keys.length < 2) return [...runs];
  const parsed = keys.map((key) => ({ name: key.replace(/^-/, "") as keyof Run, sign: key.startsWith("-") ? -1 : 1 }));
  const [first, ...rest] = parsed;
  if (!first) return [...runs];
  const sorted: Run[] = [];
  let start = 0;
  for (let i = 1; i <= runs.length; i++) {
    if (i < runs.length && runs[i]?.[first.name] === runs[start]?.[first.name]) continue;
    sorted.push(
      ...runs.slice(start, i).sort((a, b) => {
        for (const key of rest) {
          const order = compare(a[key.name], b[key.name], key.sign);
          if (order !== 0) return order;
        }
        return 0;
      }),
    );
    start = i;
  }
  return sorted;
}

function compare(a: unknown, b: unknown, sign: number): number {
  if (a === b) return 0;
  if (a === undefined || a === null) return 1;
  if (b === undefined || b === null) return -1;
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1;
  return sign * order;
}

/** What a click on a heading does: ascending, descending, off; with `add` (shift) the other keys stay. */
export function toggleSort(sort: readonly string[], column: string, add: boolean): string[] {
  const now = sort.find((key) => key.replace(/^-/, "") === column);
  const next = now === undefined ? column : now.startsWith("-") ? undefined : `-${column}`;
  if (!add) return next ? [next] : [];
  if (now === undefined) return [...sort, column];
  return sort.flatMap((key) => (key === now ? (next ? [next] : []) : [key]));
}
