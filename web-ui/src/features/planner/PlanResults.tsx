import { useMemo } from "react";
import { download } from "../../charts/export";
import { PlotFigure } from "../../charts/PlotFigure";
import { bytes, count, duration, integer, measure, quantity, scientific } from "../../lib/format";
import { Button, Fact, Facts, Panel, ui } from "../../ui/parts";
import { LeftOut } from "../asking/LeftOut";
import { useMayNotSubmit } from "../asking/mayNot";
import { isGrid, planSpec, planTable } from "./figure";
import type { PlannedSweep } from "./question";
import { SubmissionLine } from "./SubmissionLine";
import { useSubmission } from "./useSubmission";

/** What the factor is. */
const KNOWN =
  "One standard deviation of ln N*, as a factor, once all runs have ended: to first order, if a law of N and D holds up to the target";

const MONEY = { minimumFractionDigits: 2, maximumFractionDigits: 2 };

export function PlanResults({ plan, settled }: { plan: PlannedSweep; settled: boolean }) {
  const spec = useMemo(() => planSpec(plan), [plan]);
  const { step, submit, stop } = useSubmission();
  const { sweep } = plan;
  return (
    <div className={ui.stack}>
      <Panel
        title="In all"
        aside={
          sweep && <Actions sweep={sweep} settled={settled} busy={step.at !== "rest"} onSubmit={() => submit(sweep)} />
        }
      >
        <Facts label="In all">
          <Fact name="Runs">
            {integer(plan.cells.length)} <small>in {plan.precision.toLowerCase()}</small>
          </Fact>
          <Fact name="Left out">{integer(plan.dropped.length)}</Fact>
          <Fact name="FLOPs, 6ND">{scientific(plan.plannedFlops)}</Fact>
          <Fact name="FLOPs, counted">{scientific(plan.exactFlops)}</Fact>
          <Fact name="Tokens">{count(plan.tokens)}</Fact>
          {plan.deviceSeconds != null && <Fact name="GPU time">{duration(plan.deviceSeconds)}</Fact>}
          {plan.wallSeconds != null && (
            <Fact name="Until the last has ended" title="A run on each GPU, the longest begun first">
              {duration(plan.wallSeconds)}{" "}
              <small>{plan.devices === 1 ? "1 GPU" : `${integer(plan.devices)} GPUs`}</small>
            </Fact>
          )}
          {plan.flopsPerSecond != null && <Fact name="Each GPU">{measure(plan.flopsPerSecond, "FLOP/s")}</Fact>}
          {plan.cost != null && <Fact name="Cost">{plan.cost.toLocaleString("en-US", MONEY)}</Fact>}
          {plan.sd != null && (
            <Fact name={`N* at ${scientific(plan.target)} known to`} title={KNOWN}>
              × {quantity(Math.exp(plan.sd), 3)} <small>at best</small>
            </Fact>
          )}
        </Facts>
        <SubmissionLine step={step} onStop={stop} />
      </Panel>
      <PlotFigure
        title="Planned runs"
        file="plan"
        spec={spec}
        table={() => planTable(plan)}
        summary={`${plan.cells.length} planned runs over parameters and tokens, ${plan.dropped.length} cells left out`}
        note={`Dashed: ${isGrid(plan) ? "the budgets" : "round budgets"}, C = 6ND. Dots: runs. Crosses: cells left out, with the reason in the tables.`}
      />
      {plan.dropped.length > 0 && (
        <Panel title={`Left out (${plan.dropped.length})`}>
          <LeftOut cells={plan.dropped} />
        </Panel>
      )}
      {plan.cells.length > 0 && <Cells plan={plan} />}
    </div>
  );
}

function Actions(props: {
  sweep: NonNullable<PlannedSweep["sweep"]>;
  settled: boolean;
  busy: boolean;
  onSubmit: () => void;
}) {
  const { sweep, settled, busy } = props;
  const mayNot = useMayNotSubmit();
  return (
    <div>
      <Button
        small
        disabled={!settled}
        onClick={() => download(`${sweep.name}.json`, "application/json", `${JSON.stringify(sweep, null, 2)}\n`)}
      >
        Download plan JSON
      </Button>{" "}
      <Button
        small
        look="primary"
        disabled={busy || !settled || mayNot !== undefined}
        title={mayNot && `Submitting a sweep ${mayNot}`}
        onClick={props.onSubmit}
      >
        {busy ? "Submitting…" : "Submit sweep"}
      </Button>
    </div>
  );
}

function Cells({ plan }: { plan: PlannedSweep }) {
  const timed = plan.flopsPerSecond != null;
  const priced = plan.cost != null;
  const names = [
    "N",
    "D",
    "D / N",
    "Steps",
    "FLOPs",
    "Memory",
    ...(timed ? ["Time"] : []),
    ...(priced ? ["Cost"] : []),
  ];
  return (
    <Panel title={`Runs (${plan.cells.length})`}>
      <div className={ui.scroll}>
        <table className={ui.table} aria-label="Planned runs">
          <thead>
            <tr>
              <th scope="col">Budget</th>
              <th scope="col">Model</th>
              {names.map((name) => (
                <th key={name} scope="col" className={ui.num}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {plan.cells.map((cell) => (
              <tr key={`${cell.budget} ${cell.model}`}>
                <td>{scientific(cell.budget)}</td>
                <td>{cell.model}</td>
                <td className={ui.num}>{count(cell.n)}</td>
                <td className={ui.num}>{count(cell.d)}</td>
                <td className={ui.num}>{count(cell.d / cell.n)}</td>
                <td className={ui.num}>{integer(cell.steps)}</td>
                <td className={ui.num}>{scientific(cell.exactFlops)}</td>
                <td className={ui.num}>{bytes(cell.memoryBytes)}</td>
                {timed && <td className={ui.num}>{duration(cell.seconds)}</td>}
                {priced && <td className={ui.num}>{cell.cost?.toLocaleString("en-US", MONEY)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
