import * as Plot from "@observablehq/plot";
import type { LiveChartProps } from "./LiveChart";
import { COLOURS } from "./palette";

/** The same curves as a vector picture: a canvas has none to give. Light, for print. */
export function liveSvg(props: LiveChartProps): SVGElement {
  const colours = COLOURS.light;
  const points = (xs: number[], ys: number[]) =>
    xs.map((x, i) => ({ x, y: ys[i] as number })).filter((point) => Number.isFinite(point.y));
  const marks: Plot.Markish[] = props.lines.flatMap((line): Plot.Markish[] => {
    const band = line.band;
    return [
      ...(band
        ? [
            Plot.areaY(
              line.x.map((x, i) => ({ x, low: band.min[i], high: band.max[i] })),
              { x: "x", y1: "low", y2: "high", fill: line.colour, fillOpacity: 0.16 },
            ),
          ]
        : []),
      Plot.line(points(line.x, line.y), {
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
    x: { type: props.logX ? "log" : "linear", label: props.xLabel, tickFormat: props.formatX, ticks: 8 },
    y: { type: props.logY ? "log" : "linear", label: props.yLabel, tickFormat: props.formatY, grid: true },
    marks: [
      ...marks,
      ...(props.marks ?? []).map((mark) => Plot.ruleX([mark.x], { stroke: colours.ink3, strokeDasharray: "4 3" })),
      ...named.map((line, i) =>
        Plot.text([line.label], { frameAnchor: "top-right", dy: -14 + 14 * i, fill: line.colour, fontWeight: 600 }),
      ),
    ],
  }) as SVGElement;
}
