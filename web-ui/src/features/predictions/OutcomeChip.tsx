import { cx } from "../../ui/parts";
import css from "./predictions.module.css";
import { OUTCOME_WORDS, type Outcome } from "./words";

/** Outcome by shape, colour and word, so that none of them is needed alone. */
export function OutcomeChip({ how, title }: { how: Outcome; title?: string }) {
  return (
    <span className={css.chip} title={title}>
      <span className={cx(css.mark, css[how])} aria-hidden="true" />
      {OUTCOME_WORDS[how]}
    </span>
  );
}
