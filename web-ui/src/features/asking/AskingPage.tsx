import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button, ErrorNotice, ui } from "../../ui/parts";
import css from "./asking.module.css";

/** A question at the left, its answer at the right. */
export function AskingPage<T>(props: {
  title: string;
  hint: string;
  /** whether anything was typed that can be taken back */
  begun: boolean;
  onReset: () => void;
  query: UseQueryResult<T>;
  /** what was answered last, which stands dimmed where the question of now has no answer */
  answer: T | undefined;
  /** whether a fault stands at a field, and need not be said again */
  faulty: boolean;
  failed: string;
  waiting: string;
  inputs: ReactNode;
  children: (answer: T) => ReactNode;
}) {
  const { query, answer } = props;
  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <h1>{props.title}</h1>
        <span className={ui.muted}>{props.hint}</span>
        <div className={ui.end}>
          <Button small onClick={props.onReset} disabled={!props.begun}>
            Start over
          </Button>
        </div>
      </div>
      <div className={css.columns}>
        {props.inputs}
        <div aria-live="polite" aria-busy={query.isFetching}>
          {query.isError && !props.faulty && <ErrorNotice what={props.failed} error={query.error} />}
          {answer === undefined ? (
            (!query.isError || props.faulty) && (
              <p className={ui.muted}>
                {props.faulty ? `${props.failed} What is wrong is said at its field.` : props.waiting}
              </p>
            )
          ) : (
            <div className={css.answer} data-stale={query.isError}>
              {props.children(answer)}
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

/** The form of a question: it is asked as one types, so that there is nothing to send. */
export function Inputs({ label, children }: { label: string; children: ReactNode }) {
  return (
    <form className={css.inputs} aria-label={label} onSubmit={(event) => event.preventDefault()}>
      {children}
    </form>
  );
}

export function Fields({ children }: { children: ReactNode }) {
  return <div className={css.fields}>{children}</div>;
}

/** A sentence among the fields. */
export function Hint({ children }: { children: ReactNode }) {
  return <p className={css.hint}>{children}</p>;
}
