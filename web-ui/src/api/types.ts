/**
 * What the REST API serves, under the names the dashboard uses for it. The shapes are generated from docs/openapi.json
 * (`npm run api` writes schema.d.ts anew); here are names only, and what the document cannot say. N parameters, D tokens,
 * C FLOPs, losses in nats per token, times as ISO-8601 UTC. Fields the server leaves out when absent are optional.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type RunState = Schemas["Run"]["state"];

/** In the order a run goes through them. A record, so that a state of the server's that is missing here does not compile. */
const ORDER: Record<RunState, true> = {
  queued: true,
  assigned: true,
  running: true,
  suspect: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  preempted: true,
};
export const RUN_STATES = Object.keys(ORDER) as readonly RunState[];

export const TERMINAL_STATES: readonly RunState[] = ["succeeded", "failed", "cancelled"];

/** The document has a schema for each kind of page; this is what they share. */
export interface Page<T> {
  items: T[];
  next?: string;
}

export type Problem = Schemas["Problem"];
export type Session = Schemas["SessionView"];

export type Sweep = Schemas["Sweep"];
export type Experiment = Schemas["Experiment"];
export type Ledger = Schemas["Ledger"];
export type Account = Schemas["LedgerAccount"];
export type Bounds = Schemas["LedgerBounds"];
export type Schedule = Schemas["Schedule"];
export type CreateSchedule = Schemas["CreateSchedule"];
export type Fire = Schemas["Fire"];
export type Run = Schemas["Run"];
export type RunDetail = Schemas["RunDetail"];
export type Attempt = Schemas["Attempt"];
export type Outlook = Schemas["Outlook"];
export type Profile = Schemas["Profile"];
export type RunProfile = Schemas["RunProfile"];
export type RunEvent = Schemas["RunEvent"];
export type LogLine = Schemas["LogLine"];
export type Checkpoint = Schemas["Checkpoint"];
export type Runner = Schemas["Runner"];
export type Pool = Schemas["Pool"];
export type Launch = Schemas["Launch"];
export type Device = Schemas["Device"];
export type DeviceSeries = Schemas["DeviceSeries"];
export type Overview = Schemas["Overview"];

export type FitMethods = Schemas["FitMethods"];
export type MethodFit = Schemas["MethodFit"];
export type Reading = Schemas["Reading"];
export type FitProfile = Schemas["FitProfile"];
export type FitTarget = Schemas["FitTarget"];
export type FitComparison = Schemas["FitComparison"];

export type MetricHead = Schemas["Head"];
export type Series = Schemas["Series"];

export type Fit = Schemas["Fit"];
export type NextQuestion = Schemas["NextQuestion"];
export type NextRuns = Schemas["NextRuns"];
export type SweepAddition = Schemas["SweepAddition"];
export type Added = Schemas["Added"];
export type LeftOutCell = Schemas["LeftOutCell"];
export type Dataset = Schemas["Dataset"];
export type Prediction = Schemas["Prediction"];
export type PredictionState = Schemas["Prediction"]["state"];
export type PredictionSummary = Schemas["PredictionSummary"];
export type Coverage = Schemas["Coverage"];
export type CreateFit = Schemas["CreateFit"];
export type Estimate = Schemas["Estimate"];
export type Optimum = Schemas["Optimum"];
export type FitBudget = Schemas["Budget"];
export type FrontierPoint = Schemas["FrontierPoint"];

/** A value of a job or result where it is shown as it is, whatever its shape. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Of the live stream, which an OpenAPI document does not describe. */
export type Progress = Pick<Run, "sweepId" | "step" | "doneTokens" | "trainLoss" | "tokensPerSecond"> & {
  runId: Run["id"];
};
