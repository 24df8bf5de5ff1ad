import type { Json, RunDetail } from "../../api/types";
import { quantity } from "../../lib/format";
import { Panel } from "../../ui/parts";
import css from "./run.module.css";

/** Nested settings as `a.b` rows; lists of texts are a line, of lists of files and the like there is the length. */
export function flatten(value: Json, prefix = ""): [string, string][] {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, inner]) => flatten(inner, prefix ? `${prefix}.${name}` : name));
  }
  const text =
    typeof value === "number"
      ? Number.isInteger(value)
        ? value.toLocaleString("en-US")
        : quantity(value, 6)
      : Array.isArray(value)
        ? value.length > 0 && value.every((one) => typeof one === "string")
          ? value.join(" ")
          : `${value.length} ${value.length === 1 ? "entry" : "entries"}`
        : value === null
          ? "–"
          : String(value);
  return [[prefix, text]];
}

function Settings({ title, values }: { title: string; values: Json }) {
  return (
    <Panel title={title}>
      <table>
        <tbody>
          {flatten(values).map(([name, text]) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export function ConfigTab({ detail }: { detail: RunDetail }) {
  const { job, result } = detail;
  const nested = Object.entries(job).filter(
    ([, value]) => value !== null && typeof value === "object" && Object.keys(value).length > 0,
  );
  const plain = Object.fromEntries(
    Object.entries(job).filter(([, value]) => value === null || typeof value !== "object"),
  );
  return (
    <div className={css.config}>
      {nested.map(([name, value]) => (
        <Settings key={name} title={name} values={value} />
      ))}
      <Settings title="job" values={plain} />
      <Settings title="retries left" values={{ ...detail.retriesLeft }} />
      {result && <Settings title="result" values={result} />}
    </div>
  );
}
