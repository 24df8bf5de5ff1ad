import type { Sweep } from "../api/types";

/** What a sweep of model sizes says; undefined for a sweep of commands, which has no law to fit. */
export function isoflop(sweep: Pick<Sweep, "spec">) {
  return sweep.spec.kind === "isoflop" ? sweep.spec : undefined;
}

/** Whether N in C = 6ND counted the embedding matrix when the budgets were planned. */
export function plannedWithEmbeddings(sweep: Pick<Sweep, "spec">): boolean {
  return isoflop(sweep)?.countEmbeddings !== false;
}
