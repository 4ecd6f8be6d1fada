-- Adds the entries of events just appended, the first of which stands at first_position; the
-- append lock is held, so that the workspace's next sequence is free.
CREATE OR REPLACE FUNCTION integrations.write_history(
    workspace text, first_position bigint, entries jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
BEGIN
    SELECT coalesce(max(h.sequence), 0) INTO head
    FROM integrations.history h WHERE h.workspace_id = workspace;
    INSERT INTO integrations.history (
        workspace_id, sequence, position, stream, version, resource_name, action, details,
        actor_id, actor_name, actor_email, ip_address, created_at
    )
    SELECT
        workspace, head + item.ordinality, first_position + item.ordinality - 1,
        entry.stream, entry.version, entry.resource_name, entry.action, entry.details,
        entry.actor_id, entry.actor_name, entry.actor_email, entry.ip_address, entry.created_at
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS item (value, ordinality),
        jsonb_populate_record(NULL::integrations.history, item.value) AS entry;
END
$$;
