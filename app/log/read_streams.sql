-- Returns the events of streams that wait together, oldest first, each with the number (from 1) of
-- the item that asked for it. Whose streams they are is said for each; the wall is the join.
CREATE OR REPLACE FUNCTION integrations.read_streams(workspaces text[], streams text[])
RETURNS TABLE (item bigint, "position" bigint, envelope bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT wanted.ordinality, event.position, event.envelope
    FROM unnest(workspaces, streams) WITH ORDINALITY AS wanted (workspace_id, stream, ordinality)
    JOIN integrations.events AS event USING (workspace_id, stream)
    ORDER BY event.workspace_id, event.stream, event.version;
END
$$;
