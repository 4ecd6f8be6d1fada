-- Rows of projections/integration_view.py; the columns are the fields of IntegrationRow.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

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
    name_key         text        NOT NULL COLLATE "C",
    search_text      text        NOT NULL COLLATE "C",
    CONSTRAINT integration_view_id PRIMARY KEY (workspace_id, id)
);
-- One index a sort order, each ending in the id, so that a page starts where the last one ended.
CREATE INDEX integration_view_created ON integrations.integration_view (workspace_id, created_at, id);
CREATE INDEX integration_view_updated ON integrations.integration_view (workspace_id, updated_at, id);
CREATE INDEX integration_view_name ON integrations.integration_view (workspace_id, name_key, id);
CREATE INDEX integration_view_type ON integrations.integration_view (workspace_id, type, is_active);
CREATE INDEX integration_view_search ON integrations.integration_view
    USING gin (workspace_id, search_text gin_trgm_ops);

-- How many integrations a workspace has, by type and state, so that counting costs the same however
-- many there are; moved by integrations.write_integration_view, made anew by integrations.recount.
CREATE TABLE integrations.integration_counts (
    workspace_id text    NOT NULL,
    type         text    NOT NULL,
    is_active    boolean NOT NULL,
    amount       bigint  NOT NULL,
    CONSTRAINT integration_counts_key PRIMARY KEY (workspace_id, type, is_active)
);
