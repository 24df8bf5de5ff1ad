-- The metric store: heads (what lists and fits read), tails (recent points, narrow rows), chunks (arrays, what charts
-- read) and segments (which attempt's points count over which steps).

create table metric_name (
    id   int generated always as identity primary key,
    name text not null unique
);

create table metric_head (
    run_id     bigint not null,
    metric_id  int    not null,
    last_step  bigint not null,
    last_value double precision,
    min_value  double precision,
    max_value  double precision,
    n          bigint not null,
    nonfinite  bigint not null,
    primary key (run_id, metric_id)
) with (fillfactor = 70);

-- A point belongs to a segment (its attempt), so that a resume can shadow earlier points without touching them.
create table metric_tail (
    run_id     bigint           not null,
    metric_id  int              not null,
    attempt_no int              not null,
    step       bigint           not null,
    time_ms    bigint           not null,
    value      double precision not null,
    primary key (run_id, metric_id, attempt_no, step)
);

create table metric_chunk (
    run_id     bigint             not null,
    metric_id  int                not null,
    attempt_no int                not null,
    chunk_no   int                not null,
    n          int                not null,
    step_min   bigint             not null,
    step_max   bigint             not null,
    time_last  bigint             not null,
    vmin       double precision,
    vmax       double precision,
    vlast      double precision   not null,
    nonfinite  int                not null,
    steps      bigint[]           not null,
    times      bigint[]           not null,
    vals       double precision[] not null,
    primary key (run_id, metric_id, attempt_no, chunk_no)
);

create table metric_segment (
    run_id     bigint not null,
    attempt_no int    not null,
    from_step  bigint not null,     -- the step this attempt resumed from: earlier segments count up to it
    primary key (run_id, attempt_no)
);
