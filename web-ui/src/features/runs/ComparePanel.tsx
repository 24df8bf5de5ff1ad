import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { runQuery, seriesQuery } from "../../api/queries";
import { Figure } from "../../charts/Figure";
import { type Line, LiveChart, type LiveChartProps } from "../../charts/LiveChart";
import { liveSvg } from "../../charts/liveSvg";
import { CATEGORIES } from "../../charts/palette";
import { AXIS_LABEL, formatPosition, type XAxis } from "../../lib/axis";
import { loss } from "../../lib/format";
import { drawable } from "../../lib/series";
import { smooth } from "../../lib/smoothing";
import { Button, Check, Segmented } from "../../ui/parts";
import { useScheme } from "../../ui/theme";

/** Training-loss curves of the chosen runs over each other. */
export function ComparePanel({ ids, onClear }: { ids: readonly number[]; onClear: () => void }) {
  const [axis, setAxis] = useState<XAxis>("flops");
  const [log, setLog] = useState(true);
  const scheme = useScheme();
  const details = useQueries({ queries: ids.map((id) => runQuery(id)) });
  const series = useQueries({
    queries: ids.map((id) => ({ ...seriesQuery(id, "train/loss", undefined, 500), retry: false })),
  });
  const ready = ids.map((id, i) => ({ id, run: details[i]?.data?.run, series: series[i]?.data }));
  const stamp = ready.map((one) => `${one.id}:${one.series?.points ?? "-"}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp changes whenever the data does
  const lines = useMemo<Line[]>(
    () =>
      ready.flatMap(({ run, series }, i) => {
        if (!run || !series) return [];
        const drawn = drawable(series, axis, run, { x: log, y: log });
        const colour = CATEGORIES[scheme][i % CATEGORIES[scheme].length] as string;
        return [{ label: run.name, x: drawn.x, y: smooth(drawn.x, drawn.last, 0.6), colour }];
      }),
    [stamp, axis, log, scheme],
  );
  const chart: LiveChartProps = {
    lines,
    xLabel: AXIS_LABEL[axis],
    yLabel: "train/loss (nats per token)",
    logX: log,
    logY: log,
    height: 230,
    summary: `Training loss of ${lines.map((line) => line.label).join(", ")} against ${AXIS_LABEL[axis]}`,
    formatX: (value) => formatPosition(axis, value),
    formatY: (value) => loss(value),
  };
  return (
    <Figure
      title="Training loss of the chosen runs"
      subtitle="smoothed; up to eight runs"
      file="compare-train-loss"
      table={() => ({
        columns: ["run", axis, "train_loss_smoothed"],
        rows: lines.flatMap((line) => line.x.map((x, i) => [line.label, x, line.y[i] ?? null])),
      })}
      svg={() => liveSvg(chart)}
      controls={
        <>
          <Segmented
            label="Horizontal axis"
            value={axis}
            onChange={setAxis}
            choices={[
              { value: "step", label: "Step" },
              { value: "tokens", label: "Tokens" },
              { value: "flops", label: "FLOPs" },
              { value: "time", label: "Time" },
            ]}
          />
          <Check label="log" checked={log} onChange={(event) => setLog(event.target.checked)} />
          <Button small look="quiet" onClick={onClear}>
            Clear
          </Button>
        </>
      }
    >
      <LiveChart {...chart} />
    </Figure>
  );
}
