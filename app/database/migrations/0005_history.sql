-- Rows of projections/history.py; the columns are the fields of HistoryRow, and those that say
-- where the entry stands: its position in the log, and its number among the workspace's entries
-- (sequence), among those of the same action, of the same actor, and of both. Each number counts
-- from 1, without holes, so that any page of any of these lists is a range of numbers, and its
-- length is the last number. A stream's own number is its version.
--
-- latest_at is the latest created_at of the workspace so far. It never falls, unlike created_at:
-- what is decided first may be recorded second. So a time is found among numbers by halving, and
-- only the late entries, with created_at < latest_at, are looked for one by one.
CREATE TABLE integrations.history (
    workspace_id          text        NOT NULL,
    sequence              bigint      NOT NULL,
    position              bigint      NOT NULL,
    stream                text        NOT NULL,
    version               bigint      NOT NULL,
    resource_name         text        NOT NULL,
    action                text        NOT NULL,
    details               jsonb       NOT NULL,
    actor_id              text        NOT NULL,
    actor_name            text,
    actor_email           text,
    ip_address            text,
    created_at            timestamptz NOT NULL,
    latest_at             timestamptz NOT NULL,
    action_sequence       bigint      NOT NULL,
    actor_sequence        bigint      NOT NULL,
    actor_action_sequence bigint      NOT NULL,
    CONSTRAINT history_sequence PRIMARY KEY (workspace_id, sequence),
    CONSTRAINT history_version UNIQUE (workspace_id, stream, version),
    CONSTRAINT history_action UNIQUE (workspace_id, action, action_sequence),
    CONSTRAINT history_actor UNIQUE (workspace_id, actor_id, actor_sequence)
);
-- One expression for both, so that no other index can seem as good to the planner.
CREATE UNIQUE INDEX history_actor_action
    ON integrations.history (workspace_id, (action || ' ' || actor_id), actor_action_sequence);
CREATE INDEX history_late ON integrations.history USING gist (tstzrange(created_at, latest_at))
    WHERE created_at < latest_at;
