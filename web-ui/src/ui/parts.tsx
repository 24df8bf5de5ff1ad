import { type ComponentProps, type ReactNode, useEffect, useRef } from "react";
import { ApiError } from "../api/client";
import { RUN_STATES, type RunState } from "../api/types";
import css from "./ui.module.css";

export function cx(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

/** State by shape, colour and word, so that none of them is needed alone. */
export function StateChip({ state }: { state: string }) {
  return (
    <span className={css.chip} data-state={state}>
      <span className={cx(css.dot, css[state])} aria-hidden="true" />
      {state}
    </span>
  );
}

export function ProgressBar({ share, label }: { share: number; label: string }) {
  const percent = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0)) * 100;
  return (
    <div
      className={css.bar}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <span className={percent === 100 ? css.filled : css.fill} style={{ width: `${percent}%` }} />
    </div>
  );
}

const PART: Partial<Record<RunState, string | undefined>> = {
  succeeded: css.partSucceeded,
  running: css.partRunning,
  assigned: css.partRunning,
  suspect: css.partSuspect,
  failed: css.partFailed,
  cancelled: css.partCancelled,
};

/** Runs of a sweep by state, the ended ones first. */
export function CountsBar({ counts, label }: { counts: Partial<Record<RunState, number>>; label: string }) {
  const total = RUN_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  const order: RunState[] = ["succeeded", "failed", "cancelled", "running", "assigned", "suspect"];
  const words = RUN_STATES.filter((state) => counts[state])
    .map((state) => `${counts[state]} ${state}`)
    .join(", ");
  return (
    <div className={css.bar} role="img" aria-label={`${label}: ${words || "no runs"}`} title={words}>
      {order.map((state) => (
        <span
          key={state}
          className={PART[state]}
          style={{ width: total ? `${(100 * (counts[state] ?? 0)) / total}%` : 0 }}
        />
      ))}
    </div>
  );
}

export function Panel({ title, aside, children }: { title?: ReactNode; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.panel}>
      {title !== undefined && (
        <div className={css.panelHead}>
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

export function Facts({ children, label }: { children: ReactNode; label?: string }) {
  return (
    <dl className={css.facts} aria-label={label}>
      {children}
    </dl>
  );
}

export function Fact({ name, children, title }: { name: string; children: ReactNode; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

type ButtonLook = "primary" | "danger" | "quiet";

export function buttonClass(look?: ButtonLook, small?: boolean): string {
  return cx(css.button, look && css[look], small && css.small);
}

export function Button({ look, small, ...rest }: ComponentProps<"button"> & { look?: ButtonLook; small?: boolean }) {
  return <button type="button" {...rest} className={cx(buttonClass(look, small), rest.className)} />;
}

export function Segmented<T extends string>(props: {
  label: string;
  value: T;
  choices: readonly { value: T; label: ReactNode }[];
  onChange: (value: T) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out inline with its legend hidden everywhere
    <div className={css.segmented} role="group" aria-label={props.label}>
      {props.choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === props.value}
          onClick={() => props.onChange(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </div>
  );
}

export interface TabChoice<T extends string> {
  value: T;
  label: ReactNode;
}

/** Tabs by the usual pattern: one stop for Tab, arrows move between them. */
export function Tabs<T extends string>(props: {
  label: string;
  value: T;
  choices: readonly TabChoice<T>[];
  onChange: (value: T) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (by: number) => {
    const index = props.choices.findIndex((choice) => choice.value === props.value);
    const next = props.choices[(index + by + props.choices.length) % props.choices.length];
    if (!next) return;
    props.onChange(next.value);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.value}"]`)?.focus();
  };
  return (
    <div
      ref={list}
      className={css.segmented}
      role="tablist"
      aria-label={props.label}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") move(1);
        if (event.key === "ArrowLeft") move(-1);
      }}
    >
      {props.choices.map((choice) => (
        <button
          key={choice.value}
          id={`tab-${choice.value}`}
          data-tab={choice.value}
          type="button"
          role="tab"
          aria-selected={choice.value === props.value}
          aria-controls="tab-panel"
          tabIndex={choice.value === props.value ? 0 : -1}
          onClick={() => props.onChange(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </div>
  );
}

export function Check({ label, ...rest }: ComponentProps<"input"> & { label: ReactNode }) {
  return (
    <label className={css.check}>
      <input type="checkbox" {...rest} />
      {label}
    </label>
  );
}

export function Notice({ kind, children }: { kind?: "warn" | "bad"; children: ReactNode }) {
  return (
    <div className={css.notice} data-kind={kind} role={kind === "bad" ? "alert" : "note"}>
      <div>{children}</div>
    </div>
  );
}

export function ErrorNotice({ error, what }: { error: unknown; what: string }) {
  const problem = error instanceof ApiError ? error.problem : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Notice kind="bad">
      <strong>{what}</strong> {message}
      {problem?.errors?.map((field) => (
        <div key={field.pointer}>
          <code>{field.pointer}</code>{" "}
          {field.expected || field.nearest ? field.message.replace(/\.$/, "") : field.message}
          {field.expected ? `; expected ${field.expected}` : ""}
          {field.nearest ? `; did you mean ${field.nearest}?` : ""}
        </div>
      ))}
    </Notice>
  );
}

/** A popup list under a button; Escape and a click elsewhere close it. */
export function Menu({ label, children }: { label: ReactNode; children: ReactNode }) {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const element = details.current;
      if (!element?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        element.querySelector("summary")?.focus();
      } else if (event.target instanceof Node && element.contains(event.target)) {
        return;
      }
      element.open = false;
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details ref={details} className={css.menu}>
      <summary className={buttonClass()}>{label}</summary>
      <div className={css.menuBody}>{children}</div>
    </details>
  );
}

export { css as ui };
