import { type ReactNode, useId, useState } from "react";
import { Button } from "../ui/parts";
import css from "./charts.module.css";
import { csv, download, svgText, type Table } from "./export";
import { COLOURS } from "./palette";

const MOST_ROWS = 500;

/** A figure's frame: name, downloads and the table that says the same as the picture. */
export function Figure(props: {
  title: string;
  subtitle?: ReactNode;
  /** file name without its ending */
  file: string;
  table: () => Table;
  /** draws the picture for print: light, without interaction */
  svg: () => SVGElement;
  controls?: ReactNode;
  note?: ReactNode;
  level?: 2 | 3;
  children: ReactNode;
}) {
  const id = useId();
  const Heading = props.level === 3 ? "h3" : "h2";
  return (
    <figure className={css.figure} aria-labelledby={id}>
      <div className={css.head}>
        <div className={css.title}>
          <Heading id={id}>{props.title}</Heading>
          {props.subtitle && <p className={css.subtitle}>{props.subtitle}</p>}
        </div>
        <div className={css.tools}>
          {props.controls}
          <Button
            look="quiet"
            small
            aria-label={`Download “${props.title}” as SVG`}
            onClick={() =>
              download(`${props.file}.svg`, "image/svg+xml", svgText(props.svg(), COLOURS.light.panel, props.title))
            }
          >
            SVG
          </Button>
          <Button
            look="quiet"
            small
            aria-label={`Download the data of “${props.title}” as CSV`}
            onClick={() => download(`${props.file}.csv`, "text/csv;charset=utf-8", csv(props.table()))}
          >
            CSV
          </Button>
        </div>
      </div>
      {props.children}
      {props.note && <figcaption className={css.note}>{props.note}</figcaption>}
      <Twin title={props.title} table={props.table} />
    </figure>
  );
}

/** The table twin is made only when opened: a long series has thousands of rows. */
function Twin({ title, table }: { title: string; table: () => Table }) {
  const [open, setOpen] = useState(false);
  const data = open ? table() : undefined;
  return (
    <details className={css.twin} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Data table</summary>
      {data && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
        <section className={css.twinBody} tabIndex={0} aria-label={`Data of ${title}`}>
          <table>
            <thead>
              <tr>
                {data.columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.rows.slice(0, MOST_ROWS).map((row, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a snapshot have no identity but their place
                <tr key={i}>
                  {row.map((cell, j) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: as above
                    <td key={j}>{typeof cell === "number" ? short(cell) : String(cell ?? "")}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {data.rows.length > MOST_ROWS && <p>{data.rows.length - MOST_ROWS} more rows are in the CSV.</p>}
        </section>
      )}
    </details>
  );
}

const short = (value: number) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));
