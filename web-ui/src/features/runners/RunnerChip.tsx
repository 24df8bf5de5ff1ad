import type { Runner } from "../../api/types";
import { ui } from "../../ui/parts";

const DOT: Record<string, string | undefined> = { online: ui.succeeded, suspect: ui.suspect, gone: ui.cancelled };

/** State by shape, colour and word, as runs have it. */
export function RunnerChip({ state }: { state: Runner["state"] }) {
  return (
    <span className={ui.chip} data-state={state}>
      <span className={`${ui.dot} ${DOT[state] ?? ""}`} aria-hidden="true" />
      {state}
    </span>
  );
}
