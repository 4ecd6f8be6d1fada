-- Deletes answers of all workspaces that are older than 24 h, at most so many; returns how many.
-- Several workers clean up side by side: each takes rows that no other holds.
CREATE OR REPLACE FUNCTION integrations.delete_expired_responses(at_once integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH forgotten AS (
        DELETE FROM integrations.answers WHERE (workspace_id, key) IN (
            SELECT workspace_id, key FROM integrations.answers
            WHERE answered_at < now() - interval '24 hours'
            ORDER BY answered_at LIMIT at_once FOR UPDATE SKIP LOCKED
        ) RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$;
