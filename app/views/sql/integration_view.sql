-- Rows of projections/integration_view.py. The columns are the fields of IntegrationRow, in its order.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TYPE integrations.integration_row AS (
    workspace_id     text,
    id               text,
    version          bigint,
    name             text,
    type             text,
    channel          text,
    is_active        boolean,
    sender_email     text,
    sender_name      text,
    sender_phone     text,
    vapid_public_key text,
    settings         jsonb,
    created_at       timestamptz,
    updated_at       timestamptz,
    name_key         text COLLATE "C",
    search_text      text COLLATE "C"
);

CREATE TABLE integrations.integration_view OF integrations.integration_row (
    CONSTRAINT integration_view_id PRIMARY KEY (workspace_id, id)
);
-- One index a sort order, each ending in the id, so that a page starts where the last one ended.
CREATE INDEX integration_view_created ON integrations.integration_view (workspace_id, created_at, id);
CREATE INDEX integration_view_updated ON integrations.integration_view (workspace_id, updated_at, id);
CREATE INDEX integration_view_name ON integrations.integration_view (workspace_id, name_key, id);
CREATE INDEX integration_view_type ON integrations.integration_view (workspace_id, type, is_active);
CREATE INDEX integration_view_search ON integrations.integration_view
    USING gin (workspace_id, search_text gin_trgm_ops);
