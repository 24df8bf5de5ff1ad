import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { usePolling } from "../../api/live";
import { runsQuery, sweepsQuery } from "../../api/queries";
import { RUN_STATES, type Run } from "../../api/types";
import { MAX_COMPARED, type RunsSearch } from "../../lib/urlState";
import { Button, Check, cx, ErrorNotice, Menu, StateChip, ui } from "../../ui/parts";
import { useTitle } from "../../ui/Shell";
import { columns, DEFAULT_COLUMNS, features, isSortable, LOOK } from "./columns";
import css from "./runs.module.css";
import { sortTies, toggleSort } from "./sorting";

const ComparePanel = lazy(() => import("./ComparePanel").then((module) => ({ default: module.ComparePanel })));

const ROW = 32;
const NO_KEYS: string[] = [];
const NO_IDS: number[] = [];
const KINDS = ["pretrain", "data"];

export function RunsPage() {
  useTitle("Runs");
  const search = useSearch({ from: "/shell/runs" });
  const navigate = useNavigate({ from: "/runs" });
  const update = (change: Partial<RunsSearch>) =>
    navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
  const selected = search.sel ?? NO_IDS;
  const select = (id: number, on: boolean) =>
    update({ sel: on ? [...selected, id].slice(-MAX_COMPARED) : selected.filter((one) => one !== id) });

  return (
    <div className={ui.stack}>
      <div className={ui.titleRow}>
        <h1>Runs</h1>
        <div className="end" />
      </div>
      <Filters search={search} update={update} />
      {selected.length > 0 && (
        <Suspense fallback={<p className={ui.muted}>Loading…</p>}>
          <ComparePanel ids={selected} onClear={() => update({ sel: undefined })} />
        </Suspense>
      )}
      <RunsTable search={search} update={update} selected={selected} select={select} />
    </div>
  );
}

type Update = (change: Partial<RunsSearch>) => void;

function Filters({ search, update }: { search: RunsSearch; update: Update }) {
  const sweeps = useInfiniteQuery(sweepsQuery);
  const [typed, setTyped] = useState(search.q ?? "");
  useEffect(() => {
    setTyped(search.q ?? "");
  }, [search.q]);
  const shown = search.cols ?? DEFAULT_COLUMNS;
  const states = search.state ?? [];
  const all = sweeps.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = search.q || states.length || search.sweep !== undefined || search.kind || search.model;
  return (
    <search className={css.filters}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          update({ q: typed.trim() || undefined });
        }}
      >
        <input
          type="search"
          className={cx(ui.input, css.search)}
          aria-label="Search runs by name"
          placeholder="Name contains…"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            if (event.target.value === "") update({ q: undefined });
          }}
          onBlur={() => update({ q: typed.trim() || undefined })}
        />
      </form>
      <Menu label={states.length ? `State: ${states.join(", ")}` : "Any state"}>
        <div className={css.states}>
          {RUN_STATES.map((state) => (
            <Check
              key={state}
              label={<StateChip state={state} />}
              checked={states.includes(state)}
              onChange={(event) => {
                const next = event.target.checked ? [...states, state] : states.filter((one) => one !== state);
                update({ state: next.length ? next : undefined });
              }}
            />
          ))}
        </div>
      </Menu>
      <select
        className={ui.input}
        aria-label="Sweep"
        value={search.sweep ?? ""}
        onChange={(event) => update({ sweep: event.target.value ? Number(event.target.value) : undefined })}
      >
        <option value="">Any sweep</option>
        {search.sweep !== undefined && !all.some((sweep) => sweep.id === search.sweep) && (
          <option value={search.sweep}>sweep {search.sweep}</option>
        )}
        {all.map((sweep) => (
          <option key={sweep.id} value={sweep.id}>
            {sweep.name}
          </option>
        ))}
      </select>
      <select
        className={ui.input}
        aria-label="Kind"
        value={search.kind ?? ""}
        onChange={(event) => update({ kind: event.target.value || undefined })}
      >
        <option value="">Any kind</option>
        {KINDS.map((kind) => (
          <option key={kind}>{kind}</option>
        ))}
      </select>
      {filtered && (
        <Button
          look="quiet"
          onClick={() => {
            setTyped("");
            update({ q: undefined, state: undefined, sweep: undefined, kind: undefined, model: undefined });
          }}
        >
          Clear filters
        </Button>
      )}
      <span style={{ marginLeft: "auto" }} />
      <Menu label="Columns">
        {Object.entries(LOOK).map(([id, look]) => (
          <Check
            key={id}
            label={look.label}
            checked={shown.includes(id)}
            disabled={id === "name"}
            onChange={(event) => {
              const next = Object.keys(LOOK).filter((one) => (one === id ? event.target.checked : shown.includes(one)));
              update({ cols: next.join() === DEFAULT_COLUMNS.join() ? undefined : next });
            }}
          />
        ))}
        <Button small onClick={() => update({ cols: undefined })}>
          Reset
        </Button>
      </Menu>
    </search>
  );
}

function RunsTable(props: {
  search: RunsSearch;
  update: Update;
  selected: readonly number[];
  select: (id: number, on: boolean) => void;
}) {
  const { search, update, selected, select } = props;
  const refetchInterval = usePolling();
  const sort = useMemo(
    () => (search.sort ?? NO_KEYS).filter((key) => isSortable(key.replace(/^-/, ""))),
    [search.sort],
  );
  const query = useInfiniteQuery({
    ...runsQuery({
      sweep: search.sweep,
      state: search.state,
      kind: search.kind,
      model: search.model,
      q: search.q,
      sort: sort[0],
    }),
    refetchInterval,
  });
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const runs = useMemo<Run[]>(() => sortTies(data?.pages.flatMap((page) => page.items) ?? [], sort), [data, sort]);
  const visible = useMemo(() => {
    const shown = new Set(search.cols ?? DEFAULT_COLUMNS).add("name");
    return Object.fromEntries(Object.keys(LOOK).map((id) => [id, shown.has(id)]));
  }, [search.cols]);
  const table = useTable({
    features,
    columns,
    data: runs,
    getRowId: (run) => String(run.id),
    manualSorting: true,
    state: {
      columnVisibility: visible,
      sorting: sort.map((key) => ({ id: key.replace(/^-/, ""), desc: key.startsWith("-") })),
    },
  });
  const frame = useRef<HTMLDivElement>(null);
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= rows.length - 20) fetchNextPage();
  }, [last, rows.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  const style = (id: string) => {
    const look = LOOK[id];
    return look?.grows
      ? { flex: `1 1 ${look.width}px`, width: look.width, minWidth: look.width }
      : { width: look?.width ?? 80 };
  };
  if (query.isError && !data) return <ErrorNotice what="The runs could not be loaded." error={query.error} />;
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are placed by a virtualiser, which a table element does not allow
    <div
      ref={frame}
      className={css.frame}
      role="table"
      aria-label="Runs"
      aria-rowcount={hasNextPage ? -1 : rows.length + 1}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by the keyboard
      tabIndex={0}
    >
      {table.getHeaderGroups().map((group) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div key={group.id} className={cx(css.row, css.head)} role="row" tabIndex={-1} aria-rowindex={1}>
          {/* biome-ignore lint/a11y/useSemanticElements: as above */}
          <div className={css.cell} role="columnheader" tabIndex={-1}>
            <span className="visually-hidden">Compare</span>
          </div>
          {group.headers.map((header) => {
            const id = header.column.id;
            const place = sort.findIndex((key) => key.replace(/^-/, "") === id);
            const direction = place < 0 ? "none" : sort[place]?.startsWith("-") ? "descending" : "ascending";
            return (
              // biome-ignore lint/a11y/useSemanticElements: as above
              <div
                key={header.id}
                className={cx(css.cell, LOOK[id]?.right && css.right)}
                style={style(id)}
                role="columnheader"
                tabIndex={-1}
                aria-sort={direction}
              >
                {isSortable(id) ? (
                  <button
                    type="button"
                    title="Sort; with Shift, by this as well"
                    onClick={(event) => {
                      const next = toggleSort(sort, id, event.shiftKey);
                      update({ sort: next.length ? next : undefined });
                    }}
                  >
                    {LOOK[id]?.label}
                    {direction !== "none" && (
                      <span aria-hidden="true">
                        {direction === "ascending" ? " ↑" : " ↓"}
                        {sort.length > 1 ? place + 1 : ""}
                      </span>
                    )}
                  </button>
                ) : (
                  LOOK[id]?.label
                )}
              </div>
            );
          })}
        </div>
      ))}
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      <div className={css.body} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const chosen = selected.includes(row.original.id);
          return (
            // biome-ignore lint/a11y/useSemanticElements: as above
            <div
              key={row.id}
              className={css.row}
              role="row"
              tabIndex={-1}
              aria-rowindex={item.index + 2}
              data-selected={chosen}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {/* biome-ignore lint/a11y/useSemanticElements: as above */}
              <div className={css.cell} role="cell">
                <input
                  type="checkbox"
                  aria-label={`Compare ${row.original.name}`}
                  checked={chosen}
                  onChange={(event) => select(row.original.id, event.target.checked)}
                />
              </div>
              {row.getVisibleCells().map((cell) => (
                // biome-ignore lint/a11y/useSemanticElements: as above
                <div
                  key={cell.id}
                  className={cx(css.cell, LOOK[cell.column.id]?.right && css.right)}
                  style={style(cell.column.id)}
                  role="cell"
                >
                  <table.FlexRender cell={cell} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
      {rows.length === 0 && (
        <p className={css.foot}>{query.isPending ? "Loading…" : "No run matches these filters."}</p>
      )}
      {isFetchingNextPage && <p className={css.foot}>Loading more…</p>}
    </div>
  );
}
