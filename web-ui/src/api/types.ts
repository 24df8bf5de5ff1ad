/**
 * What the REST API serves, as TypeScript sees it: the records of the `protocol` module. N parameters, D tokens, C FLOPs,
 * losses in nats per token, times as ISO-8601 UTC. Fields the server leaves out when absent are optional here.
 */

export const RUN_STATES = [
  "queued",
  "assigned",
  "running",
  "suspect",
  "succeeded",
  "failed",
  "cancelled",
  "preempted",
] as const;
export type RunState = (typeof RUN_STATES)[number];

export const TERMINAL_STATES: readonly RunState[] = ["succeeded", "failed", "cancelled"];

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export interface FieldError {
  pointer: string;
  message: string;
  expected?: string;
  nearest?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errors?: FieldError[];
}

export interface Session {
  scope: string;
  name: string;
}

export interface Dropped {
  label: string;
  reason: string;
}

export interface SweepSpec {
  kind: string;
  name: string;
  experiment?: string;
  dataset?: { corpus: string; vocabSize?: number; validationModulus?: number };
  contextLength?: number;
  flopRule?: string;
  countEmbeddings?: boolean;
  target?: number;
  [option: string]: unknown;
}

export interface Sweep {
  id: number;
  experimentId: number;
  experiment: string;
  name: string;
  state: string;
  spec: SweepSpec;
  datasetId: string;
  counts: Partial<Record<RunState, number>>;
  plannedFlops: number;
  doneFlops: number;
  dropped: Dropped[];
  createdAt: string;
  startedAt?: string;
  finishedAt?: string;
  version: number;
}

export interface Failure {
  category: string;
  code: string;
  message: string;
}

export interface Run {
  id: number;
  sweepId?: number;
  sweep?: string;
  name: string;
  kind: string;
  state: RunState;
  attempt: number;
  priority: number;
  pool: string;
  parameters: number;
  nonEmbeddingParameters: number;
  tokens: number;
  flops: number;
  flopsExact: number;
  budget: number;
  seed?: number;
  learningRate?: number;
  tokensPerStep: number;
  steps: number;
  step: number;
  doneTokens: number;
  trainLoss?: number;
  finalLoss?: number;
  bitsPerByte?: number;
  tokensPerSecond?: number;
  diverged: boolean;
  failure?: Failure;
  waitsFor?: number;
  runner?: string;
  createdAt: string;
  startedAt?: string;
  finishedAt?: string;
  version: number;
}

/** A value of a job or result: shown as it is, so its shape does not matter here. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface RunDetail {
  run: Run;
  job: { [key: string]: Json };
  result?: { [key: string]: Json };
  retriesLeft: { failures: number; preemptions: number; infrastructure: number };
}

export interface Attempt {
  number: number;
  runnerId: number;
  runner: string;
  state: string;
  cause?: string;
  resumedFromStep: number;
  assignedAt: string;
  startedAt?: string;
  endedAt?: string;
}

export interface RunEvent {
  id: number;
  runId: number;
  at: string;
  from?: RunState;
  to: RunState;
  attempt: number;
  cause?: string;
}

export interface LogLine {
  seq: number;
  attempt: number;
  at: string;
  level: string;
  text: string;
}

export interface FileRef {
  name: string;
  sha256: string;
  bytes: number;
}

export interface Checkpoint {
  id: number;
  attempt: number;
  step: number;
  tokens: number;
  bytes: number;
  createdAt: string;
  files: FileRef[];
}

export interface Runner {
  id: number;
  name: string;
  pool: string;
  host: string;
  pid: number;
  version: string;
  state: string;
  slots: number;
  cores: number;
  memoryBytes: number;
  devices: string[];
  runs: number[];
  registeredAt: string;
  lastSeen: string;
}

export interface Overview {
  runs: Partial<Record<RunState, number>>;
  runnersOnline: number;
  slots: number;
  busySlots: number;
  tokensPerSecond: number;
  flopsDone: number;
  metricPoints: number;
  recentSweeps: Sweep[];
  activeRuns: Run[];
}

export interface MetricHead {
  metric: string;
  lastStep: number;
  last?: number;
  min?: number;
  max?: number;
  count: number;
  nonfinite: number;
}

export interface Segment {
  attempt: number;
  fromStep: number;
  toStep: number;
}

export interface Series {
  metric: string;
  reduced: boolean;
  points: number;
  steps: number[];
  times: number[];
  last: number[];
  min: number[];
  max: number[];
  segments: Segment[];
}

export interface Refusal {
  code: string;
  message: string;
}

export interface Estimate {
  name: string;
  value: number;
  low: number;
  high: number;
}

export interface Optimum {
  flops: number;
  n: Estimate;
  d: Estimate;
  loss: Estimate;
}

export interface FitBudget {
  flops: number;
  a?: number;
  b?: number;
  c?: number;
  nMin: number;
  nMax: number;
  optimum?: Optimum;
  refusal?: Refusal;
}

export interface FrontierPoint {
  flops: number;
  n: number;
  nLow: number;
  nHigh: number;
  d: number;
  dLow: number;
  dHigh: number;
  loss: number;
  lossLow: number;
  lossHigh: number;
  extrapolated: boolean;
}

export interface FitPoint {
  runId: number;
  name: string;
  n: number;
  nNonEmbedding: number;
  d: number;
  flops: number;
  budget: number;
  seed: number;
  loss: number;
}

export interface Excluded {
  runId: number;
  name: string;
  reason: string;
}

export interface Fit {
  id: number;
  sweepId: number;
  method: string;
  status: string;
  refusal?: Refusal;
  level: number;
  parameters: Estimate[];
  budgets: FitBudget[];
  target?: Optimum;
  frontier: FrontierPoint[];
  points: FitPoint[];
  excluded: Excluded[];
  options: { [key: string]: Json };
  diagnostics: Record<string, number>;
  warnings: string[];
  inputHash: string;
  createdAt: string;
}

export interface CreateFit {
  method?: string;
  target?: number;
  countEmbeddings?: boolean;
  bootstraps?: number;
  level?: number;
  exclude?: { runId: number; reason: string }[];
}

export interface Progress {
  runId: number;
  sweepId?: number;
  step: number;
  doneTokens: number;
  trainLoss?: number;
  tokensPerSecond?: number;
}
