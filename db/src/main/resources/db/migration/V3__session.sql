-- Sign-ins of the dashboard. A session is as good as the token it was made from and ends with it.
create table session (
    sha256     text        primary key,                -- of the cookie's value
    token_id   bigint      not null references api_token on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index session_by_token on session (token_id);
create index session_expiry on session (expires_at);

create index sweep_newest on sweep (experiment_id, id);
create index run_succeeded on run (finished_at desc) where state = 'succeeded';
