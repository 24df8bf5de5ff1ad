-- Runners that the platform starts by itself. A row is there before its provider is asked, so that a restarted platform
-- knows what it may have asked for; the key goes with the request and comes back in the provider's list, so that a request
-- whose answer was lost is found again and never made twice.
create table runner_launch (
    id            bigint generated always as identity primary key,
    key           text        not null unique,             -- also the runner's name
    pool          text        not null,
    provider      text        not null,
    external_id   text,                                    -- the provider's: a Slurm job, a process
    state         text        not null
        check (state in ('asked','waiting','running','stopping','ended','failed')),
    slots         int         not null,                    -- runs it is expected to take at once
    token_id      bigint      references api_token on delete set null,
    instance      text,                                    -- of the runner that registered, its latest
    place         text,                                    -- host or node, as the provider names it
    reason        text,                                    -- why it waits or has ended
    asked_at      timestamptz not null default now(),
    started_at    timestamptz,
    stop_asked_at timestamptz,
    ended_at      timestamptz
);
create index runner_launch_open on runner_launch (pool) where ended_at is null;
create index runner_launch_by_pool on runner_launch (pool, id desc);

-- What the last look at a pool found, written by whichever platform scales it.
create table runner_pool (
    pool       text primary key,
    note       text        not null,                       -- what is done, or why nothing is
    error      text,                                       -- what the provider last said, while it fails
    failures   int         not null default 0,             -- in a row
    retry_at   timestamptz not null default now(),         -- the provider is left alone until then
    checked_at timestamptz not null default now()
);

-- Told apart from other platforms that use the same cluster as the same user.
create table installation (
    one boolean primary key default true check (one),
    id  text not null default substr(md5(gen_random_uuid()::text), 1, 8)
);
insert into installation default values;

-- When a runner's last run ended, which says how long it has been idle.
create index attempt_by_runner on attempt (runner_id, ended_at);
