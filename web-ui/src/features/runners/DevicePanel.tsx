import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { deviceQuery } from "../../api/queries";
import type { Device, DeviceSeries, Runner } from "../../api/types";
import { Figure } from "../../charts/Figure";
import { LiveChart, type LiveChartProps } from "../../charts/LiveChart";
import { liveSvg } from "../../charts/liveSvg";
import { CATEGORIES } from "../../charts/palette";
import { ago, bytes, clock, integer, percent, quantity } from "../../lib/format";
import type { Span } from "../../lib/urlState";
import { ErrorNotice, Fact, Facts, Panel, ProgressBar, ui } from "../../ui/parts";
import { useScheme } from "../../ui/theme";
import { type Quantity, SPAN_LABEL, SPAN_SECONDS, timeline } from "./devices";
import css from "./runners.module.css";

const GIB = 2 ** 30;

interface Chart {
  quantity: Quantity;
  title: string;
  unit: string;
  scale: number;
  rangeY?: [number, number];
}

function chartsOf(device: Device): Chart[] {
  return [
    { quantity: "utilisationPercent", title: "Utilisation", unit: "%", scale: 1, rangeY: [0, 100] },
    {
      quantity: "memoryUsedBytes",
      title: "Memory",
      unit: "GiB",
      scale: GIB,
      rangeY: [0, Math.ceil(device.memoryBytes / GIB)],
    },
    { quantity: "powerWatts", title: "Power", unit: "W", scale: 1 },
    { quantity: "temperatureCelsius", title: "Temperature", unit: "°C", scale: 1 },
  ];
}

export function DevicePanel(props: { runner: Runner; device: Device; span: Span; refetchInterval: number | false }) {
  const { runner, device, span, refetchInterval } = props;
  const seconds = SPAN_SECONDS[span];
  const query = useQuery({ ...deviceQuery(runner.id, device.index, seconds), refetchInterval });
  const charts = useMemo(() => chartsOf(device), [device]);
  return (
    <Panel title={`GPU ${device.index}: ${device.name}`} aside={<Model device={device} />}>
      <div className={ui.stack}>
        <Now device={device} />
        {query.isError && !query.data ? (
          <ErrorNotice what={`What GPU ${device.index} did could not be loaded.`} error={query.error} />
        ) : (
          <div className={css.charts}>
            {charts.map((chart) => (
              <DeviceFigure
                key={chart.quantity}
                runner={runner}
                device={device}
                chart={chart}
                series={query.data}
                span={span}
                until={query.dataUpdatedAt || Date.now()}
              />
            ))}
          </div>
        )}
      </div>
    </Panel>
  );
}

function Model({ device }: { device: Device }) {
  const parts = [
    device.multiprocessors !== undefined && `${device.multiprocessors} SMs`,
    device.computeCapability && `compute ${device.computeCapability}`,
    device.cudaVersion && `CUDA ${device.cudaVersion}`,
    device.pciBusId,
  ].filter(Boolean);
  return <span className={ui.muted}>{parts.join(" · ")}</span>;
}

/** The latest sample, in words and a bar. */
function Now({ device }: { device: Device }) {
  const now = device.latest;
  if (!now) return <p className={ui.empty}>Nothing is known yet of what it does.</p>;
  const used = now.memoryUsedBytes;
  return (
    <div className={css.now}>
      <div className={css.memory}>
        <span>
          Memory {bytes(used)} of {bytes(device.memoryBytes)}
        </span>
        <ProgressBar
          share={(used ?? 0) / device.memoryBytes}
          label={`Memory of GPU ${device.index}: ${bytes(used)} of ${bytes(device.memoryBytes)}`}
        />
      </div>
      <Facts label={`GPU ${device.index} now`}>
        <Fact name="Utilisation">
          {now.utilisationPercent === undefined ? "–" : percent(now.utilisationPercent / 100)}
        </Fact>
        <Fact name="Power">{now.powerWatts === undefined ? "–" : `${integer(now.powerWatts)} W`}</Fact>
        <Fact name="Temperature">
          {now.temperatureCelsius === undefined ? "–" : `${integer(now.temperatureCelsius)} °C`}
        </Fact>
        <Fact name="SM clock">{now.smClockMhz === undefined ? "–" : `${integer(now.smClockMhz)} MHz`}</Fact>
        <Fact name="Read" title={clock(now.at)}>
          {ago(now.at)}
        </Fact>
      </Facts>
    </div>
  );
}

function DeviceFigure(props: {
  runner: Runner;
  device: Device;
  chart: Chart;
  series: DeviceSeries | undefined;
  span: Span;
  /** right end of the chart, milliseconds since the epoch */
  until: number;
}) {
  const { runner, device, chart, series, span } = props;
  const scheme = useScheme();
  const until = props.until / 1000;
  const lines = useMemo(
    () =>
      series
        ? [
            {
              label: chart.unit,
              ...timeline(series, chart.quantity, chart.scale),
              colour: CATEGORIES[scheme][0] as string,
              gaps: true,
            },
          ]
        : [],
    [series, chart, scheme],
  );
  const drawn: LiveChartProps = {
    lines,
    xLabel: "",
    yLabel: chart.unit,
    timeX: true,
    rangeX: [until - SPAN_SECONDS[span], until],
    ...(chart.rangeY ? { rangeY: chart.rangeY } : {}),
    height: 150,
    summary: `${chart.title} of GPU ${device.index} over the last ${SPAN_LABEL[span]}, ${series?.times.length ?? 0} points`,
    formatX: (value) => clock(value * 1000).slice(-8, -3),
    formatY: (value) => `${quantity(value, 3)} ${chart.unit}`,
    sync: `runner-${runner.id}`,
  };
  return (
    <Figure
      title={chart.title}
      file={`${runner.name}-gpu${device.index}-${chart.title.toLowerCase()}`}
      level={3}
      svg={() => liveSvg(drawn)}
      table={() => ({
        columns: ["time", chart.quantity],
        rows: (series?.times ?? []).map((time, i) => [new Date(time).toISOString(), series?.[chart.quantity][i]]),
      })}
    >
      <LiveChart {...drawn} />
    </Figure>
  );
}
