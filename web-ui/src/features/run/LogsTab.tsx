import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { get } from "../../api/client";
import type { LogLine, Page, Run } from "../../api/types";
import { plain, stretches } from "../../lib/ansi";
import { clock } from "../../lib/format";
import { isOver } from "../../lib/progress";
import { Check, ErrorNotice, ui } from "../../ui/parts";
import css from "./run.module.css";

const PAGE = 200;

interface Logs {
  lines: LogLine[];
  /** where the last page began: it is asked for again to learn what followed */
  cursor: string | undefined;
}

/** Each attempt numbers its lines from 0. */
function isAfter(line: LogLine, seen: LogLine): boolean {
  return line.attempt === seen.attempt ? line.seq > seen.seq : line.attempt > seen.attempt;
}

/** Reads on from where it stopped; pages overlap by design, so lines are joined by their attempt and number. */
export async function readOn(id: number, logs: Logs, signal: AbortSignal): Promise<Logs> {
  const lines = [...logs.lines];
  let cursor = logs.cursor;
  for (;;) {
    const page: Page<LogLine> = await get(`/runs/${id}/logs`, { after: cursor, limit: PAGE }, signal);
    const seen = lines[lines.length - 1];
    for (const line of page.items) if (!seen || isAfter(line, seen)) lines.push(line);
    if (!page.next) return { lines, cursor };
    cursor = page.next;
  }
}

function useLogs(run: Run): { lines: LogLine[]; error: unknown; loaded: boolean } {
  const [logs, setLogs] = useState<Logs>({ lines: [], cursor: undefined });
  const [error, setError] = useState<unknown>();
  const [loaded, setLoaded] = useState(false);
  const latest = useRef(logs);
  const over = isOver(run.state);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        const next = await readOn(run.id, latest.current, controller.signal);
        if (next.lines.length !== latest.current.lines.length) setLogs(next);
        latest.current = next;
        setError(undefined);
      } catch (failure) {
        if (!controller.signal.aborted) setError(failure);
      }
      if (controller.signal.aborted) return;
      setLoaded(true);
      // logs are not on the event stream
      if (!over) timer = setTimeout(read, 2_000);
    };
    read();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [run.id, over]);
  return { lines: logs.lines, error, loaded };
}

/** A line as a terminal would show it. */
function Coloured({ text }: { text: string }) {
  if (!text.includes("\u001b")) return <span>{text}</span>;
  let at = 0;
  return (
    <span>
      {stretches(text).map((stretch) => {
        at += stretch.text.length;
        return (
          <span key={at} data-ansi={stretch.colour} style={stretch.bold ? { fontWeight: 600 } : undefined}>
            {stretch.text}
          </span>
        );
      })}
    </span>
  );
}

export function LogsTab({ run }: { run: Run }) {
  const { lines, error, loaded } = useLogs(run);
  const [follow, setFollow] = useState(!isOver(run.state));
  const [text, setText] = useState("");
  const frame = useRef<HTMLDivElement>(null);
  const shown = text ? lines.filter((line) => plain(line.text).toLowerCase().includes(text.toLowerCase())) : lines;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 18,
    overscan: 30,
  });
  useEffect(() => {
    if (follow && shown.length > 0) virtual.scrollToIndex(shown.length - 1, { align: "end" });
  }, [follow, shown.length, virtual]);
  return (
    <div className={ui.stack}>
      <div className={css.toolbar}>
        <input
          type="search"
          className={ui.input}
          aria-label="Lines that contain"
          placeholder="Lines that contain…"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Check label="Follow" checked={follow} onChange={(event) => setFollow(event.target.checked)} />
        <span className={ui.muted}>
          {text ? `${shown.length} of ${lines.length}` : lines.length} {lines.length === 1 ? "line" : "lines"}
        </span>
      </div>
      {error !== undefined && <ErrorNotice what="The log could not be read." error={error} />}
      <div
        ref={frame}
        className={css.logs}
        role="log"
        aria-label={`Log of ${run.name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
        tabIndex={0}
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      >
        <div className={css.logBody} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = shown[item.index];
            return (
              line && (
                <div
                  key={`${line.attempt}-${line.seq}`}
                  className={css.line}
                  data-level={line.level}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <span>{clock(line.at)}</span>
                  <Coloured text={line.text} />
                </div>
              )
            );
          })}
        </div>
        {loaded && lines.length === 0 && <p style={{ padding: 12 }}>Nothing has been logged.</p>}
      </div>
    </div>
  );
}
