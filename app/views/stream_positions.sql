-- Returns where the events of an integration of the workspace in app.workspace stand that have some
-- versions: whose history an event is, the log knows best.
CREATE OR REPLACE FUNCTION integrations.stream_positions(wanted text, versions bigint[])
RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT position FROM integrations.events
        WHERE workspace_id = current_setting('app.workspace', true) AND stream = wanted
            AND version = ANY (versions)
    );
END
$$;
