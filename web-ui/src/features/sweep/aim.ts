import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { fitTargetQuery } from "../../api/queries";
import type { Fit, FitTarget, FrontierPoint, Optimum } from "../../api/types";

/** The budget that a fit is asked about, and what it answers. */
export interface Aim {
  flops: number;
  /** first and last budget that can be asked about */
  range: [number, number];
  /** the server's answer; absent while the budget is moving, or on its way */
  exact: FitTarget | undefined;
  error: unknown;
  moving: boolean;
  /** @param done false while it is moving */
  move: (flops: number, done: boolean) => void;
}

function byCompute(fit: Fit): FrontierPoint[] {
  return [...fit.frontier].sort((a, b) => a.flops - b.flops);
}

/** First and last budget of a fit's frontier; nothing where it has none. */
export function reach(fit: Fit): [number, number] | undefined {
  const points = byCompute(fit);
  const [first] = points;
  const last = points[points.length - 1];
  return first && last && last.flops > first.flops ? [first.flops, last.flops] : undefined;
}

/**
 * The optimum of a budget between two points of the frontier, straight in the logarithms: what is shown while the budget moves. N* and D* are power laws, of which this is exact; the
 * ends of bands and the loss are off by less than a line is wide.
 */
export function between(fit: Fit, flops: number): Optimum | undefined {
  const points = byCompute(fit);
  const after = points.findIndex((point) => point.flops >= flops);
  const next = points[after];
  if (!next) return undefined;
  const before = points[after - 1] ?? next;
  const share = next === before ? 0 : Math.log(flops / before.flops) / Math.log(next.flops / before.flops);
  const at = (of: (point: FrontierPoint) => number) =>
    Math.exp(Math.log(of(before)) + share * Math.log(of(next) / of(before)));
  if (flops < before.flops * (1 - 1e-9)) return undefined;
  return {
    flops,
    n: { name: "N", value: at((p) => p.n), low: at((p) => p.nLow), high: at((p) => p.nHigh) },
    d: { name: "D", value: at((p) => p.d), low: at((p) => p.dLow), high: at((p) => p.dHigh) },
    loss: { name: "L", value: at((p) => p.loss), low: at((p) => p.lossLow), high: at((p) => p.lossHigh) },
  };
}

/**
 * A fit asked about a budget: the one in the address, or its own. While the budget moves the answer is read off the frontier; where it comes to rest, the server's takes its place.
 */
export function useAim(
  fit: Fit | undefined,
  asked: number | undefined,
  onRest: (flops: number) => void,
): { fit: Fit | undefined; aim: Aim | undefined } {
  const [moving, setMoving] = useState<number>();
  const range = useMemo(() => (fit ? reach(fit) : undefined), [fit]);
  const rest = asked ?? fit?.target?.flops ?? range?.[1];
  const wanted = fit !== undefined && range !== undefined && rest !== undefined;
  const answer = useQuery({ ...fitTargetQuery(fit?.id ?? 0, rest ?? 0), enabled: wanted });
  const exact = moving === undefined ? answer.data : undefined;
  const flops = moving ?? rest;
  const move = useCallback(
    (to: number, done: boolean) => {
      const rounded = Number(to.toPrecision(3));
      setMoving(done ? undefined : rounded);
      if (done) onRest(rounded);
    },
    [onRest],
  );
  return useMemo(() => {
    if (!fit || !range || flops === undefined) return { fit, aim: undefined };
    const own = fit.target?.flops === flops ? fit.target : undefined;
    const target = own ?? exact?.optimum ?? between(fit, flops);
    const { target: _own, ...rest } = fit;
    return {
      fit: target ? { ...rest, target } : rest,
      aim: {
        flops,
        range,
        exact,
        error: moving === undefined ? answer.error : undefined,
        moving: moving !== undefined,
        move,
      },
    };
  }, [fit, range, flops, exact, moving, answer.error, move]);
}
