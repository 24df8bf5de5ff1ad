import type { components } from "../src/api/schema";

type Schemas = components["schemas"];
export function nextOf(
  fit: Schemas["Fit"],
  sweep: Schemas["Sweep"],
  question: Schemas["NextQuestion"],
): { next?: Schemas["NextRuns"]; fault?: { pointer: string; message: string } };
