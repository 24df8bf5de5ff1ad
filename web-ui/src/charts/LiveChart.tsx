import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { quantity, si } from "../lib/format";
import { useScheme } from "../ui/theme";
import css from "./charts.module.css";
import { COLOURS } from "./palette";

export interface Line {
  label: string;
  /** ascending */
  x: number[];
  /** NaN is a gap */
  y: number[];
  colour: string;
  width?: number;
  /** 0 to 1 */
  alpha?: number;
  dash?: number[];
  /** marks every point, for sparse series */
  dots?: boolean;
  /** extremes of the buckets, drawn as a band */
  band?: { min: number[]; max: number[] };
  /** leaves gaps open rather than bridging them */
  gaps?: boolean;
  /** left out of the readout */
  silent?: boolean;
}

export interface Mark {
  x: number;
  text: string;
}

export interface LiveChartProps {
  lines: Line[];
  marks?: Mark[];
  xLabel: string;
  yLabel: string;
  /** x is seconds since the epoch, ticked at round times of day */
  timeX?: boolean;
  /** ends of the axes where the data should not decide */
  rangeX?: [number, number];
  rangeY?: [number, number];
  logX?: boolean;
  logY?: boolean;
  height: number;
  summary: string;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  onZoom?: (range: [number, number]) => void;
  /** charts of the same key share their cursor */
  sync?: string;
}

function withAlpha(colour: string, alpha: number): string {
  return `${colour}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, "0")}`;
}

interface Layout {
  data: uPlot.AlignedData;
  series: { line: number; role: "line" | "min" | "max" }[];
}

/** Aligns the lines on the union of their positions, as uPlot wants them; missing values are bridged. */
export function align(lines: readonly Line[]): Layout {
  const tables: uPlot.AlignedData[] = [];
  const series: Layout["series"] = [];
  const clean = (values: number[]) => values.map((value) => (Number.isFinite(value) ? value : null));
  lines.forEach((line, i) => {
    const columns: (number | null)[][] = [];
    if (line.band) {
      columns.push(clean(line.band.max), clean(line.band.min));
      series.push({ line: i, role: "max" }, { line: i, role: "min" });
    }
    columns.push(clean(line.y));
    series.push({ line: i, role: "line" });
    tables.push([line.x, ...columns]);
  });
  if (tables.length === 0) return { data: [[]], series };
  if (tables.length === 1) return { data: tables[0] as uPlot.AlignedData, series };
  return { data: uPlot.join(tables), series };
}

/**
 * Curves of a run on a canvas. New points go into the chart that is there (`setData`); it is made anew only when its
 * scales, lines, theme or size class change. The cursor's readout is written straight to the page: it moves with every
 * mouse event and must not cost a render.
 */
export function LiveChart(props: LiveChartProps) {
  const { lines, height, summary } = props;
  const holder = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const scheme = useScheme();
  const layout = useMemo(() => align(lines), [lines]);
  const live = useRef({ props, layout });
  live.current = { props, layout };

  const shape = JSON.stringify([
    lines.map((line) => [
      line.label,
      line.colour,
      line.width,
      line.alpha,
      line.dash,
      line.dots,
      !!line.band,
      line.gaps,
    ]),
    props.xLabel,
    props.yLabel,
    props.timeX,
    props.logX,
    props.logY,
    props.rangeY,
    height,
    scheme,
    props.sync,
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for all that makes a new chart necessary
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(
      optionsOf(live, readout, scheme, Math.max(element.clientWidth, 200)),
      live.current.layout.data,
      element,
    );
    chart.current = made;
    writeReadout(live, readout.current, null);
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [shape]);

  useEffect(() => {
    chart.current?.setData(layout.data);
    writeReadout(live, readout.current, chart.current?.cursor.idx ?? null);
  }, [layout]);

  return (
    <div className={css.live}>
      <div ref={readout} className={css.readout} aria-hidden="true" />
      <div ref={holder} role="img" aria-label={summary} style={{ minHeight: height }} />
    </div>
  );
}

type Live = { current: { props: LiveChartProps; layout: Layout } };

function writeReadout(live: Live, element: HTMLDivElement | null, index: number | null): void {
  if (!element) return;
  const { props, layout } = live.current;
  const items: Node[] = [];
  if (index !== null) {
    const at = document.createElement("span");
    at.textContent = props.formatX(layout.data[0][index] as number);
    items.push(at);
  }
  layout.series.forEach(({ line, role }, i) => {
    const one = props.lines[line];
    if (role !== "line" || !one || one.silent) return;
    const item = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.style.borderColor = one.colour;
    if (one.dash) swatch.style.borderTopStyle = "dashed";
    item.append(swatch, one.label);
    if (index !== null) {
      const value = nearest(layout.data[i + 1] as (number | null | undefined)[], index);
      if (value !== undefined) {
        const number = document.createElement("b");
        number.style.fontWeight = "600";
        number.textContent = props.formatY(value);
        item.append(number);
      }
    }
    items.push(item);
  });
  element.replaceChildren(...items);
}

/** The value at the index, or the last one before it: lines of different density share one cursor. */
function nearest(values: (number | null | undefined)[], index: number): number | undefined {
  for (let i = index; i >= 0 && i > index - 2000; i--) {
    const value = values[i];
    if (value !== null && value !== undefined) return value;
  }
  return undefined;
}

const yTick = (value: number) => (Math.abs(value) >= 1000 ? si(value) : quantity(value, 3));

function optionsOf(live: Live, readout: { current: HTMLDivElement | null }, scheme: "light" | "dark", width: number) {
  const { props, layout } = live.current;
  const colours = COLOURS[scheme];
  const font = '11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif';
  const bands: uPlot.Band[] = [];
  const series: uPlot.Series[] = [{}];
  layout.series.forEach(({ line, role }, i) => {
    const one = props.lines[line] as Line;
    if (role === "max") bands.push({ series: [i + 1, i + 2], fill: withAlpha(one.colour, 0.16) });
    series.push(
      role === "line"
        ? {
            label: one.label,
            stroke: withAlpha(one.colour, one.alpha ?? 1),
            width: one.width ?? 1.5,
            spanGaps: !one.gaps,
            points: { show: one.dots ?? false, size: 5, fill: one.colour, stroke: one.colour },
            ...(one.dash ? { dash: one.dash } : {}),
          }
        : { label: `${one.label} ${role}`, stroke: "transparent", width: 0, spanGaps: true, points: { show: false } },
    );
  });
  const axis = (label: string, format: (value: number) => string, log: boolean): uPlot.Axis => ({
    ...(label ? { label, labelFont: font, labelSize: 16 } : {}),
    font,
    stroke: colours.ink3,
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 4 },
    values: (_chart, splits) => splits.map((split) => (split === null ? null : format(split))),
    ...(log ? { space: 44 } : {}),
  });
  const options: uPlot.Options = {
    width,
    height: props.height,
    padding: [8, 26, 0, 0],
    legend: { show: false },
    scales: {
      x: {
        time: !!props.timeX,
        distr: props.logX ? 3 : 1,
        // asked at every setData: the ends of a time that moves on are not those the chart was made with
        ...(props.rangeX ? { range: (_chart, low, high) => live.current.props.rangeX ?? [low, high] } : {}),
      },
      y: { distr: props.logY ? 3 : 1, ...(props.rangeY ? { range: props.rangeY } : {}) },
    },
    axes: [
      { ...axis(props.xLabel, (value) => live.current.props.formatX(value), !!props.logX), size: 26 },
      { ...axis(props.yLabel, yTick, !!props.logY), size: 46 },
    ],
    series,
    bands,
    cursor: {
      drag: { x: !!props.onZoom, y: false, setScale: false },
      points: { size: 6 },
      ...(props.sync ? { sync: { key: props.sync, setSeries: false } } : {}),
    },
    hooks: {
      setCursor: [(chart) => writeReadout(live, readout.current, chart.cursor.idx ?? null)],
      setSelect: [
        (chart) => {
          const { left, width: span } = chart.select;
          if (span < 4) return;
          const range: [number, number] = [chart.posToVal(left, "x"), chart.posToVal(left + span, "x")];
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          live.current.props.onZoom?.(range);
        },
      ],
      draw: [
        (chart) => {
          const context = chart.ctx;
          const ratio = devicePixelRatio || 1;
          for (const mark of live.current.props.marks ?? []) {
            const x = Math.round(chart.valToPos(mark.x, "x", true));
            if (!Number.isFinite(x) || x < chart.bbox.left || x > chart.bbox.left + chart.bbox.width) continue;
            context.save();
            context.strokeStyle = colours.ink3;
            context.fillStyle = colours.ink3;
            context.lineWidth = ratio;
            context.setLineDash([4 * ratio, 3 * ratio]);
            context.beginPath();
            context.moveTo(x, chart.bbox.top);
            context.lineTo(x, chart.bbox.top + chart.bbox.height);
            context.stroke();
            context.font = `${10.5 * ratio}px system-ui, sans-serif`;
            context.textBaseline = "top";
            context.textAlign = "left";
            context.fillText(mark.text, x + 4 * ratio, chart.bbox.top + 3 * ratio);
            context.restore();
          }
        },
      ],
    },
  };
  return options;
}
