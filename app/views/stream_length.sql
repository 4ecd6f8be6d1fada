-- Returns how many events an integration of the workspace in app.workspace has.
CREATE OR REPLACE FUNCTION integrations.stream_length(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT version FROM integrations.events
        WHERE workspace_id = current_setting('app.workspace', true) AND stream = wanted
        ORDER BY version DESC LIMIT 1
    ), 0);
END
$$;
