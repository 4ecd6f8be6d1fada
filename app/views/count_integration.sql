-- Adds a step to the count of a workspace's integrations of one type and state; nothing for nulls.
CREATE OR REPLACE FUNCTION integrations.count_integration(
    workspace text, of_type text, active boolean, step integer
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO integrations.integration_counts AS counted (workspace_id, type, is_active, amount)
    SELECT workspace, of_type, active, step WHERE of_type IS NOT NULL
    ON CONFLICT ON CONSTRAINT integration_counts_key DO UPDATE SET amount = counted.amount + step
$$;
