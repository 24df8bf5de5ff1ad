import { useState } from "react";
import type { LeftOutCell } from "../../api/types";
import { integer } from "../../lib/format";
import css from "./asking.module.css";

/** More than this are told on request, by their reason: an optimal sweep is chosen from hundreds of cells. */
const FEW = 6;

const REASONS: Record<string, string> = {
  TOO_FEW_STEPS: "too few steps",
  TOO_FEW_TOKENS_PER_PARAMETER: "too few tokens a parameter",
  TOO_MANY_TOKENS_PER_PARAMETER: "too many tokens a parameter",
  TOO_MANY_EPOCHS: "too many passes over the corpus",
  DOES_NOT_FIT_MEMORY: "too little memory",
};

/** A limit in words; one that is not known here as the platform names it. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason.toLowerCase().replaceAll("_", " ");
}

export interface LeftOutGroup {
  reason: string;
  cells: LeftOutCell[];
}

/** By reason, the commonest first. */
export function byReason(cells: readonly LeftOutCell[]): LeftOutGroup[] {
  const groups = new Map<string, LeftOutCell[]>();
  for (const cell of cells) groups.set(cell.reason, [...(groups.get(cell.reason) ?? []), cell]);
  return [...groups]
    .map(([reason, members]) => ({ reason, cells: members }))
    .sort((a, b) => b.cells.length - a.cells.length);
}

/** Cells that are not run, and why: a few one by one, many folded away with their counts. */
export function LeftOut({ cells }: { cells: readonly LeftOutCell[] }) {
  if (cells.length <= FEW) return <Sentences cells={cells} />;
  return (
    <div className={css.leftOut}>
      {byReason(cells).map((group) => (
        <Group key={group.reason} group={group} />
      ))}
    </div>
  );
}

/** What nobody looks at is not drawn. */
function Group({ group }: { group: LeftOutGroup }) {
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {integer(group.cells.length)} with {reasonWords(group.reason)}
      </summary>
      {open && <Sentences cells={group.cells} />}
    </details>
  );
}

function Sentences({ cells }: { cells: readonly LeftOutCell[] }) {
  return (
    <ul className={css.sentences}>
      {cells.map((cell) => (
        <li key={`${cell.budget} ${cell.model} ${cell.sentence}`}>{cell.sentence}</li>
      ))}
    </ul>
  );
}
