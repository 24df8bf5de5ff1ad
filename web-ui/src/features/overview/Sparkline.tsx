import { useQuery } from "@tanstack/react-query";
import { fitsQuery, sweepRunsQuery } from "../../api/queries";
import type { Fit, Run, Sweep } from "../../api/types";
import { COLOURS } from "../../charts/palette";
import { estimate, parabola } from "../../lib/law";
import { plannedWithEmbeddings } from "../../lib/spec";
import { useScheme } from "../../ui/theme";
import { lineColours, linesOf } from "../sweep/lines";
import { choose } from "../sweep/model";

const WIDTH = 244;
const HEIGHT = 104;
const PAD = 6;

interface Shape {
  dots: { run: number; x: number; y: number; budget: number }[];
  curves: { budget: number; points: { x: number; y: number }[] }[];
}

/** The IsoFLOP figure without its axes: enough to recognise a sweep by. */
export function shapeOf(
  runs: readonly Run[],
  fit: Fit | undefined,
  embeddings: boolean,
  width = WIDTH,
  height = HEIGHT,
): Shape {
  const points = runs
    .filter((run) => run.kind === "pretrain" && run.finalLoss !== undefined && Number.isFinite(run.finalLoss))
    .map((run) => ({
      run: run.id,
      x: Math.log(embeddings ? run.parameters : run.nonEmbeddingParameters),
      y: run.finalLoss as number,
      budget: run.budget,
    }));
  const curves = (fit?.budgets ?? [])
    .map((budget) => ({
      budget: budget.flops,
      points: parabola(budget, 24).map((point) => ({ x: Math.log(point.x), y: point.y })),
    }))
    .filter((curve) => curve.points.length > 0);
  const all = [...points, ...curves.flatMap((curve) => curve.points)];
  if (all.length === 0) return { dots: [], curves: [] };
  const xs = all.map((point) => point.x);
  const ys = all.map((point) => point.y);
  const scale = (values: number[], from: number, to: number) => {
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    return (value: number) => from + ((value - low) / span) * (to - from);
  };
  const sx = scale(xs, PAD, width - PAD);
  const sy = scale(ys, height - PAD, PAD);
  return {
    dots: points.map((point) => ({ ...point, x: sx(point.x), y: sy(point.y) })),
    curves: curves.map((curve) => ({
      ...curve,
      points: curve.points.map((point) => ({ x: sx(point.x), y: sy(point.y) })),
    })),
  };
}

/** The exponents of the newest converged parabola fit, in words. */
export function Exponents({ sweep }: { sweep: Sweep }) {
  const fits = useQuery({ ...fitsQuery(sweep.id), staleTime: 5_000 });
  const fit = ownFit(sweep, fits.data);
  const a = fit && estimate(fit, "a");
  const b = fit && estimate(fit, "b");
  if (!a || !b) return <>no fit yet</>;
  return (
    <>
      N* ∝ C<sup>{a.value.toFixed(2)}</sup>, D* ∝ C<sup>{b.value.toFixed(2)}</sup>
    </>
  );
}

/** The newest converged parabola fit with N counted as the sweep counts it. */
function ownFit(sweep: Sweep, fits: Fit[] | undefined): Fit | undefined {
  const { fit } = choose(fits ?? [], {}, plannedWithEmbeddings(sweep));
  return fit?.status === "converged" ? fit : undefined;
}

export function Sparkline({ sweep, live }: { sweep: Sweep; live: boolean }) {
  const scheme = useScheme();
  const runs = useQuery({ ...sweepRunsQuery(sweep.id), staleTime: live ? 5_000 : 300_000 });
  const fits = useQuery({ ...fitsQuery(sweep.id), staleTime: live ? 5_000 : 300_000 });
  const fit = ownFit(sweep, fits.data);
  const shape = shapeOf(runs.data ?? [], fit, plannedWithEmbeddings(sweep));
  const colour = lineColours(linesOf(runs.data ?? [], fit), scheme);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" height={HEIGHT} aria-hidden="true" preserveAspectRatio="none">
      {shape.curves.map((curve) => (
        <polyline
          key={curve.budget}
          points={curve.points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(" ")}
          fill="none"
          stroke={colour(curve.budget)}
          strokeWidth="1.5"
          vectorEffect="non-scaling-stroke"
        />
      ))}
      {shape.dots.map((dot) => (
        <ellipse key={dot.run} cx={dot.x} cy={dot.y} rx="2" ry="2" fill={colour(dot.budget) ?? COLOURS[scheme].ink3} />
      ))}
    </svg>
  );
}
