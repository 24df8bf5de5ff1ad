import { useQuery } from "@tanstack/react-query";
import { profileQuery } from "../../api/queries";
import type { Profile, Run, RunProfile } from "../../api/types";
import { CATEGORIES } from "../../charts/palette";
import { bytes, clock, count, flop, integer, measure, percent, quantity } from "../../lib/format";
import { isOver } from "../../lib/progress";
import { ErrorNotice, Fact, Facts, Panel, ui } from "../../ui/parts";
import { useScheme } from "../../ui/theme";
import css from "./profile.module.css";
import { ARENAS, mfu, type OperationRow, rooflineOf } from "./roofline";

const POLL_MILLIS = 5_000;

/** Where the run's time and memory go, against what its device could do. */
export function ProfileTab({ run }: { run: Run }) {
  // no event tells of a profile, and it comes once
  const query = useQuery({
    ...profileQuery(run.id),
    refetchInterval: ({ state }) => (state.data || isOver(run.state) ? false : POLL_MILLIS),
  });
  if (query.isError && !query.data) return <ErrorNotice what="The profile could not be loaded." error={query.error} />;
  if (query.data === undefined) return <p className={ui.muted}>Loading…</p>;
  return (
    <div className={ui.stack}>
      <Panel
        title="Where the time goes"
        aside={
          query.data && (
            <span className={ui.muted}>
              told at step {integer(query.data.profile.step)} of attempt {query.data.attempt}, {clock(query.data.at)}
            </span>
          )
        }
      >
        {query.data ? <Use run={run} profile={query.data.profile} /> : <Missing run={run} />}
      </Panel>
      {query.data && <Details told={query.data} />}
    </div>
  );
}

function Missing({ run }: { run: Run }) {
  return (
    <p className={ui.empty}>
      {run.kind !== "pretrain"
        ? "Only training is profiled."
        : isOver(run.state)
          ? "Nothing was told: the run ended too early, or was trained by a runner that tells nothing."
          : "Nothing has been told yet: a run tells where its time goes about twenty steps after its start."}
    </p>
  );
}

/** Utilisation, speed and device, and how the first is defined. */
function Use({ run, profile }: { run: Run; profile: RunProfile }) {
  const { lanes, runs, flopsPerToken, datasheet, measured } = profile;
  const own = run.tokensPerSecond;
  const all = own === undefined ? undefined : own * runs;
  const shared = runs > 1;
  const oneStream = profile.operations.reduce((sum, one) => sum + one.micros, 0);
  const use = (peak: number | undefined) =>
    peak === undefined ? (
      <>
        – <small>no peak is known</small>
      </>
    ) : (
      <>
        {percent(mfu(all, flopsPerToken, peak), 1)}{" "}
        <small>
          of {measure(peak, "FLOP/s")}
          {shared && `; this run ${percent(mfu(own, flopsPerToken, peak), 1)}`}
        </small>
      </>
    );
  return (
    <div className={ui.stack}>
      <Facts label="Use of the device">
        <Fact name="MFU, datasheet peak">{use(datasheet?.flops)}</Fact>
        <Fact name="MFU, measured peak">{use(measured?.flops)}</Fact>
        <Fact name="Model FLOP/s">{measure(all === undefined ? undefined : all * flopsPerToken, "FLOP/s")}</Fact>
        <Fact name="Tokens/s">
          {count(all)} {shared && <small>this run {count(own)}</small>}
        </Fact>
        <Fact name="Step">
          {own === undefined ? "–" : `${quantity((1e3 * profile.tokensPerStep) / own)} ms`}{" "}
          {oneStream > 0 && <small>{quantity(oneStream * 1e-3)} ms one by one</small>}
        </Fact>
        <Fact name="Lanes">
          {integer(lanes)} {lanes > 1 && <small>{integer(runs)} in use</small>}
        </Fact>
        <Fact name="Device">
          {profile.device} <small>{profile.precision.toLowerCase()}</small>
        </Fact>
      </Facts>
      <p className={css.formula}>
        <strong>MFU = tokens/s × FLOPs per token ÷ peak FLOP/s</strong> (Chowdhery et al. 2022, PaLM, appendix B), with
        FLOPs per token = <span className={css.whole}>6 N + 6 V d + 6 L d (T + 1)</span> = {flop(flopsPerToken)}, N
        without the embedding.{" "}
        {datasheet || measured
          ? `The datasheet’s peak is of dense products in ${profile.precision.toLowerCase()}; the measured one is the best the runner’s own large product reached at its start.`
          : "Of this device neither a datasheet’s peak is known nor was one measured, so there is no share to tell."}
        {shared &&
          ` Runs of one shape share the device’s launches: the first figures are this run’s × ${integer(runs)} runs, which is what the device does; “this run” is its own share.`}
      </p>
    </div>
  );
}

function Details({ told }: { told: Profile }) {
  return (
    <>
      <Memory profile={told.profile} />
      <Operations profile={told.profile} />
    </>
  );
}

function Memory({ profile }: { profile: RunProfile }) {
  const colours = CATEGORIES[useScheme()];
  const total = ARENAS.reduce((sum, arena) => sum + profile.memory[arena], 0);
  const words = ARENAS.map((arena) => `${arena} ${bytes(profile.memory[arena])}`).join(", ");
  const share = (arena: (typeof ARENAS)[number]) => (total > 0 ? profile.memory[arena] / total : 0);
  return (
    <Panel
      title="Memory by arena"
      aside={
        <span className={ui.muted}>
          {bytes(total)}
          {profile.lanes > 1 && ` for ${profile.lanes} lanes, ${bytes(total / profile.lanes)} each`}
        </span>
      }
    >
      <div className={css.bar} role="img" aria-label={`Memory by arena: ${words}`}>
        {ARENAS.map((arena, i) => (
          <span key={arena} style={{ width: `${100 * share(arena)}%`, background: colours[i] }} />
        ))}
      </div>
      <ul className={css.legend}>
        {ARENAS.map((arena, i) => (
          <li key={arena}>
            <span className={css.swatch} style={{ background: colours[i] }} aria-hidden="true" />
            {arena} <strong>{bytes(profile.memory[arena])}</strong>{" "}
            <span className={ui.muted}>{percent(share(arena), 1)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Operations({ profile }: { profile: RunProfile }) {
  if (profile.operations.length === 0) {
    return (
      <Panel title="Operations of a step">
        <p className={ui.empty}>On this device operations are not told apart.</p>
      </Panel>
    );
  }
  const { rows, total, peaks } = rooflineOf(profile);
  return (
    <Panel title="Operations of a step" aside={<span className={ui.muted}>all lanes, one after another</span>}>
      {peaks && (
        <p className={css.formula}>
          The roofline: an operation takes at least its FLOPs ÷ {measure(peaks.flops, "FLOP/s")} and at least its bytes
          ÷ {measure(peaks.bytes, "B/s")} ({peaks.measured ? "both measured here" : "both from the datasheet"}). The
          longer of the two is what bounds it: compute above {integer(peaks.flops / peaks.bytes)} FLOPs a byte, memory
          below. 100 % is on the roofline; far below, it waits for neither, such as a launch too short to fill the
          device. Bytes are the fewest that have to move, so what the cache still holds may come out above 100 %.
        </p>
      )}
      <div className={ui.scroll}>
        <table className={`${ui.table} ${css.operations}`} aria-label="Operations of a step">
          <thead>
            <tr>
              <th scope="col">Operation</th>
              <th scope="col" className={ui.num}>
                Count
              </th>
              <th scope="col" className={ui.num}>
                Time, µs
              </th>
              <th scope="col" className={ui.num}>
                Of the step
              </th>
              <th scope="col" className={ui.num}>
                TFLOP/s
              </th>
              <th scope="col" className={ui.num}>
                GB/s
              </th>
              <th scope="col" className={css.bound}>
                Bound
              </th>
              <th scope="col" className={ui.num}>
                Of the roofline
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <OperationCells key={row.name} row={row} longest={rows[0]?.share ?? 1} />
            ))}
          </tbody>
          <tfoot>
            <OperationCells row={total} longest={Number.POSITIVE_INFINITY} />
          </tfoot>
        </table>
      </div>
    </Panel>
  );
}

function OperationCells({ row, longest }: { row: OperationRow; longest: number }) {
  return (
    <tr>
      <th scope="row">{row.name}</th>
      <td className={ui.num}>{integer(row.count)}</td>
      <td className={ui.num}>{row.micros >= 100 ? integer(row.micros) : row.micros.toFixed(1)}</td>
      <td className={ui.num}>
        {Number.isFinite(longest) && <Meter share={row.share / longest} />}
        <span className={css.figure}>{percent(row.share, 1)}</span>
      </td>
      <td className={ui.num}>{row.flops > 0 ? quantity(row.flops * 1e-12, 3) : "–"}</td>
      <td className={ui.num}>{integer(row.bytes * 1e-9)}</td>
      <td className={css.bound} data-bound={row.bound}>
        {row.bound ?? ""}
      </td>
      <td className={ui.num}>
        {row.roofline !== undefined && <Meter share={row.roofline} strong />}
        <span className={css.figure}>
          {percent(row.roofline, row.roofline !== undefined && row.roofline < 0.1 ? 1 : 0)}
        </span>
      </td>
    </tr>
  );
}

/** The number beside it, as a length. */
function Meter({ share, strong }: { share: number; strong?: boolean }) {
  return (
    <span className={css.meter} aria-hidden="true" data-strong={strong}>
      <span style={{ width: `${100 * Math.max(0, Math.min(1, share))}%` }} />
    </span>
  );
}
