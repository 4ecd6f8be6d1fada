-- Returns what is stored of the event at a position of the workspace in app.workspace.
CREATE OR REPLACE FUNCTION integrations.event_at(wanted bigint) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT envelope FROM integrations.events
        WHERE position = wanted AND workspace_id = current_setting('app.workspace', true)
    );
END
$$;
