-- Schedules: sweeps that are submitted by the clock. What decides anything lies in our own three tables; Quartz, below,
-- only inserts into schedule_fire when it is time.

create table schedule (
    id              bigint generated always as identity primary key,
    name            text        not null unique,
    spec            json        not null,           -- SweepSpec as written; each fire gives it a name of its own
    cron            text        not null,           -- as it was written: five fields, or Quartz's six or seven
    zone            text        not null,           -- IANA name
    catch_up        text        not null check (catch_up in ('skip','once','all')),
    catch_up_limit  int         not null check (catch_up_limit between 1 and 100),
    overlap         text        not null check (overlap in ('skip','queue','cancel_previous')),
    paused          boolean     not null default false,
    -- every fire time up to here has its row in schedule_fire, or needs none: the schedule was new, changed or paused
    accounted_until timestamptz not null default now(),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    version         bigint      not null default 0
);

create table schedule_fire (
    id          bigint generated always as identity primary key,
    schedule_id bigint      not null references schedule on delete cascade,
    fire_time   timestamptz not null,               -- when it was due; for one asked for by hand, when it was asked for
    origin      text        not null check (origin in ('cron','repair','catch-up','manual')),
    state       text        not null check (state in ('pending','submitted','skipped','missed','failed')),
    inserted_by text        not null,               -- the process, for people who look for one that is gone
    data_run_id bigint references run,              -- the run that prepares the dataset, while it is waited for
    sweep_id    bigint references sweep,
    reason      text,
    created_at  timestamptz not null default now(),
    settled_at  timestamptz,
    unique (schedule_id, fire_time)                 -- what makes a fire happen once, whoever inserts it
);
create index schedule_fire_pending on schedule_fire (schedule_id, fire_time) where state = 'pending';
create index schedule_fire_sweep on schedule_fire (sweep_id) where sweep_id is not null;

-- One row: when any platform last looked at the schedules, and when none did.
create table schedule_watch (
    one       boolean primary key default true check (one),
    looked_at timestamptz not null,
    down_from timestamptz,
    down_to   timestamptz
);

-- Quartz's tables, in a schema of their own that nothing else reads. Names and types are those its PostgreSQL delegate
-- expects; times are milliseconds since 1970.
create schema quartz;

create table quartz.qrtz_job_details (
    sched_name        varchar(120) not null,
    job_name          varchar(200) not null,
    job_group         varchar(200) not null,
    description       varchar(250),
    job_class_name    varchar(250) not null,
    is_durable        bool         not null,
    is_nonconcurrent  bool         not null,
    is_update_data    bool         not null,
    requests_recovery bool         not null,
    job_data          bytea,
    primary key (sched_name, job_name, job_group)
);

create table quartz.qrtz_triggers (
    sched_name     varchar(120) not null,
    trigger_name   varchar(200) not null,
    trigger_group  varchar(200) not null,
    job_name       varchar(200) not null,
    job_group      varchar(200) not null,
    description    varchar(250),
    next_fire_time bigint,
    prev_fire_time bigint,
    priority       integer,
    trigger_state  varchar(16)  not null,
    trigger_type   varchar(8)   not null,
    start_time     bigint       not null,
    end_time       bigint,
    calendar_name  varchar(200),
    misfire_instr  smallint,
    job_data       bytea,
    primary key (sched_name, trigger_name, trigger_group),
    foreign key (sched_name, job_name, job_group) references quartz.qrtz_job_details
);
create index qrtz_triggers_due on quartz.qrtz_triggers (sched_name, trigger_state, next_fire_time);
create index qrtz_triggers_job on quartz.qrtz_triggers (sched_name, job_name, job_group);

create table quartz.qrtz_simple_triggers (
    sched_name      varchar(120) not null,
    trigger_name    varchar(200) not null,
    trigger_group   varchar(200) not null,
    repeat_count    bigint       not null,
    repeat_interval bigint       not null,
    times_triggered bigint       not null,
    primary key (sched_name, trigger_name, trigger_group),
    foreign key (sched_name, trigger_name, trigger_group) references quartz.qrtz_triggers
);

create table quartz.qrtz_cron_triggers (
    sched_name      varchar(120) not null,
    trigger_name    varchar(200) not null,
    trigger_group   varchar(200) not null,
    cron_expression varchar(120) not null,
    time_zone_id    varchar(80),
    primary key (sched_name, trigger_name, trigger_group),
    foreign key (sched_name, trigger_name, trigger_group) references quartz.qrtz_triggers
);

create table quartz.qrtz_simprop_triggers (
    sched_name    varchar(120) not null,
    trigger_name  varchar(200) not null,
    trigger_group varchar(200) not null,
    str_prop_1    varchar(512),
    str_prop_2    varchar(512),
    str_prop_3    varchar(512),
    int_prop_1    int,
    int_prop_2    int,
    long_prop_1   bigint,
    long_prop_2   bigint,
    dec_prop_1    numeric(13, 4),
    dec_prop_2    numeric(13, 4),
    bool_prop_1   bool,
    bool_prop_2   bool,
    primary key (sched_name, trigger_name, trigger_group),
    foreign key (sched_name, trigger_name, trigger_group) references quartz.qrtz_triggers
);

create table quartz.qrtz_blob_triggers (
    sched_name    varchar(120) not null,
    trigger_name  varchar(200) not null,
    trigger_group varchar(200) not null,
    blob_data     bytea,
    primary key (sched_name, trigger_name, trigger_group),
    foreign key (sched_name, trigger_name, trigger_group) references quartz.qrtz_triggers
);

create table quartz.qrtz_calendars (
    sched_name    varchar(120) not null,
    calendar_name varchar(200) not null,
    calendar      bytea        not null,
    primary key (sched_name, calendar_name)
);

create table quartz.qrtz_paused_trigger_grps (
    sched_name    varchar(120) not null,
    trigger_group varchar(200) not null,
    primary key (sched_name, trigger_group)
);

create table quartz.qrtz_fired_triggers (
    sched_name        varchar(120) not null,
    entry_id          varchar(95)  not null,
    trigger_name      varchar(200) not null,
    trigger_group     varchar(200) not null,
    instance_name     varchar(200) not null,
    fired_time        bigint       not null,
    sched_time        bigint       not null,
    priority          integer      not null,
    state             varchar(16)  not null,
    job_name          varchar(200),
    job_group         varchar(200),
    is_nonconcurrent  bool,
    requests_recovery bool,
    primary key (sched_name, entry_id)
);
create index qrtz_fired_triggers_instance on quartz.qrtz_fired_triggers (sched_name, instance_name);
create index qrtz_fired_triggers_trigger on quartz.qrtz_fired_triggers (sched_name, trigger_name, trigger_group);

create table quartz.qrtz_scheduler_state (
    sched_name        varchar(120) not null,
    instance_name     varchar(200) not null,
    last_checkin_time bigint       not null,
    checkin_interval  bigint       not null,
    primary key (sched_name, instance_name)
);

create table quartz.qrtz_locks (
    sched_name varchar(120) not null,
    lock_name  varchar(40)  not null,
    primary key (sched_name, lock_name)
);
