import type { components } from "../src/api/schema";

type Schemas = components["schemas"];
export function ensureDataset(
  world: object,
  spec: Schemas["SweepSpecDatasetSpec"],
  now?: number,
): { made: boolean; dataset: Schemas["Dataset"] };
export function pollDataset(world: object, id: string): Schemas["Dataset"] | undefined;
export function isReady(world: object, spec: Schemas["SweepSpecDatasetSpec"]): boolean;
