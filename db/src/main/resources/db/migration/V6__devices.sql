-- What runners' accelerators do. The newest sample of each lies on the runner's row, which every heartbeat writes anyway
-- (no index has it, so the update stays within its page); the history is a narrow table that is pruned after a day.
alter table runner
    add column device_samples jsonb not null default '[]';      -- DeviceSample[] of the last heartbeat that had any
alter table runner
    add column devices_seen timestamptz;                        -- when that was

create table runner_device_sample (
    runner_id   bigint      not null references runner on delete cascade,
    at          timestamptz not null,
    memory_used bigint,                                         -- bytes
    utilisation real,                                           -- per cent
    power       real,                                           -- watts
    temperature real,                                           -- degrees Celsius
    sm_clock    int,                                            -- MHz
    device      smallint    not null,                           -- its number on the runner's host
    primary key (runner_id, device, at)
);
-- For the pruning. Rows come in order of time, so new entries go to the right edge and cost next to nothing.
create index runner_device_sample_by_time on runner_device_sample (at);
