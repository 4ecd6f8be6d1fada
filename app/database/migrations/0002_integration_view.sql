-- Rows of projections/integration_view.py; the columns are the fields of IntegrationRow.
CREATE TABLE integrations.integration_view (
    workspace_id     text        NOT NULL,
    id               text        NOT NULL,
    version          bigint      NOT NULL,
    name             text        NOT NULL,
    type             text        NOT NULL,
    channel          text        NOT NULL,
    is_active        boolean     NOT NULL,
    sender_email     text,
    sender_name      text,
    sender_phone     text,
    vapid_public_key text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT integration_view_id PRIMARY KEY (workspace_id, id)
);
CREATE INDEX integration_view_created ON integrations.integration_view (workspace_id, created_at, id);
