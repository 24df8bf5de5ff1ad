import { type ReactNode, useId } from "react";
import css from "./asking.module.css";

interface FieldProps {
  id: string;
  "aria-invalid"?: boolean;
  "aria-describedby"?: string;
}

/** A field of a form with its name, its letter, and what is wrong with it. */
export function Labelled(props: {
  name: string;
  letter?: ReactNode;
  fault?: string | undefined;
  wide?: boolean;
  children: (props: FieldProps) => ReactNode;
}) {
  const id = useId();
  const { name, letter, fault } = props;
  return (
    <div className={css.field} data-wide={props.wide}>
      <label htmlFor={id}>
        {name} {letter && <i>{letter}</i>}
      </label>
      {props.children({ id, ...(fault ? { "aria-invalid": true, "aria-describedby": `${id}-fault` } : {}) })}
      {fault && (
        <p id={`${id}-fault`} className={css.fault} role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
