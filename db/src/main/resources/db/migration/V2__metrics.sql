-- The metric store: heads (what lists and fits read), tails (points not yet worth a chunk), chunks (a thousand points,
-- what charts read) and segments (which attempt's points count over which steps).
--
-- Tails and chunks hold columns as arrays: a row per series and batch instead of a row per point, so that neither the
-- row header nor the primary key is paid per point. Steps that go up by one stride, as nearly all do, are that stride
-- alone. Times are milliseconds after time_base. Values keep NaN and infinities; vmin, vmax and vlast are over the
-- finite ones and absent when there is none.

create table metric_name (
    id   int generated always as identity primary key,
    name text not null unique
);

-- The stitched series in one row, written once per batch.
create table metric_head (
    run_id     bigint not null,
    metric_id  int    not null,
    attempt_no int    not null,      -- the attempt that wrote the last point
    last_step  bigint not null,
    last_value double precision,     -- last finite value
    min_value  double precision,
    max_value  double precision,
    n          bigint not null,
    nonfinite  bigint not null,
    tail_n     int    not null,      -- points of attempt_no that lie in metric_tail
    primary key (run_id, metric_id)
) with (fillfactor = 70);

create table metric_tail (
    run_id     bigint             not null,
    metric_id  int                not null,
    attempt_no int                not null,
    step_min   bigint             not null,
    step_max   bigint             not null,
    n          int                not null,
    stride     bigint,
    steps      bigint[],
    time_base  bigint             not null,
    times      int[]              not null,
    vals       double precision[] not null,
    primary key (run_id, metric_id, attempt_no, step_min),
    check ((stride is null) <> (steps is null))
);

create table metric_chunk (
    run_id     bigint             not null,
    metric_id  int                not null,
    attempt_no int                not null,
    step_min   bigint             not null,
    step_max   bigint             not null,
    n          int                not null,
    nonfinite  int                not null,
    vmin       double precision,
    vmax       double precision,
    vlast      double precision,
    -- six numbers per hundred points: finite values, then step, time and value of the last finite one, min, max.
    -- Inline, so that a chart of a long series never reads the arrays below, which are stored out of line.
    blocks     double precision[] not null,
    stride     bigint,
    steps      bigint[],
    time_base  bigint             not null,
    times      int[]              not null,
    vals       double precision[] not null,
    primary key (run_id, metric_id, attempt_no, step_min),
    check ((stride is null) <> (steps is null))
);
alter table metric_chunk alter column blocks set storage main;
-- Doubles hardly compress: trying to costs more than it saves.
alter table metric_chunk alter column steps set storage external;
alter table metric_chunk alter column times set storage external;
alter table metric_chunk alter column vals set storage external;

-- Written with an attempt's first batch. From then on points of earlier attempts after from_step do not count.
create table metric_segment (
    run_id     bigint not null,
    attempt_no int    not null,
    from_step  bigint not null,      -- last step of earlier attempts that counts; -1 when it began from nothing
    primary key (run_id, attempt_no)
);
