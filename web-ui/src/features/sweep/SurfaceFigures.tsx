import { useMemo, useState } from "react";
import type { Run, Sweep } from "../../api/types";
import { PlotFigure } from "../../charts/PlotFigure";
import { count, flop } from "../../lib/format";
import { lawOf } from "../../lib/law";
import type { Lines } from "./lines";
import { type Chosen, dotsOf } from "./model";
import { type AskedNext, NextRuns, useNextRuns } from "./NextRuns";
import { runsWords } from "./next";
import { deltaOf, residual, residualSpec, residualTable, surfaceSpec } from "./surface";
import css from "./sweep.module.css";

function starsWords(runs: number): string {
  if (runs === 0) return "";
  return runs === 1 ? " Star: the run to train next." : " Stars: the runs to train next, in order.";
}

/** What only a parametric fit has: a surface over N and D, and what it leaves of each run. */
export function SurfaceFigures(props: { sweep: Sweep; runs: Run[]; chosen: Chosen; lines: Lines }) {
  const { sweep, runs, chosen, lines } = props;
  const { fit, embeddings } = chosen;
  const dots = useMemo(() => dotsOf(runs, fit, embeddings), [runs, fit, embeddings]);
  const law = useMemo(() => (fit?.status === "converged" ? lawOf(fit) : undefined), [fit]);
  const [asked, setAsked] = useState<AskedNext>();
  const proposed = useNextRuns(asked?.fit === fit?.id ? asked : undefined);
  const next = proposed.data?.runs;
  const surface = useMemo(
    () => (law && fit ? surfaceSpec(law, fit, dots, lines, next) : undefined),
    [law, fit, dots, lines, next],
  );
  const delta = fit ? deltaOf(fit) : 0;
  const left = useMemo(() => (law ? residualSpec(law, dots, delta, lines) : undefined), [law, dots, delta, lines]);
  if (!law || !fit || !surface || !left || dots.length === 0) return null;
  const kept = dots.filter((dot) => dot.excluded === undefined);
  const spread = Math.sqrt(kept.reduce((sum, dot) => sum + residual(law, dot) ** 2, 0) / Math.max(1, kept.length));
  const { target } = fit;
  return (
    <div className={css.two}>
      <PlotFigure
        title="Loss over parameters and tokens"
        file={`${sweep.name}-surface`}
        spec={surface}
        table={() => residualTable(law, dots, delta)}
        summary={`Lines of one loss over parameters and tokens with ${kept.length} runs${target ? `; the optimum at ${flop(target.flops)} is N ${count(target.n.value)}, D ${count(target.d.value)}` : ""}${next?.length ? `; ${runsWords(next.length)} proposed` : ""}`}
        note={`Thin: lines of one loss. Dashed: ${lines.budgets.length > 0 ? "the budgets of the grid" : "round budgets"}, C = 6ND. Thick: the best N and D of each budget.${target ? " Diamond: the target." : ""}${starsWords(next?.length ?? 0)}`}
      />
      <PlotFigure
        title="What the surface leaves over"
        file={`${sweep.name}-residuals`}
        spec={left}
        table={() => residualTable(law, dots, delta)}
        summary={`Loss of ${kept.length} runs against the law, ${(100 * spread).toFixed(2)} per cent in the root mean square`}
        note={`Above the line a run is worse than the law. ${(100 * spread).toFixed(2)} % in the root mean square; a slope along a budget, or one budget off as a whole, is a law of the wrong form. Small dots: runs beyond Huber’s δ, which count for less.`}
      />
      <div className={css.wide}>
        <NextRuns sweep={sweep} fit={fit} proposed={proposed} onAsk={setAsked} />
      </div>
    </div>
  );
}
