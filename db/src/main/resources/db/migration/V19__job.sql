-- A run's row is written whenever its state or its step changes, and most of it was the job, which never changes.
create table run_job (
    run_id bigint primary key references run on delete cascade,
    spec   jsonb not null,                                          -- JobSpec
    search text not null                                            -- the run's name in lower case
);
insert into run_job (run_id, spec, search) select id, spec, lower(name) from run;

-- Any part of a name is found by its trigrams. Lists do without, more slowly, where the server does not have them.
do $$ begin
    create extension if not exists pg_trgm;
    create index run_job_search on run_job using gin (search gin_trgm_ops);
exception when others then
    raise notice 'No index on parts of names: %', sqlerrm;
end $$;

-- GPUs that a command has for itself; none: it shares them, as all other kinds do.
alter table run add column gpus int;
update run set gpus = coalesce((spec ->> 'gpus')::int, 0) where kind = 'command';
alter table run drop column spec;

-- What a run has left to execute of C; all of it where steps are not counted.
create function flops_left(flops double precision, step bigint, steps bigint) returns double precision
    language sql immutable parallel safe
    return case when steps > 0 then flops * greatest(0, 1 - step::float8 / steps) else flops end;

-- Lists by what they are asked for most read a page of an index, and not all runs. The runs of a sweep are found by its unique names.
drop index run_by_sweep;
create index run_by_name on run (name, id);
create index run_by_end on run (finished_at, id) where finished_at is not null;
create index run_by_loss on run (final_loss, id) where final_loss is not null;

-- What a FLOP costs an experiment: FLOPs that were executed on GPUs, and the device time of those attempts.
alter table experiment_usage
    add column gpu_flops        double precision not null default 0,
    add column gpu_flop_seconds double precision not null default 0;
update experiment_usage u set gpu_flops = b.flops, gpu_flop_seconds = b.seconds
from (select r.experiment_id, r.pool, sum(a.flops) as flops, sum(a.device_seconds) as seconds
      from attempt a join run r on r.id = a.run_id
      where a.billed and a.on_gpu and a.flops > 0 and r.experiment_id is not null group by 1, 2) b
where u.experiment_id = b.experiment_id and u.pool = b.pool;
