-- First answers to requests with an idempotency key, for 24 h (contract, 7).
CREATE TABLE integrations.answers (
    workspace_id text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  bytea       NOT NULL,
    status       smallint    NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    answered_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT answers_key PRIMARY KEY (workspace_id, key)
);
CREATE INDEX answers_answered ON integrations.answers (answered_at);
