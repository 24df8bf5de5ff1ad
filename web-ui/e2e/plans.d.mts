import type { components } from "../src/api/schema";

type Schemas = components["schemas"];
export function planOf(body: Schemas["CreatePlan"]): {
  plan?: Schemas["PlannedSweep"];
  fault?: { pointer: string; message: string };
};
