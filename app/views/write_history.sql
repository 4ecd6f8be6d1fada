-- Adds the entries of events just appended, the first of which stands at first_position; the
-- append lock is held, so that the next numbers of all lists are free.
CREATE OR REPLACE FUNCTION integrations.write_history(
    workspace text, first_position bigint, entries jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    newest timestamptz;
BEGIN
    SELECT h.sequence, h.latest_at INTO head, newest FROM integrations.history h
    WHERE h.workspace_id = workspace ORDER BY h.sequence DESC LIMIT 1;
    INSERT INTO integrations.history (
        workspace_id, sequence, position, stream, version, resource_name, action, details,
        actor_id, actor_name, actor_email, ip_address, created_at, latest_at,
        action_sequence, actor_sequence, actor_action_sequence
    )
    SELECT
        workspace, coalesce(head, 0) + item.number, first_position + item.number - 1,
        entry.stream, entry.version, entry.resource_name, entry.action, entry.details,
        entry.actor_id, entry.actor_name, entry.actor_email, entry.ip_address, entry.created_at,
        greatest(newest, max(entry.created_at) OVER (ORDER BY item.number)),
        row_number() OVER (PARTITION BY entry.action ORDER BY item.number) + coalesce((
            SELECT h.action_sequence FROM integrations.history h
            WHERE h.workspace_id = workspace AND h.action = entry.action
            ORDER BY h.action_sequence DESC LIMIT 1
        ), 0),
        row_number() OVER (PARTITION BY entry.actor_id ORDER BY item.number) + coalesce((
            SELECT h.actor_sequence FROM integrations.history h
            WHERE h.workspace_id = workspace AND h.actor_id = entry.actor_id
            ORDER BY h.actor_sequence DESC LIMIT 1
        ), 0),
        row_number() OVER (PARTITION BY entry.action, entry.actor_id ORDER BY item.number) + coalesce((
            SELECT h.actor_action_sequence FROM integrations.history h
            WHERE h.workspace_id = workspace
                AND h.action || ' ' || h.actor_id = entry.action || ' ' || entry.actor_id
            ORDER BY h.actor_action_sequence DESC LIMIT 1
        ), 0)
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS item (value, number),
        jsonb_populate_record(NULL::integrations.history, item.value) AS entry;
END
$$;
