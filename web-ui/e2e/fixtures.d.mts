export const LAW: { E: number; A: number; B: number; alpha: number; beta: number };
export function makeWorld(now: number): {
  now: number;
  sweeps: object[];
  experiments: object[];
  runs: object[];
  runners: object[];
  pools: object[];
  predictions: object[];
  fits: Map<number, object[]>;
};
export function deviceSeriesOf(index: number, from: number, to: number, maxPoints: number): object;
