import { type FormEvent, useEffect, useState } from "react";
import type { Estimate, Fit } from "../../api/types";
import { count, flop, interval, loss, percent, quantity, scientific } from "../../lib/format";
import { Button, ErrorNotice, Panel, ui } from "../../ui/parts";
import type { Aim } from "./aim";
import css from "./sweep.module.css";

/** Why the loss of one run is not the law's own. */
const FORECAST =
  "A forecast with an interval that was calibrated on larger runs: it weighs runs by their compute and joins two forms";

/** The optimum at a budget, which can be moved: by the slider, by typing, or by drawing the dashed line of a figure. */
export function TargetPanel({ fit, aim, onPredict }: { fit: Fit; aim: Aim; onPredict: () => void }) {
  const { target } = fit;
  const { exact } = aim;
  return (
    <Panel
      title={`Optimum at ${flop(aim.flops)}`}
      aside={<span className={ui.muted}>{percent(fit.level)} interval</span>}
    >
      <Budget aim={aim} />
      {aim.error !== undefined && aim.error !== null && (
        <ErrorNotice what="The fit gives no answer there." error={aim.error} />
      )}
      {exact?.refusal && <p className={css.meta}>{exact.refusal.message}</p>}
      {target && (
        <>
          <dl className={css.target}>
            <Row name="N*" one={target.n} format={(value) => count(value)} />
            <Row name="D*" one={target.d} format={(value) => count(value)} />
            <Row name="Loss of the law" one={target.loss} format={(value) => loss(value)} />
            {exact?.forecast?.low !== undefined && exact.forecast.high !== undefined && (
              <Row
                name="Loss of one run"
                {...(fit.method === "parametric" ? { title: FORECAST } : {})}
                one={{ name: "L", value: exact.forecast.value, low: exact.forecast.low, high: exact.forecast.high }}
                format={(value) => loss(value)}
              />
            )}
          </dl>
          <p className={css.meta} style={{ marginTop: 6 }}>
            {count(target.d.value / target.n.value)} tokens per parameter
            {exact?.excess && `; not knowing the law better is expected to waste ${percent(exact.excess.value, 2)}`}
            {exact?.extrapolationRatio !== undefined &&
              exact.extrapolationRatio > 1 &&
              `; ${quantity(exact.extrapolationRatio, 3)} times the largest budget fitted`}
            {exact?.forecast &&
            exact.extrapolationRatio !== undefined &&
            !exact.calibrated &&
            fit.method === "parametric"
              ? ", farther than the interval for one run was ever checked"
              : ""}
            .
          </p>
          <div className={css.actions}>
            <Button small onClick={onPredict}>
              Predict…
            </Button>
          </div>
        </>
      )}
    </Panel>
  );
}

/** Steps of the slider: hundredths of a power of ten. */
const STEP = 0.01;

function Budget({ aim }: { aim: Aim }) {
  const [typed, setTyped] = useState(String(aim.flops));
  useEffect(() => {
    setTyped(aim.flops.toExponential().replace("e+", "e"));
  }, [aim.flops]);
  const [low, high] = aim.range;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const value = Number(typed);
    if (value > 0 && Number.isFinite(value)) aim.move(value, true);
  };
  const rest = (to: string) => {
    if (aim.moving) aim.move(10 ** Number(to), true);
  };
  return (
    <form className={css.budget} onSubmit={submit}>
      <input
        type="range"
        aria-label="Target compute"
        aria-valuetext={`${scientific(aim.flops)} FLOPs`}
        min={Math.log10(low)}
        max={Math.log10(high)}
        step={STEP}
        value={Math.log10(aim.flops)}
        onChange={(event) => aim.move(10 ** Number(event.target.value), false)}
        onPointerUp={(event) => rest(event.currentTarget.value)}
        onKeyUp={(event) => rest(event.currentTarget.value)}
        onBlur={(event) => rest(event.currentTarget.value)}
      />
      <input
        className={ui.input}
        aria-label="Target compute in FLOPs"
        inputMode="decimal"
        pattern="[0-9]+(\.[0-9]*)?([eE]\+?[0-9]+)?"
        title="a number of FLOPs such as 3e13"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </form>
  );
}

function Row(props: { name: string; title?: string; one: Estimate; format: (value: number) => string }) {
  const { one, format } = props;
  return (
    <>
      <dt title={props.title}>{props.name}</dt>
      <dd>{format(one.value)}</dd>
      <dd>{interval(one.low, one.high, format)}</dd>
    </>
  );
}
