-- Deletes stored responses of all workspaces that have expired, at most batch_size; returns how
-- many. Several workers clean up in parallel: each takes rows that no other holds.
CREATE OR REPLACE FUNCTION integrations.delete_expired_responses(batch_size integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH deleted AS (
        DELETE FROM integrations.idempotent_responses WHERE (workspace_id, key) IN (
            SELECT workspace_id, key FROM integrations.idempotent_responses
            WHERE stored_at < integrations.response_expiry()
            ORDER BY stored_at LIMIT batch_size FOR UPDATE SKIP LOCKED
        ) RETURNING 1
    )
    SELECT count(*) FROM deleted
$$;
