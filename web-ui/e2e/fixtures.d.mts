export const LAW: { E: number; A: number; B: number; alpha: number; beta: number };
export function makeWorld(now: number): { now: number; sweeps: object[]; runs: object[]; fits: Map<number, object[]> };
