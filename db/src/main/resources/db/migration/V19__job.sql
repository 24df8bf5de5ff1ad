-- A run's row is written whenever its state or its step changes, and most of it was the job, which never changes.
create table run_job (
    run_id bigint primary key references run on delete cascade,
    spec   jsonb not null                                           -- JobSpec
);
insert into run_job (run_id, spec) select id, spec from run;

-- GPUs that a command has for itself; none: it shares them, as all other kinds do.
alter table run add column gpus int;
update run set gpus = coalesce((spec ->> 'gpus')::int, 0) where kind = 'command';
alter table run drop column spec;

-- What a run has left to execute of C; all of it where steps are not counted.
create function flops_left(flops double precision, step bigint, steps bigint) returns double precision
    language sql immutable parallel safe
    return case when steps > 0 then flops * greatest(0, 1 - step::float8 / steps) else flops end;
