import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { outlookQuery } from "../../api/queries";
import type { Outlook, Run } from "../../api/types";
import type { Line } from "../../charts/LiveChart";
import { interpolate, type XAxis } from "../../lib/axis";
import { duration, flop, loss, percent } from "../../lib/format";
import { isOver } from "../../lib/progress";
import { cx, ErrorNotice, Fact, Facts, ui } from "../../ui/parts";
import css from "./run.module.css";

const VERDICT: Record<Outlook["verdict"], string> = { "go-on": "go on", stop: "stop", unknown: "not known" };

/** The outlook of a run that is on its way; nothing is asked of one that waits or has ended. */
export function useOutlook(run: Run): { outlook: Outlook | undefined; error: unknown } {
  const polling = usePolling(!isOver(run.state));
  const onItsWay = run.kind === "pretrain" && !isOver(run.state) && run.step > 0;
  const query = useQuery({ ...outlookQuery(run.id), enabled: onItsWay, refetchInterval: polling });
  return { outlook: onItsWay ? query.data : undefined, error: query.data ? undefined : query.error };
}

/** Where the run will end and whether to stop it for that; it stops nothing. */
export function OutlookPanel({ outlook, error }: { outlook: Outlook | undefined; error: unknown }) {
  if (error) return <ErrorNotice what="Where the run will end could not be told." error={error} />;
  if (!outlook) return null;
  const { end, law, saved } = outlook;
  return (
    <section className={ui.panel} aria-label="Outlook of this run">
      <div className={css.outlook}>
        <Facts label="Where the run will end">
          <Fact name="Predicted final loss" title={`${percent(outlook.level)} interval, nats per token`}>
            {end ? (
              <>
                {loss(end.loss)}{" "}
                <small>
                  {loss(end.low)} to {loss(end.high)} at {percent(outlook.level)}
                </small>
              </>
            ) : (
              "–"
            )}
          </Fact>
          {law && (
            <Fact name="The fit says">
              {loss(law.loss)}{" "}
              <small>
                <Link to="/sweeps/$id" params={{ id: law.sweepId }} search={{ fit: law.fitId }}>
                  fit #{law.fitId}
                </Link>
              </small>
            </Fact>
          )}
          <Fact name="Tokens seen">{percent(outlook.progress)}</Fact>
          <Fact name="Left to spend">
            {flop(saved.flops)} {saved.seconds !== undefined && <small>{duration(saved.seconds)}</small>}
          </Fact>
        </Facts>
        <p className={cx(css.verdict, outlook.verdict === "stop" && css.stop)} data-verdict={outlook.verdict}>
          <strong>{VERDICT[outlook.verdict]}</strong> {withoutVerdict(outlook.sentence)}
        </p>
      </div>
    </section>
  );
}

/** The sentence begins with the verdict, which stands before it already. */
export function withoutVerdict(sentence: string): string {
  const rest = sentence.replace(/^(Stop|Go on|Not known yet): /, "");
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

/** The predicted end on the chart of the loss: from the curve's last point to the end, its interval opening towards it. */
export function outlookLine(input: {
  outlook: Outlook | undefined;
  run: Pick<Run, "steps" | "tokens" | "flops" | "tokensPerStep" | "tokensPerSecond">;
  /** positions and steps of the curve drawn so far */
  drawn: { x: readonly number[]; steps: readonly number[] };
  axis: XAxis;
  colour: string;
}): Line | undefined {
  const { outlook, run, drawn, axis, colour } = input;
  const { end, now } = outlook ?? {};
  const last = drawn.x.at(-1);
  if (!end || now === undefined || last === undefined) return undefined;
  const x = endOf(axis, run, drawn);
  if (x === undefined || !(x > last)) return undefined;
  return {
    label: "predicted",
    x: [last, x],
    y: [now, end.loss],
    band: { min: [now, end.low], max: [now, end.high] },
    colour,
    width: 1.5,
    dash: [5, 4],
  };
}

function endOf(
  axis: XAxis,
  run: Pick<Run, "steps" | "tokens" | "flops" | "tokensPerStep" | "tokensPerSecond">,
  drawn: { x: readonly number[]; steps: readonly number[] },
): number | undefined {
  switch (axis) {
    case "step":
      return run.steps;
    case "tokens":
      return run.steps * run.tokensPerStep;
    case "flops":
      return run.tokens > 0 ? (run.steps * run.tokensPerStep * run.flops) / run.tokens : undefined;
    case "time": {
      const last = drawn.steps.at(-1);
      if (!run.tokensPerSecond || last === undefined) return undefined;
      return interpolate(drawn.steps, drawn.x, last) + ((run.steps - last) * run.tokensPerStep) / run.tokensPerSecond;
    }
  }
}
