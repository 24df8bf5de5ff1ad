import { useMemo } from "react";
import type { Run, Sweep } from "../../api/types";
import { PlotFigure } from "../../charts/PlotFigure";
import { count, flop, percent } from "../../lib/format";
import { ui } from "../../ui/parts";
import type { Aim } from "./aim";
import { computeSpec, frontierTable, isoflopSpec, isoflopTable, optimumSpec } from "./figures";
import { type Chosen, curvesOf, dotsOf } from "./model";
import css from "./sweep.module.css";

interface Props {
  sweep: Sweep;
  runs: Run[];
  chosen: Chosen;
  aim: Aim | undefined;
}

function useShown(runs: Run[], chosen: Chosen) {
  const { fit, embeddings } = chosen;
  return useMemo(() => {
    const dots = dotsOf(runs, fit, embeddings);
    return { dots, curves: curvesOf(fit, dots), fit: fit?.status === "converged" ? fit : undefined };
  }, [runs, fit, embeddings]);
}

/** Loss against N, the figure a sweep is made for. */
function Main({ sweep, runs, chosen }: Omit<Props, "aim">) {
  const shown = useShown(runs, chosen);
  const spec = useMemo(() => isoflopSpec(shown, chosen.embeddings), [shown, chosen.embeddings]);
  const budgets = new Set(shown.dots.map((dot) => dot.budget)).size;
  if (shown.dots.length === 0) {
    return (
      <section className={ui.panel}>
        <h2>Loss against model size</h2>
        <p className={ui.empty}>The first dot appears when the first run of the sweep ends.</p>
      </section>
    );
  }
  const replicates = shown.dots.some((dot) => dot.replicate);
  const excluded = shown.dots.some((dot) => dot.excluded);
  const notes = [
    chosen.method === "isoflop"
      ? "Diamonds are the parabolas’ optima, bars their intervals; each parabola spans the sizes that were trained."
      : "Curves are the fitted law along each budget, D = C / 6N.",
    replicates && "Hollow dots are further seeds.",
    excluded && "Crosses are runs left out of the fit.",
    shown.fit?.budgets.some((budget) => budget.refusal) && "⚠ marks budgets without an optimum.",
  ].filter(Boolean);
  return (
    <PlotFigure
      title="Loss against model size"
      subtitle={`${shown.dots.length} runs at ${budgets} compute budgets; a dot leads to its run`}
      file={`${sweep.name}-isoflop`}
      spec={spec}
      table={() => isoflopTable(shown, chosen.embeddings)}
      summary={`IsoFLOP figure: held-out loss against parameters, ${shown.dots.length} runs at ${budgets} budgets${optimaWords(shown.fit)}`}
      note={notes.join(" ")}
    />
  );
}

function optimaWords(fit: Chosen["fit"]): string {
  const found = fit?.budgets.flatMap((budget) =>
    budget.optimum ? [`${flop(budget.flops)}: ${count(budget.optimum.n.value)}`] : [],
  );
  return found?.length ? `; optimal N at ${found.join(", ")}` : "";
}

/** The three figures against compute. */
function Rest({ sweep, runs, chosen, aim }: Props) {
  const shown = useShown(runs, chosen);
  const other = chosen.other?.status === "converged" ? chosen.other : undefined;
  const older = chosen.older?.status === "converged" ? chosen.older : undefined;
  const comparable = older ?? other;
  // a parametric fit has no optima of single budgets: those of the parabolas stand beside it
  const optima = shown.fit?.method === "isoflop" ? shown.fit : other;
  const grip = useMemo(() => (aim ? { x: aim.flops, onMove: aim.move } : undefined), [aim]);
  const { fit } = shown;
  const loss = useMemo(() => computeSpec(shown, comparable, optima), [shown, comparable, optima]);
  const n = useMemo(() => optimumSpec("n", fit, comparable, optima), [fit, comparable, optima]);
  const d = useMemo(() => optimumSpec("d", fit, comparable, optima), [fit, comparable, optima]);
  if (shown.dots.length === 0) return null;
  const level = fit ? percent(fit.level) : "";
  const note = [
    fit && `Band: ${level} bootstrap; hatched: outside the budgets fitted.`,
    comparable &&
      `Dotted: ${older ? `fit #${older.id}` : comparable.method === "parametric" ? "the parametric law" : "the parabolas’ power law"}.`,
    aim && "The dashed line can be drawn to another budget.",
  ]
    .filter(Boolean)
    .join(" ");
  const target = fit?.target;
  return (
    <div className={css.three}>
      <PlotFigure
        title="Loss against compute"
        file={`${sweep.name}-loss-compute`}
        spec={loss}
        grip={grip}
        table={() => ({
          columns: ["run", "flops", "loss"],
          rows: shown.dots.map((dot) => [dot.name, dot.flops, dot.loss]),
        })}
        summary={`Held-out loss of every run against compute${target ? `; predicted ${target.loss.value.toFixed(3)} at ${flop(target.flops)}` : ""}`}
        note={note}
      />
      {fit && fit.frontier.length > 0 && (
        <>
          <PlotFigure
            title="Optimal size against compute"
            file={`${sweep.name}-n-star`}
            spec={n}
            grip={grip}
            table={() => frontierTable(fit)}
            summary={`Optimal parameters against compute${target ? `; ${count(target.n.value)} at ${flop(target.flops)}` : ""}`}
            note={note}
          />
          <PlotFigure
            title="Optimal tokens against compute"
            file={`${sweep.name}-d-star`}
            spec={d}
            grip={grip}
            table={() => frontierTable(fit)}
            summary={`Optimal tokens against compute${target ? `; ${count(target.d.value)} at ${flop(target.flops)}` : ""}`}
            note={note}
          />
        </>
      )}
    </div>
  );
}

export const FitFigures = { Main, Rest };
