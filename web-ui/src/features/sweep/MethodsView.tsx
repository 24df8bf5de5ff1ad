import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fitMethodsQuery } from "../../api/queries";
import type { Fit, FitMethods, MethodFit, Reading, Sweep } from "../../api/types";
import { PlotFigure } from "../../charts/PlotFigure";
import { count, flop, interval, loss, quantity } from "../../lib/format";
import { ErrorNotice, Panel, ui } from "../../ui/parts";
import { useScheme } from "../../ui/theme";
import type { Aim } from "./aim";
import { exponentBars, methodColour, methodName, methodsSpec, methodsTable, sizeBars } from "./methods";
import css from "./sweep.module.css";

/** The points of a fit by all three approaches and every published protocol: what each finds, and why they differ. */
export function MethodsView({ sweep, fit, aim }: { sweep: Sweep; fit: Fit; aim: Aim | undefined }) {
  const target = aim?.moving ? undefined : aim?.flops;
  const answer = useQuery({
    ...fitMethodsQuery(fit.id, target),
    placeholderData: (before) => (before?.fitId === fit.id ? before : undefined),
    enabled: aim === undefined || !aim.moving,
  });
  if (answer.isError) return <ErrorNotice what="The methods could not be compared." error={answer.error} />;
  if (!answer.data) return <p className={ui.muted}>Fitting by every method…</p>;
  return <Shown sweep={sweep} all={answer.data} aim={aim} />;
}

function Shown({ sweep, all, aim }: { sweep: Sweep; all: FitMethods; aim: Aim | undefined }) {
  const lines = useMemo(() => methodsSpec(all), [all]);
  const exponents = useMemo(() => exponentBars(all), [all]);
  const sizes = useMemo(() => sizeBars(all), [all]);
  const grip = useMemo(
    () => (aim && all.target !== undefined ? { x: all.target, onMove: aim.move } : undefined),
    [aim, all.target],
  );
  const table = () => methodsTable(all);
  const answered = all.methods.some((method) => method.optimum);
  return (
    <>
      <div className={css.top}>
        <PlotFigure
          title="Optimal size against compute, by every method"
          subtitle={<Legend all={all} />}
          file={`${sweep.name}-methods`}
          spec={lines}
          table={table}
          grip={grip}
          summary={`Optimal parameters against compute by ${all.methods.length} methods; exponents ${all.methods
            .flatMap((method) => (method.a ? [`${methodName(method)} ${quantity(method.a.value, 3)}`] : []))
            .join(", ")}`}
          note="The same runs by all three approaches. Dots: the optimum that a method reads off each budget; triangles: corners of the frontier. Lines: its power law. The surface has no optima of single budgets."
        />
        <Panel title="Why they differ">
          {all.differences.length > 0 ? (
            <ul className={css.plain}>
              {all.differences.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          ) : (
            <p className={ui.muted}>
              There is no surface to compare with: what a method differs by for its own sake cannot be told from what
              the runs say.
            </p>
          )}
        </Panel>
      </div>
      <div className={css.two}>
        <PlotFigure
          title="Exponent of N*"
          file={`${sweep.name}-exponents`}
          spec={exponents}
          table={table}
          summary={`The exponent a by every method: ${all.methods.flatMap((method) => (method.a ? [quantity(method.a.value, 3)] : [])).join(", ")}`}
          note="Hollow: a method that gives no interval."
        />
        {answered && (
          <PlotFigure
            title={`Optimal size at ${flop(all.target)}`}
            file={`${sweep.name}-sizes`}
            spec={sizes}
            table={table}
            summary={`The optimal parameters at ${flop(all.target)} by every method`}
            note="What the choice of a method costs at the target."
          />
        )}
      </div>
      <Panel title="The methods beside each other">
        <div className={css.methods}>
          <table className={ui.table}>
            <thead>
              <tr>
                <th scope="col">Method</th>
                <th scope="col" className={ui.num}>
                  a
                </th>
                <th scope="col" className={ui.num}>
                  Budgets
                </th>
                <th scope="col" className={ui.num}>
                  N* {all.target !== undefined && `at ${flop(all.target)}`}
                </th>
                <th scope="col" className={ui.num}>
                  D*
                </th>
                <th scope="col" className={ui.num}>
                  D / N
                </th>
                <th scope="col" className={ui.num}>
                  Loss
                </th>
                <th scope="col">To know</th>
              </tr>
            </thead>
            <tbody>
              {all.methods.map((method) => (
                <MethodRow key={method.name} method={method} />
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  );
}

function Legend({ all }: { all: FitMethods }) {
  const scheme = useScheme();
  return (
    <span className={css.legend}>
      {all.methods
        .filter((method) => method.a !== undefined)
        .map((method) => (
          <span key={method.name}>
            <span className={css.swatch} style={{ background: methodColour(method.name, scheme) }} aria-hidden="true" />
            {methodName(method)}
          </span>
        ))}
    </span>
  );
}

function MethodRow({ method }: { method: MethodFit }) {
  const scheme = useScheme();
  const { optimum } = method;
  const note = [...(method.refusal ? [method.refusal.message] : []), ...method.findings];
  return (
    <tr>
      <th scope="row" title={method.source}>
        <span className={css.swatch} style={{ background: methodColour(method.name, scheme) }} aria-hidden="true" />
        {methodName(method)}
        {method.source && <div className={css.meta}>{method.source}</div>}
      </th>
      <Cell reading={method.a} format={(value) => quantity(value, 3)} />
      <td className={ui.num}>{method.approach === 2 ? method.optima.length : "–"}</td>
      <Cell reading={optimum?.n} format={(value) => count(value)} />
      <Cell reading={optimum?.d} format={(value) => count(value)} />
      <Cell reading={optimum?.tokensPerParameter} format={(value) => count(value)} />
      <Cell reading={optimum?.loss} format={(value) => loss(value)} />
      <td className={css.note}>{note.length > 0 ? note.join(" ") : "–"}</td>
    </tr>
  );
}

function Cell({ reading, format }: { reading: Reading | undefined; format: (value: number) => string }) {
  return (
    <td className={ui.num}>
      {reading === undefined ? "–" : format(reading.value)}
      {reading?.low !== undefined && reading.high !== undefined && (
        <div className={css.meta}>{interval(reading.low, reading.high, format)}</div>
      )}
    </td>
  );
}
