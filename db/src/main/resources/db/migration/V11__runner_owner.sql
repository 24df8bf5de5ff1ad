-- Whose token registered a runner: with another of scope runner nobody speaks for it, nor for its attempts. No foreign key: the number of a
-- token that was taken back matches none. Null for runners that registered before, until they do again.
alter table runner add column token_id bigint;
