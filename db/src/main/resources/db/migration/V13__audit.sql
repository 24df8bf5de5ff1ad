-- What was asked for that may change something, and by whom; not the conversation with runners. The names of tokens are kept as they were:
-- a token may be gone. No bodies: they may hold secrets.
create table audit (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    token_id   bigint      not null,
    token_name text        not null,
    method     text        not null,
    path       text        not null,
    status     int,                                        -- null while it goes on, and for ever if the platform ended meanwhile
    location   text                                        -- of what was made
);
