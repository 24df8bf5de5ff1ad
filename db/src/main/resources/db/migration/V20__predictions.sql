-- What a run was predicted to reach before it began, and how it came out. A prediction that could be changed, or taken back, afterwards
-- would prove nothing: the tables themselves refuse it.

create table prediction (
    id                  bigint generated always as identity primary key,
    experiment_id       bigint           not null references experiment,
    -- predicted, and from then on as it is
    fit_id              bigint           not null references fit,
    input_hash          text             not null,      -- of the fit
    method              text             not null check (method in ('parametric', 'isoflop')),
    law                 text             not null,      -- its formula
    n                   double precision not null check (n > 0),        -- parameters, as the fit counts them
    d                   double precision not null check (d > 0),        -- tokens
    flops               double precision not null check (flops > 0),    -- C
    count_embeddings    boolean          not null,
    comparability       text,                           -- of the losses that were fitted
    extrapolation_ratio double precision not null check (extrapolation_ratio > 0),  -- C over the largest C fitted
    level               double precision not null check (level > 0 and level < 1),
    loss                double precision not null check (loss > 0),     -- nats per token
    low                 double precision not null check (low > 0),
    high                double precision not null check (high >= low),
    log_sd              double precision not null check (log_sd >= 0),  -- of ln loss, as wide as the interval
    made_by             text             not null,      -- a principal
    made_by_name        text             not null,
    made_at             timestamptz      not null default now(),
    -- once, before the run begins
    run_id              bigint references run,
    linked_at           timestamptz,
    -- once, when it ends
    state               text             not null default 'open' check (state in ('open', 'scored', 'void')),
    observed            double precision,               -- final held-out loss
    diverged            boolean          not null default false,
    log_error           double precision,               -- ln(observed / loss)
    standardised        double precision,               -- log_error / log_sd
    covered             boolean,
    void_reason         text,
    settled_at          timestamptz,
    check ((run_id is null) = (linked_at is null)),
    check (case state
               when 'open' then covered is null and void_reason is null and settled_at is null
               when 'scored' then run_id is not null and covered is not null and settled_at is not null
               else run_id is not null and void_reason is not null and settled_at is not null
           end)
);

-- one run is predicted once by one fit
create unique index prediction_of_run on prediction (run_id, fit_id) where run_id is not null;
create index prediction_by_experiment on prediction (experiment_id, id);
create index prediction_by_fit on prediction (fit_id, id);

create function prediction_is_kept() returns trigger language plpgsql as $$
declare
    later constant text[] := array['run_id', 'linked_at', 'state', 'observed', 'diverged', 'log_error', 'standardised', 'covered',
                                   'void_reason', 'settled_at'];
begin
    if tg_op = 'DELETE' then
        raise exception 'prediction % is kept', old.id using errcode = 'restrict_violation';
    end if;
    if tg_op = 'UPDATE' then
        if to_jsonb(new) - later is distinct from to_jsonb(old) - later then
            raise exception 'what prediction % says is frozen', old.id using errcode = 'restrict_violation';
        end if;
        if old.state <> 'open' then
            raise exception 'prediction % has its score', old.id using errcode = 'restrict_violation';
        end if;
        if old.run_id is not null and (new.run_id is distinct from old.run_id or new.linked_at is distinct from old.linked_at) then
            raise exception 'prediction % is of run %', old.id, old.run_id using errcode = 'restrict_violation';
        end if;
    end if;
    if tg_op = 'INSERT' and new.state <> 'open' then
        raise exception 'a prediction is made before its score' using errcode = 'restrict_violation';
    end if;
    if new.run_id is not null and (tg_op = 'INSERT' or old.run_id is null) then
        -- held against its start until this transaction ends
        perform from run where id = new.run_id and started_at is null and state = 'queued' for share;
        if not found then
            raise exception 'run % waits no longer', new.run_id using errcode = 'restrict_violation';
        end if;
    end if;
    return new;
end $$;

create trigger prediction_is_kept before insert or update or delete on prediction
    for each row execute function prediction_is_kept();

create function fit_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'fit % is kept as it is', old.id using errcode = 'restrict_violation';
end $$;

create trigger fit_is_kept before update or delete on fit for each row execute function fit_is_kept();
