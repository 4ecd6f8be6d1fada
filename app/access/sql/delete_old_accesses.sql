-- Deletes records of all workspaces that are older than so many months, at least one, and at most
-- batch_size of them; returns how many.
CREATE OR REPLACE FUNCTION integrations.delete_old_accesses(months integer, batch_size integer)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH deleted AS (
        DELETE FROM integrations.accesses WHERE position IN (
            SELECT position FROM integrations.accesses
            WHERE minute < now() - make_interval(months => greatest(months, 1))
            ORDER BY minute LIMIT batch_size FOR UPDATE SKIP LOCKED
        ) RETURNING 1
    )
    SELECT count(*) FROM deleted
$$;
