-- Returns the integrations that requests of several workspaces wait for, those that are there. The
-- workspace of each request is given with its id; the join keeps workspaces apart.
CREATE OR REPLACE FUNCTION integrations.get_integrations(workspaces text[], ids text[])
RETURNS SETOF integrations.integration_row
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT found.* FROM unnest(workspaces, ids) AS wanted (workspace_id, id)
    JOIN integrations.integration_view AS found USING (workspace_id, id);
END
$$;
