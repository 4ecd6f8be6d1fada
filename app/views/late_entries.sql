-- Returns the numbers of entries of the workspace in app.workspace that happened up to a moment and
-- were recorded after it. Behind a wall a range may use no index (as in search.sql).
CREATE OR REPLACE FUNCTION integrations.late_entries(moment timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT sequence FROM (
        SELECT workspace_id, sequence FROM integrations.history
        WHERE created_at < latest_at AND tstzrange(created_at, latest_at) @> moment
        OFFSET 0 -- the few late entries first: by their own index, not through all the others
    ) AS late
    WHERE workspace_id = current_setting('app.workspace', true)
$$;
