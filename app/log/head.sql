-- Returns the last position of the log, 0 where it is empty: of all workspaces, whoever asks.
CREATE OR REPLACE FUNCTION integrations.head() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(max(position), 0) FROM integrations.events
$$;
