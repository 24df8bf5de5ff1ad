-- A sweep grows: runs that were chosen once others had ended. What it was submitted with stays as it is; what was added stands beside it.

create table sweep_addition (
    id            bigint generated always as identity primary key,
    sweep_id      bigint           not null references sweep,
    addition      json             not null,      -- models and budgets, as in a sweep
    fit_id        bigint references fit,          -- that chose them; none if a person did
    planned_flops double precision not null check (planned_flops > 0),
    runs          int              not null check (runs > 0),
    added_by      text,                           -- a principal
    added_at      timestamptz      not null default now()
);

create index sweep_addition_of_sweep on sweep_addition (sweep_id, id);
