-- Fair share, budgets, preemption, reservations, and the accounts they are reckoned from.

-- Whose share a run is: copied from its sweep, which never changes hands. Without one, it is a dataset's, which all wait for.
alter table run add column experiment_id bigint references experiment;
update run r set experiment_id = s.experiment_id from sweep s where s.id = r.sweep_id;
create index run_by_experiment on run (experiment_id, id);

-- The run that this one was asked to make room for.
alter table run add column stop_for bigint;

-- One claim looks at one experiment and one priority at a time, oldest first.
drop index run_queue;
create index run_queue on run (pool, coalesce(experiment_id, 0), (-priority), id) where state = 'queued';

alter table experiment
    add column flop_budget     double precision check (flop_budget > 0),
    add column gpu_hour_budget double precision check (gpu_hour_budget > 0),
    add column weight          double precision not null default 1 check (weight > 0),   -- of its fair share
    add column version         bigint           not null default 0;

-- While an attempt runs its account is in its lease, renewed with it.
alter table lease
    add column step           bigint           not null default 0,
    add column gpus           int,                                    -- it has for itself; none: a share of the rest
    add column device_seconds double precision not null default 0;    -- up to last_seen
update lease l set step = r.step,
    gpus = case when r.kind = 'command' then coalesce((r.spec ->> 'gpus')::int, 0) end
from run r where r.id = l.run_id;

alter table attempt
    add column last_step      bigint           not null default 0,
    add column device_seconds double precision not null default 0,    -- of a GPU, or of a whole runner that has none
    add column on_gpu         boolean          not null default false,
    add column flops          double precision not null default 0,    -- executed: of the steps from where it resumed
    add column billed         boolean          not null default false;

-- Attempts from before there were accounts: the last one of a run came as far as the run says, an earlier one at least
-- to where the next began; each had its slot's part of the machine.
update attempt a set
    last_step = greatest(a.resumed_from_step, coalesce(
        (select n.resumed_from_step from attempt n where n.run_id = a.run_id and n.attempt_no = a.attempt_no + 1), r.step)),
    on_gpu = jsonb_array_length(m.devices) > 0,
    device_seconds = case when a.started_at is null or a.ended_at is null then 0
        else extract(epoch from a.ended_at - a.started_at)
            * greatest(1, jsonb_array_length(m.devices)) / greatest(1, m.slots) end
from run r, runner m where r.id = a.run_id and m.id = a.runner_id;
update attempt a set flops = r.flops * least(1, greatest(0, a.last_step - a.resumed_from_step)::float8 / r.steps)
from run r where r.id = a.run_id and r.steps > 0;
create index attempt_unbilled on attempt (run_id) where ended_at is not null and not billed;

-- Ended attempts, summed. "recent" halves with every half-life and is as of recent_at.
create table experiment_usage (
    experiment_id   bigint           not null references experiment,
    pool            text             not null,
    device_seconds  double precision not null default 0,
    gpu_seconds     double precision not null default 0,
    flops           double precision not null default 0,
    recent_seconds  double precision not null default 0,
    recent_attempts double precision not null default 0,
    recent_at       timestamptz      not null default now(),
    primary key (experiment_id, pool)
) with (fillfactor = 70);

-- What part of its runner's devices each lease has now: the GPUs it was given for itself, or an equal part of the rest. A
-- runner without GPUs counts as one device, shared by all.
create view lease_share as
select l.run_id, l.attempt_no, l.runner_id, l.gpu,
    case when not l.gpu then 1.0::float8 / l.held
         when l.gpus is not null then l.gpus::float8
         else greatest(0, l.devices - l.own)::float8 / l.sharing end as share
from (
    select l.run_id, l.attempt_no, l.runner_id, l.gpus, jsonb_array_length(n.devices) > 0 as gpu,
        jsonb_array_length(n.devices) as devices,
        count(*) over w as held,
        coalesce(sum(l.gpus) over w, 0) as own,
        count(*) filter (where l.gpus is null) over w as sharing
    from lease l join runner n on n.id = l.runner_id
    window w as (partition by l.runner_id)) l;

-- A runner that is being emptied for a run which does not fit beside what it has now.
create table reservation (
    run_id    bigint primary key references run,
    runner_id bigint      not null unique references runner,
    until     timestamptz not null,
    made_at   timestamptz not null default now()
);
