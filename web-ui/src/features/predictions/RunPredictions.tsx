import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usePolling } from "../../api/live";
import { runPredictionsQuery } from "../../api/queries";
import { loss, percent } from "../../lib/format";
import { cx, ui } from "../../ui/parts";
import { OutcomeChip } from "./OutcomeChip";
import css from "./predictions.module.css";
import { digits, errorWords, outcome, ratioWords } from "./words";

/** What was predicted of a run, on its page; nothing where nothing was. */
export function RunPredictions({ runId }: { runId: number }) {
  const query = useQuery({ ...runPredictionsQuery(runId), refetchInterval: usePolling() });
  if (!query.data?.length) return null;
  return (
    <section className={cx(ui.panel, css.run)} aria-label="Predictions of this run">
      <ul className={css.ofRun}>
        {query.data.map((p) => (
          <li key={p.id}>
            <span>
              Predicted <strong>{loss(p.loss)}</strong>, {loss(p.low)} to {loss(p.high)} at{" "}
              {percent(p.level, digits(p.level))}
            </span>
            <span className={ui.muted}>
              by{" "}
              <Link to="/sweeps/$id" params={{ id: p.sweepId }} search={{ fit: p.fitId }} className={css.plain}>
                fit #{p.fitId}
              </Link>{" "}
              ({p.method}), {ratioWords(p.extrapolationRatio)} the largest C fitted
            </span>
            {p.score?.observed !== undefined && !p.score.diverged && (
              <span>
                Observed <strong>{loss(p.score.observed)}</strong>, {errorWords(p.score.logError)}
              </span>
            )}
            <OutcomeChip how={outcome(p)} />
            {p.voidReason && <span className={ui.muted}>{p.voidReason}</span>}
          </li>
        ))}
      </ul>
      <Link to="/predictions" search={{ experiment: query.data[0]?.experimentId }}>
        Ledger
      </Link>
    </section>
  );
}
