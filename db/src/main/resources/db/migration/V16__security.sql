-- A session may also come from a token of an OpenID issuer, which has no row of its own: then the session says who it named.
alter table session alter column token_id drop not null;
alter table session add column identity jsonb;
alter table session add constraint session_of_one check ((token_id is null) <> (identity is null));

-- The audit trail names whoever it was in one way, tokens and people alike, and tells from where. Both are null where nobody was recognised.
alter table audit alter column token_id drop not null;
alter table audit add column principal text;
alter table audit add column address text;
alter table audit add column detail text;              -- what it was about, in a few words
update audit set principal = 'token:' || token_id;

-- Who may do what with an experiment. An open one is everybody's who has the scope; a private one only of those with a role.
alter table experiment add column visibility text not null default 'open' check (visibility in ('open', 'private'));
create index experiment_private on experiment (id) where visibility = 'private';

create table experiment_role (
    experiment_id bigint      not null references experiment on delete cascade,
    principal     text        not null,                -- token:ID, user:SUBJECT or group:NAME
    role          text        not null check (role in ('viewer', 'editor', 'owner')),
    granted_by    text        not null,                -- a principal
    granted_at    timestamptz not null default now(),
    primary key (experiment_id, principal)
);
create index experiment_role_by_principal on experiment_role (principal);

alter table experiment add column access_version bigint not null default 0;

-- In whose name a schedule submits: whoever wrote it last, themselves first, then their groups. Null: an admin, or from before there were roles.
alter table schedule add column principals text[];
