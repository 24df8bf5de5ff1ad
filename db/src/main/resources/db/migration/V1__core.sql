-- Experiments, sweeps, runs and everything that executes them. Times are timestamptz and written by the database's
-- clock wherever they decide something (leases above all).

create table experiment (
    id         bigint generated always as identity primary key,
    name       text        not null unique,
    created_at timestamptz not null default now()
);

create table dataset (
    id                 text primary key,               -- hash of the options, hex
    corpus             text        not null,
    vocab_size         int         not null,
    validation_modulus int         not null,
    run_id             bigint,                         -- the data run that prepares it
    detail             jsonb,                          -- JobResult.Dataset once ready
    created_at         timestamptz not null default now()
);

create table sweep (
    id             bigint generated always as identity primary key,
    experiment_id  bigint           not null references experiment,
    name           text             not null,
    spec           jsonb            not null,
    spec_hash      text             not null,
    dataset_id     text             not null references dataset,
    planned_flops  double precision not null,
    dropped        jsonb            not null default '[]',
    cancelled_at   timestamptz,                        -- read again before any re-queue: a cancelled sweep revives nothing
    created_at     timestamptz      not null default now(),
    version        bigint           not null default 0,
    unique (experiment_id, name)
);

create table run (
    id                     bigint generated always as identity primary key,
    sweep_id               bigint references sweep,
    name                   text             not null,
    kind                   text             not null,
    spec                   jsonb            not null,  -- JobSpec
    state                  text             not null
        check (state in ('queued','assigned','running','suspect','succeeded','failed','cancelled','preempted')),
    attempt_no             int              not null default 0,
    pool                   text             not null default 'default',
    priority               int              not null default 0,
    not_before             timestamptz      not null default now(),
    waits_for              bigint references run,
    memory_bytes           bigint           not null default 0,   -- estimate the claim is matched by
    -- what fits and lists read: typed columns, never parsed from names
    n_params               bigint           not null default 0,
    n_params_nonembed      bigint           not null default 0,
    tokens                 bigint           not null default 0,
    flops                  double precision not null default 0,
    flops_exact            double precision not null default 0,
    budget                 double precision not null default 0,
    seed                   bigint,
    learning_rate          double precision,
    tokens_per_step        bigint           not null default 0,
    steps                  bigint           not null default 0,
    comparability          text,                                   -- hash of tokenizer, data, eval and precision
    -- progress as last reported, and the result
    step                   bigint           not null default 0,
    train_loss             double precision,
    final_loss             double precision,
    bits_per_byte          double precision,
    tokens_per_second      double precision,
    diverged               boolean          not null default false,
    result                 jsonb,
    failure_category       text,
    failure_code           text,
    failure_message        text,
    -- what is left of the three budgets of retries
    retries_failure        int              not null default 2,
    retries_preemption     int              not null default 100,
    retries_infrastructure int              not null default 10,
    stop_intent            text check (stop_intent in ('checkpoint','kill')),
    stop_deadline          timestamptz,
    created_at             timestamptz      not null default now(),
    started_at             timestamptz,
    finished_at            timestamptz,
    version                bigint           not null default 0,
    unique (sweep_id, name)
);

alter table dataset add foreign key (run_id) references run;

create index run_queue on run (pool, priority desc, id) where state = 'queued';
create index run_by_sweep on run (sweep_id, id);
create index run_by_state on run (state, id);

create table runner (
    id            bigint generated always as identity primary key,
    name          text        not null unique,
    instance      text        not null,
    pool          text        not null,
    host          text        not null,
    pid           bigint      not null,
    version       text        not null,
    slots         int         not null,
    cores         int         not null,
    memory_bytes  bigint      not null,
    devices       jsonb       not null default '[]',
    kinds         jsonb       not null default '[]',
    registered_at timestamptz not null default now(),
    last_seen     timestamptz not null default now()
) with (fillfactor = 70);

create table attempt (
    run_id            bigint      not null references run,
    attempt_no        int         not null,
    runner_id         bigint      not null references runner,
    state             text        not null,             -- assigned, running, then how it ended
    cause             text,
    resumed_from_step bigint      not null default 0,
    resume_checkpoint bigint,
    assigned_at       timestamptz not null default now(),
    started_at        timestamptz,
    ended_at          timestamptz,
    next_metric_seq   bigint      not null default 0,
    next_log_seq      bigint      not null default 0,
    primary key (run_id, attempt_no)
);

-- One row per leased run. Renewed by every heartbeat, hence the fill factor and no index on the time.
create table lease (
    run_id     bigint primary key references run,
    attempt_no int         not null,
    runner_id  bigint      not null references runner,
    last_seen  timestamptz not null default now()
) with (fillfactor = 50);
create index lease_by_runner on lease (runner_id);

-- A claim whose reply was lost is answered again from here.
create table claim (
    runner_id  bigint      not null references runner,
    claim_key  text        not null,
    grant_body jsonb       not null,
    created_at timestamptz not null default now(),
    primary key (runner_id, claim_key)
);

-- Every transition of every run; also the replay log of the live stream.
create table run_event (
    id         bigint generated always as identity primary key,
    run_id     bigint      not null references run,
    sweep_id   bigint,
    from_state text,
    to_state   text        not null,
    attempt_no int         not null,
    cause      text,
    at         timestamptz not null default now()
);
create index run_event_by_run on run_event (run_id, id);

create table run_log (
    run_id     bigint      not null references run,
    attempt_no int         not null,
    seq        bigint      not null,
    at         timestamptz not null,
    level      text        not null,
    line       text        not null,
    primary key (run_id, attempt_no, seq)
);

create table artifact (
    sha256     text primary key,
    bytes      bigint      not null,
    created_at timestamptz not null default now()
);

create table checkpoint (
    id            bigint generated always as identity primary key,
    run_id        bigint           not null,
    attempt_no    int              not null,
    step          bigint           not null,
    tokens        bigint           not null,
    train_seconds double precision not null,
    files         jsonb            not null,            -- FileRef[]
    bytes         bigint           not null,
    created_at    timestamptz      not null default now(),
    unique (run_id, attempt_no, step),
    foreign key (run_id, attempt_no) references attempt
);
create index checkpoint_latest on checkpoint (run_id, step desc, id desc);

create table fit (
    id         bigint generated always as identity primary key,
    sweep_id   bigint      not null references sweep,
    method     text        not null,
    status     text        not null,
    input_hash text        not null,
    body       jsonb       not null,                    -- FitViews.Fit without its id
    created_at timestamptz not null default now(),
    unique (sweep_id, method, input_hash)
);

create table api_token (
    id           bigint generated always as identity primary key,
    name         text        not null,
    prefix       text        not null,
    sha256       text        not null unique,
    scope        text        not null check (scope in ('read','submit','admin','runner')),
    created_at   timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at   timestamptz
);

create table idempotency (
    principal    text        not null,
    key          text        not null,
    request_hash text        not null,
    status       int,                                   -- absent while the first request is still running
    location     text,
    body         jsonb,
    created_at   timestamptz not null default now(),
    primary key (principal, key)
);
