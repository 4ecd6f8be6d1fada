-- Rows of projections/history.py; the columns are the fields of HistoryRow, and two more:
-- position, and sequence, which counts the events of the workspace from 1, without holes.
CREATE TABLE integrations.history (
    workspace_id  text        NOT NULL,
    sequence      bigint      NOT NULL,
    position      bigint      NOT NULL,
    stream        text        NOT NULL,
    version       bigint      NOT NULL,
    resource_name text        NOT NULL,
    action        text        NOT NULL,
    details       jsonb       NOT NULL,
    actor_id      text        NOT NULL,
    actor_name    text,
    actor_email   text,
    ip_address    text,
    created_at    timestamptz NOT NULL,
    CONSTRAINT history_sequence PRIMARY KEY (workspace_id, sequence)
);
CREATE INDEX history_stream ON integrations.history (workspace_id, stream, sequence);
CREATE INDEX history_action ON integrations.history (workspace_id, action, sequence);
CREATE INDEX history_actor ON integrations.history (workspace_id, actor_id, sequence);
CREATE INDEX history_created ON integrations.history (workspace_id, created_at);
