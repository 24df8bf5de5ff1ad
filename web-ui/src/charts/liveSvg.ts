import * as Plot from "@observablehq/plot";
import type { LiveChartProps } from "./LiveChart";
import { COLOURS } from "./palette";

/** The same curves as a vector picture: a canvas has none to give. Light, for print. */
export function liveSvg(props: LiveChartProps): SVGElement {
  const colours = COLOURS.light;
  const at = (x: number) => (props.timeX ? new Date(x * 1000) : x);
  // Plot breaks a line at a value that is not finite: it is kept only where the line is not to be bridged
  const points = (xs: number[], ys: number[], gaps?: boolean) =>
    xs.map((x, i) => ({ x: at(x), y: ys[i] as number })).filter((point) => gaps || Number.isFinite(point.y));
  const marks: Plot.Markish[] = props.lines.flatMap((line): Plot.Markish[] => {
    const band = line.band;
    return [
      ...(band
        ? [
            Plot.areaY(
              line.x.map((x, i) => ({ x: at(x), low: band.min[i], high: band.max[i] })),
              { x: "x", y1: "low", y2: "high", fill: line.colour, fillOpacity: 0.16 },
            ),
          ]
        : []),
      Plot.line(points(line.x, line.y, line.gaps), {
        x: "x",
        y: "y",
        stroke: line.colour,
        strokeWidth: line.width ?? 1.5,
        strokeOpacity: line.alpha ?? 1,
        ...(line.dash ? { strokeDasharray: line.dash.join(" ") } : {}),
        ...(line.dots ? { marker: "dot" as const } : {}),
      }),
    ];
  });
  const named = props.lines.filter((line) => !line.silent);
  return Plot.plot({
    document,
    width: 860,
    height: 380,
    marginLeft: 56,
    marginTop: 28,
    style: { background: "none", color: colours.ink2, fontFamily: "system-ui, sans-serif", fontSize: "11px" },
    x: {
      label: props.xLabel,
      ticks: 8,
      ...(props.timeX
        ? { type: "time" as const }
        : { type: props.logX ? ("log" as const) : ("linear" as const), tickFormat: props.formatX }),
      ...(props.rangeX ? { domain: props.rangeX.map(at) } : {}),
    },
    y: {
      type: props.logY ? "log" : "linear",
      label: props.yLabel,
      tickFormat: props.formatY,
      grid: true,
      ...(props.rangeY ? { domain: props.rangeY } : {}),
    },
    marks: [
      ...marks,
      ...(props.marks ?? []).map((mark) => Plot.ruleX([at(mark.x)], { stroke: colours.ink3, strokeDasharray: "4 3" })),
      ...named.map((line, i) =>
        Plot.text([line.label], { frameAnchor: "top-right", dy: -14 + 14 * i, fill: line.colour, fontWeight: 600 }),
      ),
    ],
  }) as SVGElement;
}
