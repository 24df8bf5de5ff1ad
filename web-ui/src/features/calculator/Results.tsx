import { CATEGORIES } from "../../charts/palette";
import { percent } from "../../lib/format";
import { cx, Fact, Facts, Panel, ui } from "../../ui/parts";
import { useScheme } from "../../ui/theme";
import css from "./calculator.module.css";
import type { Accounting, AccountingLine, AccountingSection } from "./question";
import { lineOf, sectionOf, show, typeset } from "./show";

export function Results({ accounting }: { accounting: Accounting }) {
  const section = (key: string) => sectionOf(accounting, key);
  const parameters = section("parameters");
  const memory = section("memory");
  const engine = section("engine");
  const others = ["time", "kvCache", "decoding"].map(section).filter((one) => one !== undefined);
  return (
    <div className={ui.stack}>
      <Headline accounting={accounting} />
      {parameters && <Account section={parameters} bar />}
      <Flops accounting={accounting} />
      {memory && <Account section={memory} bar />}
      {engine ? (
        <Account section={engine} bar />
      ) : (
        <Panel title="Memory of Isoflop’s own engine">
          <p className={ui.empty}>Isoflop’s engine does not train this: {accounting.noEngine}.</p>
        </Panel>
      )}
      {others.map((one) => (
        <Account key={one.key} section={one} />
      ))}
    </div>
  );
}

function Headline({ accounting }: { accounting: Accounting }) {
  const fact = (name: string, section: string, key: string, small?: string, over?: boolean) => {
    const line = lineOf(accounting, section, key);
    if (!line) return null;
    return (
      <Fact name={name} title={`${typeset(line.formula)} = ${typeset(line.numbers)}`}>
        {show(line)} {small && <small className={cx(over && css.over)}>{small}</small>}
      </Fact>
    );
  };
  const share = lineOf(accounting, "memory", "ofDevice");
  const { devices, device } = accounting.deployment;
  return (
    <Panel>
      <Facts label="In short">
        {fact("Parameters", "parameters", "total")}
        {fact("Active", "parameters", "active")}
        {fact("FLOPs a token, training", "training", "total")}
        {fact(
          "Memory in training",
          "memory",
          "total",
          share && `${show(share)} of ${device.name}`,
          (share?.value ?? 0) > 1,
        )}
        {fact("Training compute", "time", "flops")}
        {fact("Training time", "time", "seconds", `${devices} × ${device.name}`)}
        {fact("Cost", "time", "cost")}
        {fact("KV a token", "kvCache", "perToken")}
        {fact("Decoded tokens", "decoding", "tokensPerSecond")}
      </Facts>
    </Panel>
  );
}

/** A section's lines with their arithmetic, and what it is made of as a bar. */
function Account({ section, bar }: { section: AccountingSection; bar?: boolean }) {
  const colours = useColours(section.parts);
  const { total } = section;
  return (
    <Panel title={section.title} aside={total && <strong className={css.sum}>{show(total)}</strong>}>
      <p className={css.note}>{typeset(section.note)}</p>
      {bar && total && <Bar section={section} total={total} colours={colours} />}
      <Lines label={section.title}>
        {section.parts.map((line, i) => (
          <Row key={line.key} line={line} {...(bar && colours[i] ? { colour: colours[i] } : {})} of={total} />
        ))}
        {total && <Row line={total} strong />}
        {section.others.map((line) => (
          <Row key={line.key} line={line} />
        ))}
      </Lines>
    </Panel>
  );
}

function useColours(parts: readonly AccountingLine[]): string[] {
  const palette = CATEGORIES[useScheme()];
  // the second time round paler, so that neighbours differ
  return parts.map((_, i) => {
    const colour = palette[i % palette.length] ?? "currentColor";
    return i < palette.length ? colour : `color-mix(in oklab, ${colour} 50%, var(--panel))`;
  });
}

function Bar(props: { section: AccountingSection; total: AccountingLine; colours: string[] }) {
  const { section, total, colours } = props;
  const words = section.parts.map((part) => `${part.name} ${percent(part.value / total.value, 1)}`).join(", ");
  return (
    <div className={css.bar} role="img" aria-label={`${section.title}: ${words}`}>
      {section.parts.map((part, i) => (
        <span
          key={part.key}
          title={`${part.name}: ${show(part)}, ${percent(part.value / total.value, 1)}`}
          style={{ width: `${(100 * part.value) / total.value}%`, background: colours[i] }}
        />
      ))}
    </div>
  );
}

function Lines({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className={ui.scroll}>
      <table className={cx(ui.table, css.lines)} aria-label={label}>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Row(props: { line: AccountingLine; strong?: boolean; colour?: string; of?: AccountingLine | undefined }) {
  const { line, strong, colour, of } = props;
  return (
    <tr data-strong={strong} data-key={line.key}>
      <th scope="row">
        {colour && <i className={css.swatch} style={{ background: colour }} aria-hidden="true" />}
        {typeset(line.name)}
      </th>
      <td
        className={ui.num}
        title={line.unit.startsWith("BYTES") ? `${line.value.toLocaleString("en-US")} bytes` : undefined}
      >
        {show(line)}
      </td>
      <td className={cx(ui.num, css.share)}>{of && percent(line.value / of.value, 1)}</td>
      <td className={css.arithmetic}>
        <Arithmetic line={line} />
      </td>
    </tr>
  );
}

/** The formula, and under or beside it the numbers. */
function Arithmetic({ line }: { line: AccountingLine }) {
  return (
    <div>
      <span>{typeset(line.formula)}</span>
      <span className={css.numbers}>= {typeset(line.numbers)}</span>
    </div>
  );
}

/** Forward, backward and both by part, and what 6 N would say. */
function Flops({ accounting }: { accounting: Accounting }) {
  const forward = sectionOf(accounting, "forward");
  const backward = sectionOf(accounting, "backward");
  const training = sectionOf(accounting, "training");
  const colours = useColours(forward?.parts ?? []);
  if (!forward?.total || !backward?.total || !training?.total) return null;
  const total = training.total;
  const rows = [...forward.parts, forward.total].map((line, i) => ({
    line,
    colour: colours[i],
    back: backward.parts[i] ?? backward.total,
    both: training.parts[i] ?? total,
  }));
  return (
    <Panel title="FLOPs per token" aside={<strong className={css.sum}>{show(total)}</strong>}>
      <p className={css.note}>
        {forward.note} {backward.note}
      </p>
      <Bar section={training} total={total} colours={colours} />
      <div className={ui.scroll}>
        <table className={cx(ui.table, css.lines)} aria-label="FLOPs per token">
          <thead>
            <tr>
              <th scope="col">Part</th>
              <th scope="col" className={ui.num}>
                Forward
              </th>
              <th scope="col" className={ui.num}>
                Backward
              </th>
              <th scope="col" className={ui.num}>
                Training
              </th>
              <th scope="col" className={ui.num}>
                Share
              </th>
              <th scope="col" className={css.arithmetic}>
                Arithmetic of forward
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ line, colour, back, both }, i) => (
              <tr key={line.key} data-key={line.key} data-strong={i === rows.length - 1}>
                <th scope="row">
                  {i < rows.length - 1 && (
                    <i className={css.swatch} style={{ background: colour }} aria-hidden="true" />
                  )}
                  {i < rows.length - 1 ? line.name : "all"}
                </th>
                <td className={ui.num}>{show(line)}</td>
                <td className={ui.num}>{back && show(back)}</td>
                <td className={ui.num}>{show(both)}</td>
                <td className={cx(ui.num, css.share)}>{percent(both.value / total.value, 1)}</td>
                <td className={css.arithmetic}>
                  <Arithmetic line={line} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={cx(css.note, css.after)}>{training.note}</p>
      <Lines label="Beside it">
        {training.others.map((line) => (
          <Row key={line.key} line={line} />
        ))}
      </Lines>
    </Panel>
  );
}
