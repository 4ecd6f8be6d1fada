-- Returns all events of an integration of the workspace in app.workspace, oldest first.
CREATE OR REPLACE FUNCTION integrations.stream_events(wanted text)
RETURNS TABLE ("position" bigint, envelope bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT position, envelope FROM integrations.events
    WHERE workspace_id = current_setting('app.workspace', true) AND stream = wanted
    ORDER BY version;
END
$$;
