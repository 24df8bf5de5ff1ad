import { useQuery } from "@tanstack/react-query";
import { usePolling } from "../../api/live";
import { attemptsQuery, eventsQuery } from "../../api/queries";
import type { RunDetail } from "../../api/types";
import { clock, duration, integer } from "../../lib/format";
import { isOver } from "../../lib/progress";
import { ErrorNotice, Panel, StateChip, ui } from "../../ui/parts";
import css from "./run.module.css";

export function AttemptsTab({ detail }: { detail: RunDetail }) {
  const { run } = detail;
  const refetchInterval = usePolling(!isOver(run.state));
  const attempts = useQuery({ ...attemptsQuery(run.id), refetchInterval });
  const events = useQuery({ ...eventsQuery(run.id), refetchInterval });
  const error = attempts.error ?? events.error;
  return (
    <div className={css.two}>
      {error && <ErrorNotice what="The history could not be loaded." error={error} />}
      <Panel title="Attempts">
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">State</th>
              <th scope="col">Runner</th>
              <th scope="col" className={ui.num}>
                From step
              </th>
              <th scope="col" className={ui.num}>
                Took
              </th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody>
            {attempts.data?.map((attempt) => (
              <tr key={attempt.number}>
                <td>{attempt.number}</td>
                <td>
                  <StateChip state={attempt.state} />
                </td>
                <td>{attempt.runner}</td>
                <td className={ui.num}>{integer(attempt.resumedFromStep)}</td>
                <td className={ui.num} title={clock(attempt.startedAt)}>
                  {attempt.startedAt && attempt.endedAt
                    ? duration((Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt)) / 1000)
                    : "–"}
                </td>
                <td>
                  {attempt.cause ?? ""}
                  {attempt.verdict && (
                    <div className={ui.muted} title={attempt.verdict.evidence}>
                      Judged {attempt.verdict.failureClass} by the rule {attempt.verdict.rule}:{" "}
                      {attempt.verdict.meaning}.
                    </div>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {attempts.data?.length === 0 && <p className={ui.empty}>No runner has taken it yet.</p>}
      </Panel>
      <Panel title="Events">
        <table className={`${ui.table} ${css.events}`}>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" className={ui.num}>
                Attempt
              </th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody>
            {events.data?.map((event) => (
              <tr key={event.id}>
                <td>{clock(event.at)}</td>
                <td>{event.from ?? "–"}</td>
                <td>
                  <StateChip state={event.to} />
                </td>
                <td className={ui.num}>{event.attempt}</td>
                <td>{event.cause ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
    </div>
  );
}
