-- How many integrations a workspace has, by type and state, so that counting costs the same however
-- many there are; moved by integrations.write_integration_view, made again by integrations.recount.
CREATE TABLE integrations.integration_counts (
    workspace_id text    NOT NULL,
    type         text    NOT NULL,
    is_active    boolean NOT NULL,
    amount       bigint  NOT NULL,
    CONSTRAINT integration_counts_key PRIMARY KEY (workspace_id, type, is_active)
);
