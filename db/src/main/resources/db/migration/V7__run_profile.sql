-- Where a run's time and memory go, as its newest attempt told: one row a run, read only by the run's own page, so it is
-- kept as it is shown.
create table run_profile (
    run_id     bigint primary key references run,
    attempt_no int         not null,
    body       jsonb       not null,                    -- RunProfile
    at         timestamptz not null default now()
);
