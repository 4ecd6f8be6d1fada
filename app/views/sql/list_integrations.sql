-- Returns all integrations of the workspaces that wait together, each workspace's oldest first.
CREATE OR REPLACE FUNCTION integrations.list_integrations(workspaces text[])
RETURNS SETOF integrations.integration_row
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM integrations.integration_view WHERE workspace_id = ANY (workspaces)
    ORDER BY workspace_id, created_at, id;
END
$$;
