import type { components } from "../src/api/schema";

type Schemas = components["schemas"];
export function addRuns(
  world: object,
  sweep: Schemas["Sweep"],
  addition: Schemas["SweepAddition"],
  options: { key: string; predictFrom?: number; now?: number },
): { sweep?: Schemas["Sweep"]; fault?: { pointer: string; message: string } };
export function settle(world: object, now?: number): [string, object][];
