-- Returns the entries of the workspace in app.workspace that happened up to a moment and were
-- recorded after it. Behind a wall a range may use no index (as in search.sql).
CREATE OR REPLACE FUNCTION integrations.late_entries(moment timestamptz)
RETURNS TABLE (sequence bigint, action text, actor_id text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT page * 64 + place, action, actor, at
    FROM (
        SELECT * FROM integrations.history_pages
        WHERE late_from IS NOT NULL AND tstzrange(late_from, latest_at) @> moment
        OFFSET 0 -- the few late pages first: by their own index, not through all the others
    ) AS bound,
        unnest(actions, actors, times) WITH ORDINALITY AS entry (action, actor, at, place)
    WHERE workspace_id = current_setting('app.workspace', true) AND at <= moment
        AND page * 64 + place > (
            SELECT integrations.recorded_by(current_setting('app.workspace', true), moment)
        )
    UNION ALL
    SELECT sequence, action, actor_id, created_at FROM integrations.history
    WHERE workspace_id = current_setting('app.workspace', true)
        AND sequence > (SELECT integrations.bound_entries(current_setting('app.workspace', true)))
        AND created_at <= moment AND moment < latest_at
$$;
