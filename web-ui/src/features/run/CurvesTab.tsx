import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { usePolling } from "../../api/live";
import { headsQuery, seriesQuery } from "../../api/queries";
import type { MetricHead, Outlook, Run, Series } from "../../api/types";
import { Figure } from "../../charts/Figure";
import { type Line, LiveChart, type LiveChartProps } from "../../charts/LiveChart";
import { liveSvg } from "../../charts/liveSvg";
import { CATEGORIES, COLOURS } from "../../charts/palette";
import { AXIS_LABEL, formatPosition, stepsOf, type XAxis } from "../../lib/axis";
import { loss, quantity, si } from "../../lib/format";
import { isOver } from "../../lib/progress";
import { drawable, reductionNote, takeovers } from "../../lib/series";
import { smooth } from "../../lib/smoothing";
import type { RunSearch } from "../../lib/urlState";
import { Button, Check, cx, ErrorNotice, Segmented, ui } from "../../ui/parts";
import { useScheme } from "../../ui/theme";
import { OutlookPanel, outlookLine, useOutlook } from "./OutlookPanel";
import css from "./run.module.css";

const TRAIN = "train/loss";
const EVAL = "eval/loss";
/** Order of the small charts; others follow by name. */
const KNOWN = [
  "train/grad_norm",
  "train/learning_rate",
  "train/tokens_per_second",
  "train/gflops",
  "train/mfu",
  "train/mfu_measured",
];
const UNITS: Record<string, string> = {
  "train/loss": "nats per token",
  "eval/loss": "nats per token",
  "train/grad_norm": "gradient norm",
  "train/learning_rate": "learning rate",
  "train/tokens_per_second": "tokens/s",
  "train/gflops": "GFLOP/s",
  "train/mfu": "share of the datasheet's peak",
  "train/mfu_measured": "share of the measured peak",
};

type Update = (change: Partial<RunSearch>) => void;

export function CurvesTab({ run }: { run: Run }) {
  const search = useSearch({ from: "/shell/runs/$id" });
  const navigate = useNavigate({ from: "/runs/$id" });
  const update: Update = (change) =>
    navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
  const refetchInterval = usePolling(!isOver(run.state));
  const heads = useQuery({ ...headsQuery(run.id), refetchInterval });
  const { outlook, error } = useOutlook(run);
  const others = otherMetrics(heads.data ?? []);
  if (heads.isError && !heads.data) {
    return <ErrorNotice what="The metrics could not be loaded." error={heads.error} />;
  }
  return (
    <div className={ui.stack}>
      <OutlookPanel outlook={outlook} error={error} />
      <Toolbar search={search} update={update} />
      <MetricFigure
        run={run}
        metric={TRAIN}
        beside={heads.data?.some((head) => head.metric === EVAL) ? EVAL : undefined}
        outlook={outlook}
        title="Loss"
        height={330}
        search={search}
        update={update}
      />
      <div className={css.small}>
        {others.map((metric) => (
          <MetricFigure
            key={metric}
            run={run}
            metric={metric}
            title={metric}
            height={180}
            search={search}
            update={update}
            level={3}
          />
        ))}
      </div>
      {heads.data?.length === 0 && <p className={ui.empty}>No metric has been recorded yet.</p>}
    </div>
  );
}

export function otherMetrics(heads: readonly MetricHead[]): string[] {
  const names = heads.map((head) => head.metric).filter((name) => name !== TRAIN && name !== EVAL);
  const place = (name: string) => (KNOWN.includes(name) ? KNOWN.indexOf(name) : KNOWN.length);
  return names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

function Toolbar({ search, update }: { search: RunSearch; update: Update }) {
  const weight = search.smooth ?? 0;
  const setWeight = (value: number) => update({ smooth: value > 0 ? Math.min(value, 0.999) : undefined });
  const bound = (name: "from" | "to") => (
    <input
      className={ui.input}
      type="number"
      min={0}
      aria-label={`${name === "from" ? "First" : "Last"} step shown`}
      placeholder={name === "from" ? "start" : "end"}
      value={search[name] ?? ""}
      onChange={(event) => update({ [name]: event.target.value === "" ? undefined : Number(event.target.value) })}
    />
  );
  return (
    <div className={css.toolbar}>
      <Segmented<XAxis>
        label="Horizontal axis"
        value={search.x ?? "step"}
        onChange={(x) => update({ x: x === "step" ? undefined : x })}
        choices={[
          { value: "step", label: "Step" },
          { value: "tokens", label: "Tokens" },
          { value: "flops", label: "FLOPs" },
          { value: "time", label: "Time" },
        ]}
      />
      <Check
        label="log x"
        checked={!!search.logx}
        onChange={(event) => update({ logx: event.target.checked || undefined })}
      />
      <Check
        label="log y"
        checked={!!search.logy}
        onChange={(event) => update({ logy: event.target.checked || undefined })}
      />
      <span className={css.smoothing}>
        <label htmlFor="smoothing">Smoothing</label>
        <input
          id="smoothing"
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={Math.min(weight, 0.99)}
          onChange={(event) => setWeight(Number(event.target.value))}
        />
        <input
          className={ui.input}
          type="number"
          aria-label="Smoothing weight"
          min={0}
          max={0.999}
          step={0.01}
          value={weight}
          onChange={(event) => setWeight(Number(event.target.value))}
        />
      </span>
      <Check
        label="min–max band"
        checked={!search.noband}
        onChange={(event) => update({ noband: event.target.checked ? undefined : true })}
      />
      <span className={css.range}>
        Steps {bound("from")} to {bound("to")}
        <Button
          small
          look="quiet"
          disabled={search.from === undefined && search.to === undefined}
          onClick={() => update({ from: undefined, to: undefined })}
        >
          Whole run
        </Button>
      </span>
    </div>
  );
}

const NO_SERIES = { steps: [], times: [] };

function MetricFigure(props: {
  run: Run;
  metric: string;
  /** a second series on the same axes, sparse */
  beside?: string | undefined;
  /** drawn to the run's end where the whole run is shown */
  outlook?: Outlook | undefined;
  title: string;
  height: number;
  search: RunSearch;
  update: Update;
  level?: 2 | 3;
}) {
  const { run, metric, beside, outlook, search, height } = props;
  const scheme = useScheme();
  const polling = usePolling(!isOver(run.state));
  const range = { from: search.from, to: search.to };
  const main = useQuery({ ...seriesQuery(run.id, metric, range), refetchInterval: polling });
  const side = useQuery({
    ...seriesQuery(run.id, beside ?? "", range),
    enabled: beside !== undefined,
    refetchInterval: polling,
  });
  const axis = search.x ?? "step";
  const { tokensPerStep, flops, tokens, startedAt } = run;
  const measured = useMemo(() => {
    const rates = { tokensPerStep, flops, tokens, startedAt };
    return linesOf({ main: main.data, side: side.data, beside, metric, axis, rates, search, scheme });
  }, [main.data, side.data, beside, metric, axis, tokensPerStep, flops, tokens, startedAt, search, scheme]);
  const { steps, tokensPerSecond } = run;
  const lines = useMemo(() => {
    if (!main.data || !outlook || search.to !== undefined) return measured;
    const drawn = drawable(main.data, axis, { tokensPerStep, flops, tokens, startedAt }, { x: false, y: false });
    const predicted = outlookLine({
      outlook,
      run: { steps, tokens, flops, tokensPerStep, tokensPerSecond },
      drawn,
      axis,
      colour: CATEGORIES[scheme][3] as string,
    });
    return predicted ? [...measured, predicted] : measured;
  }, [
    measured,
    main.data,
    outlook,
    axis,
    tokensPerStep,
    flops,
    tokens,
    startedAt,
    steps,
    tokensPerSecond,
    search.to,
    scheme,
  ]);
  const marks = main.data
    ? takeovers(main.data, axis, run).map((one) => ({ x: one.x, text: `attempt ${one.attempt}` }))
    : [];
  const unit = UNITS[metric] ?? metric;
  const chart: LiveChartProps = {
    lines,
    marks,
    xLabel: AXIS_LABEL[axis],
    yLabel: unit,
    logX: !!search.logx,
    logY: !!search.logy,
    height,
    summary: `${props.title} of ${run.name} against ${AXIS_LABEL[axis]}, ${main.data?.points ?? 0} points`,
    formatX: (value) => formatPosition(axis, value),
    formatY: (value) => (metric === TRAIN ? loss(value) : Math.abs(value) >= 1000 ? si(value) : quantity(value, 3)),
    onZoom: (shown) => props.update(stepsOf(shown, axis, main.data ?? NO_SERIES, run)),
    sync: `run-${run.id}`,
  };
  const notes = [
    main.data && reductionNote(main.data),
    props.level !== 3 && marks.length > 0 && "dashed lines: a later attempt took over from a checkpoint",
  ].filter(Boolean);
  return (
    <Figure
      title={props.title}
      subtitle={props.level === 3 ? undefined : `${unit}; drag across the figure to zoom`}
      file={`${run.name}-${metric.replaceAll("/", "-")}`}
      level={props.level ?? 2}
      note={notes.join(" · ")}
      svg={() => liveSvg(chart)}
      table={() => ({
        columns: ["metric", "step", axis === "step" ? "position" : axis, "last", "min", "max"],
        rows: [main.data, side.data].flatMap((series) => {
          if (!series) return [];
          const drawn = drawable(series, axis, run, { x: false, y: false });
          return drawn.x.map((x, i) => [series.metric, drawn.steps[i], x, drawn.last[i], drawn.min[i], drawn.max[i]]);
        }),
      })}
    >
      {main.isError && !main.data ? (
        <ErrorNotice what={`${metric} could not be loaded.`} error={main.error} />
      ) : (
        <div className={cx(lines.length === 0 && ui.muted)}>
          <LiveChart {...chart} />
        </div>
      )}
    </Figure>
  );
}

function linesOf(input: {
  main: Series | undefined;
  side: Series | undefined;
  beside: string | undefined;
  metric: string;
  axis: XAxis;
  rates: Pick<Run, "tokensPerStep" | "flops" | "tokens" | "startedAt">;
  search: RunSearch;
  scheme: "light" | "dark";
}): Line[] {
  const { main, side, beside, metric, axis, rates, search, scheme } = input;
  const log = { x: !!search.logx, y: !!search.logy };
  const lines: Line[] = [];
  const colour = metric === TRAIN ? COLOURS[scheme].accent : (CATEGORIES[scheme][2] as string);
  if (main) {
    const drawn = drawable(main, axis, rates, log);
    const band = main.reduced && !search.noband ? { min: drawn.min, max: drawn.max } : undefined;
    const weight = search.smooth ?? 0;
    if (weight > 0) {
      lines.push({
        label: `${metric} raw`,
        x: drawn.x,
        y: drawn.last,
        colour,
        alpha: 0.28,
        width: 1,
        silent: true,
        ...(band ? { band } : {}),
      });
      lines.push({ label: metric, x: drawn.x, y: smooth(drawn.x, drawn.last, weight), colour, width: 2 });
    } else {
      lines.push({ label: metric, x: drawn.x, y: drawn.last, colour, width: 1.5, ...(band ? { band } : {}) });
    }
  }
  if (side && beside) {
    const drawn = drawable(side, axis, rates, log);
    lines.push({ label: beside, x: drawn.x, y: drawn.last, colour: COLOURS[scheme].second, width: 1.5, dots: true });
  }
  return lines;
}
