import type { Coverage, PredictionSummary } from "../../api/types";
import { percent } from "../../lib/format";
import { cx, Panel, ui } from "../../ui/parts";
import css from "./predictions.module.css";
import { coverageWords, digits, RATIO_WORDS, sizeWords, verdict } from "./words";

type Level = PredictionSummary["levels"][number];

/** How good the predictions have been, in words and by how far was extrapolated. */
export function Summary({ summary }: { summary: PredictionSummary }) {
  const rest = restWords(summary);
  return (
    <Panel>
      <div className={ui.stack}>
        {summary.levels.length === 0 && (
          <p className={css.words}>
            <strong>Nothing to score yet.</strong> <span className={ui.muted}>{rest}</span>
          </p>
        )}
        {summary.levels.map((level, i) => (
          <OfLevel key={level.level} level={level} rest={i === summary.levels.length - 1 ? rest : ""} />
        ))}
      </div>
    </Panel>
  );
}

function restWords({ open, voided }: PredictionSummary): string {
  const parts = [
    open > 0 && `${open} open`,
    voided > 0 && `${voided} void, since ${voided === 1 ? "its run" : "their runs"} ended without a loss`,
  ].filter(Boolean);
  return parts.length ? `${parts.join("; ")}.` : "";
}

function OfLevel({ level, rest }: { level: Level; rest: string }) {
  const { all } = level;
  const nominal = percent(level.level, digits(level.level));
  return (
    <div className={css.level}>
      <div className={css.words}>
        <p>
          <strong>{coverageWords(all, level.level)}</strong>
        </p>
        {all.coverage && (
          <p className={css.sub}>
            {percent(all.coverage.value)} against {nominal}, {percent(all.coverage.low)} to {percent(all.coverage.high)}{" "}
            at 95 % confidence: {verdict(all, level.level)}.
          </p>
        )}
        <p className={css.sub}>
          {all.medianError !== undefined &&
            `Losses differ by ${sizeWords(all.medianError)} in the median, ${sizeWords(all.meanError)} in the mean`}
          {all.bias !== undefined &&
            all.scored > 1 &&
            `, and are ${sizeWords(Math.abs(all.bias))} ${all.bias > 0 ? "higher" : "lower"} than predicted on average`}
          {all.medianError !== undefined && "."}
          {all.diverged > 0 && ` ${all.diverged} ${all.diverged === 1 ? "run" : "runs"} diverged.`}
        </p>
        {rest && <p className={css.sub}>{rest}</p>}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard */}
      <section className={ui.scroll} tabIndex={0} aria-label={`Coverage of ${nominal} intervals by extrapolation`}>
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">C over the largest fitted</th>
              <th scope="col" className={ui.num}>
                Covered
              </th>
              <th scope="col">
                Coverage <span className={ui.muted}>│ {nominal}</span>
              </th>
              <th scope="col" className={ui.num} title="Of |ln(observed / predicted)|">
                Median error
              </th>
              <th scope="col" className={ui.num} title="Of |ln(observed / predicted)|">
                Mean error
              </th>
            </tr>
          </thead>
          <tbody>
            {level.classes.map((one) => (
              <tr key={one.ratio} className={cx(one.scored === 0 && ui.muted)}>
                <td className={ui.whole}>{RATIO_WORDS[one.ratio] ?? one.ratio}</td>
                <td className={ui.num}>{one.scored === 0 ? "–" : `${one.covered} of ${one.scored}`}</td>
                <td>
                  <CoverageBar coverage={one} level={level.level} />
                </td>
                <td className={ui.num}>{sizeWords(one.medianError)}</td>
                <td className={ui.num}>{sizeWords(one.meanError)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** Coverage with its interval on a line from none to all, and a tick where it should be. */
function CoverageBar({ coverage, level }: { coverage: Coverage; level: number }) {
  const share = coverage.coverage;
  const words = share
    ? `${percent(share.value)}, ${percent(share.low)} to ${percent(share.high)}; aimed at ${percent(level, digits(level))}`
    : "nothing scored";
  const at = (value: number) => 4 + 112 * value;
  return (
    <svg className={css.bar} viewBox="0 0 120 14" width="120" height="14" role="img" aria-label={words}>
      <title>{words}</title>
      <line x1={at(0)} x2={at(1)} y1="7" y2="7" className={css.axis} />
      <line x1={at(level)} x2={at(level)} y1="1" y2="13" className={css.nominal} />
      {share && (
        <>
          <line x1={at(share.low)} x2={at(share.high)} y1="7" y2="7" className={css.interval} />
          <circle cx={at(share.value)} cy="7" r="3.4" className={css.share} />
        </>
      )}
    </svg>
  );
}
