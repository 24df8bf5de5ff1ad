-- What went wrong, by which rule it was judged, and who is kept away from what because of it.

-- Told by the runner: why it takes no runs for now, such as a full disk. Place is where it works: its host and the bus addresses of
-- its GPUs, so that another process, or another name, on the same hardware is the same place.
alter table runner add column trouble text;
alter table runner add column place   text not null default '';
update runner set place = host || coalesce((
    select ' gpu ' || string_agg(d ->> 'pciBusId', ',' order by d ->> 'pciBusId')
    from jsonb_array_elements(devices) d where d ->> 'pciBusId' is not null), '');

alter table attempt add column failure_class    text;       -- user, data, out_of_memory, device, infrastructure, diverged
alter table attempt add column failure_rule     text;       -- name of the rule that decided so
alter table attempt add column failure_evidence text;       -- the line or message it decided by

-- Places a run is not to be granted to, for a time.
create table run_avoids (
    run_id bigint      not null references run,
    place  text        not null,
    until  timestamptz not null,
    reason text        not null,
    primary key (run_id, place)
);

-- Errors of devices, which set a place aside when they come again.
create table device_error (
    id         bigint generated always as identity primary key,
    place      text        not null,
    run_id     bigint      not null,
    attempt_no int         not null,
    rule       text        not null,
    evidence   text        not null,
    at         timestamptz not null default now(),
    foreign key (run_id, attempt_no) references attempt
);
create index device_error_by_place on device_error (place, at);

-- Places that are granted nothing until the time has passed or somebody clears them, which deletes the row.
create table place_set_aside (
    place    text primary key,
    reason   text        not null,                -- for everybody
    evidence text        not null,                -- a line of that run's, for those who may see it
    run_id   bigint      not null references run,
    since    timestamptz not null default now(),
    until    timestamptz not null
);

-- Attempts in a row whose runner died or fell silent under the run; one that ends in any other way counts anew.
alter table run add column runners_lost int not null default 0;
