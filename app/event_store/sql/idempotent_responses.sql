-- First responses to requests with an idempotency key, for 24 h (docs/api.md#repeat-a-request-safely).
CREATE TABLE integrations.idempotent_responses (
    workspace_id text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  bytea       NOT NULL,
    status       smallint    NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    stored_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotent_responses_key PRIMARY KEY (workspace_id, key)
);
CREATE INDEX idempotent_responses_stored ON integrations.idempotent_responses (stored_at);
