import { Link } from "@tanstack/react-router";
import type { Added, Sweep } from "../../api/types";
import { flop } from "../../lib/format";
import { minute, runsWords } from "./next";
import css from "./sweep.module.css";

/** More waves than this are told on request. */
const FEW = 3;

/** What came to a sweep since it was submitted: how much, by which fit, when. */
export function Additions({ sweep }: { sweep: Sweep }) {
  const { additions } = sweep;
  if (additions.length === 0) return null;
  const runs = additions.reduce((sum, added) => sum + added.runs, 0);
  const flops = additions.reduce((sum, added) => sum + added.flops, 0);
  const list = (
    <ul className={css.additions} aria-label="Added since">
      {additions.map((added) => (
        <One key={added.id} sweep={sweep.id} added={added} />
      ))}
    </ul>
  );
  if (additions.length <= FEW) return list;
  return (
    <details className={css.bounds}>
      <summary>
        {runsWords(runs)} ({flop(flops)}) were added since, in {additions.length} waves
      </summary>
      {list}
    </details>
  );
}

function One({ sweep, added }: { sweep: number; added: Added }) {
  const { fit } = added.addition;
  return (
    <li>
      {runsWords(added.runs)} ({flop(added.flops)}) added by{" "}
      {fit === undefined ? (
        "hand"
      ) : (
        <Link to="/sweeps/$id" params={{ id: sweep }} search={{ fit }}>
          fit #{fit}
        </Link>
      )}{" "}
      at {minute(added.addedAt)}
    </li>
  );
}
