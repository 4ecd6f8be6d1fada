-- Returns the last position of the log, 0 if it is empty: of all workspaces, for every role.
CREATE OR REPLACE FUNCTION integrations.head() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT max(position) FROM integrations.events), 0);
END
$$;
