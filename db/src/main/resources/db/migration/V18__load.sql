-- For a hundred thousand runs. Found by ./isoflop bench platform; docs/benchmarks/platform.md says what each is worth.

-- Who waits for a run: asked at its end, and by the foreign key whenever a run is deleted.
create index run_waiting on run (waits_for) where waits_for is not null;

-- All that lists of runs filter and sort by, without the job's text, which is most of a row: a list that no other index serves reads
-- this instead of the table, and so do counts. Not in it is what moves while a run runs, so that progress leaves indexes alone.
create index run_list on run (id) include (sweep_id, experiment_id, kind, state, name, pool, priority, attempt_no, n_params,
    n_params_nonembed, tokens, flops, flops_exact, budget, seed, learning_rate, steps, final_loss, bits_per_byte,
    created_at, started_at, finished_at);

-- The queue with all that says whether a run could be claimed now.
drop index run_queue;
create index run_queue on run (pool, coalesce(experiment_id, 0), (-priority), id)
    include (experiment_id, priority, not_before, waits_for, memory_bytes, kind, created_at, attempt_no) where state = 'queued';

-- Room for the next version of a row beside it.
alter table run set (fillfactor = 80);
alter table attempt set (fillfactor = 80);

-- With what a lease has had so far, so that whoever sums it up need not join leases with themselves.
create or replace view lease_share as
select l.run_id, l.attempt_no, l.runner_id, l.gpu,
    case when not l.gpu then 1.0::float8 / l.held
         when l.gpus is not null then l.gpus::float8
         else greatest(0, l.devices - l.own)::float8 / l.sharing end as share,
    l.device_seconds, l.last_seen
from (
    select l.run_id, l.attempt_no, l.runner_id, l.gpus, jsonb_array_length(n.devices) > 0 as gpu,
        jsonb_array_length(n.devices) as devices, l.device_seconds, l.last_seen,
        count(*) over w as held,
        coalesce(sum(l.gpus) over w, 0) as own,
        count(*) filter (where l.gpus is null) over w as sharing
    from lease l join runner n on n.id = l.runner_id
    window w as (partition by l.runner_id)) l;

-- A grant is repeated as it was given: nobody looks into it.
alter table claim alter column grant_body type json using grant_body::json;
