-- Returns the workspaces that have more than a number of stored responses.
CREATE OR REPLACE FUNCTION integrations.workspaces_over_quota(maximum bigint) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT workspace_id FROM integrations.idempotent_responses
    GROUP BY workspace_id HAVING count(*) > maximum
$$;
