import { useMemo } from "react";
import type { Run, Sweep } from "../../api/types";
import { PlotFigure } from "../../charts/PlotFigure";
import { count, flop, percent } from "../../lib/format";
import { ui } from "../../ui/parts";
import type { Aim } from "./aim";
import { computeSpec, frontierTable, optimumSpec } from "./figures";
import { isoflopSpec, isoflopTable, refusals } from "./isoflop";
import type { Lines } from "./lines";
import { type Chosen, curvesOf, type Dot, dotsOf } from "./model";
import css from "./sweep.module.css";

interface Props {
  sweep: Sweep;
  runs: Run[];
  chosen: Chosen;
  lines: Lines;
  aim: Aim | undefined;
}

function useShown(runs: Run[], chosen: Chosen, lines: Lines) {
  const { fit, embeddings } = chosen;
  return useMemo(() => {
    const dots = dotsOf(runs, fit, embeddings);
    return { dots, curves: curvesOf(fit, dots, lines), lines, fit: fit?.status === "converged" ? fit : undefined };
  }, [runs, fit, embeddings, lines]);
}

/** How many runs at how many budgets, those off the grid apart. */
function runsAt(dots: readonly Dot[], lines: Lines): string {
  const budgets = (some: readonly Dot[], of: (dot: Dot) => unknown) => {
    const number = new Set(some.map(of)).size;
    return `${number} compute ${number === 1 ? "budget" : "budgets"}`;
  };
  const off = dots.filter((dot) => lines.of(dot.budget) === undefined);
  const all = dots.length === 1 ? "1 run" : `${dots.length} runs`;
  if (off.length === dots.length) return `${all} at ${budgets(dots, (dot) => dot.budget)}`;
  const on = dots.filter((dot) => lines.of(dot.budget) !== undefined);
  const at = budgets(on, (dot) => lines.of(dot.budget));
  return off.length === 0 ? `${all} at ${at}` : `${all}: ${on.length} at ${at}, ${off.length} off the grid`;
}

/** Loss against N, the figure a sweep is made for. */
function Main({ sweep, runs, chosen, lines }: Omit<Props, "aim">) {
  const shown = useShown(runs, chosen, lines);
  const spec = useMemo(() => isoflopSpec(shown, chosen.embeddings), [shown, chosen.embeddings]);
  if (shown.dots.length === 0) {
    return (
      <section className={ui.panel}>
        <h2>Loss against model size</h2>
        <p className={ui.empty}>The first dot appears when the first run of the sweep ends.</p>
      </section>
    );
  }
  const kept = shown.dots.filter((dot) => dot.excluded === undefined);
  const off = kept.filter((dot) => lines.of(dot.budget) === undefined).length;
  const grid = lines.budgets.length > 0;
  const notes = [
    !grid && shown.curves.length > 0 && "Curves are the fitted law along round budgets, D = C / 6N.",
    grid && chosen.method === "isoflop" && shown.curves.length > 0 && PARABOLAS,
    grid && chosen.method === "parametric" && "Curves are the fitted law along each budget, D = C / 6N.",
    kept.some((dot) => dot.replicate && lines.of(dot.budget) !== undefined) && "Hollow dots are further seeds.",
    grid && off > 0 && "Squares are off the grid: at their budgets fewer than three sizes are trained.",
    kept.length < shown.dots.length && "Crosses are runs left out of the fit.",
    refusals(shown).length > 0 && "⚠ marks budgets without an optimum.",
  ].filter(Boolean);
  const told = runsAt(shown.dots, lines);
  return (
    <PlotFigure
      title="Loss against model size"
      subtitle={`${told}; a dot leads to its run`}
      file={`${sweep.name}-isoflop`}
      spec={spec}
      table={() => isoflopTable(shown, chosen.embeddings)}
      summary={`IsoFLOP figure: held-out loss against parameters, ${told}${optimaWords(shown.fit)}`}
      note={notes.join(" ")}
    />
  );
}

const PARABOLAS =
  "Diamonds are the parabolas’ optima, bars their intervals; each parabola spans the sizes that were trained.";

function optimaWords(fit: Chosen["fit"]): string {
  const found = fit?.budgets.flatMap((budget) =>
    budget.optimum ? [`${flop(budget.flops)}: ${count(budget.optimum.n.value)}`] : [],
  );
  return found?.length ? `; optimal N at ${found.join(", ")}` : "";
}

/** The three figures against compute. */
function Rest({ sweep, runs, chosen, lines, aim }: Props) {
  const shown = useShown(runs, chosen, lines);
  const other = chosen.other?.status === "converged" ? chosen.other : undefined;
  const older = chosen.older?.status === "converged" ? chosen.older : undefined;
  const comparable = older ?? other;
  // a parametric fit has no optima of single budgets: those of the parabolas stand beside it
  const optima = shown.fit?.method === "isoflop" ? shown.fit : other;
  const grip = useMemo(() => (aim ? { x: aim.flops, onMove: aim.move } : undefined), [aim]);
  const { fit } = shown;
  const loss = useMemo(() => computeSpec(shown, comparable, optima), [shown, comparable, optima]);
  const n = useMemo(() => optimumSpec("n", fit, comparable, optima, lines), [fit, comparable, optima, lines]);
  const d = useMemo(() => optimumSpec("d", fit, comparable, optima, lines), [fit, comparable, optima, lines]);
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
