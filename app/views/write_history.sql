-- Adds the entries of events just appended, the first of which stands at first_position; the
-- append lock is held, so that the next numbers of all lists are free.
CREATE OR REPLACE FUNCTION integrations.write_history(writes jsonb, first_position bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH entry AS MATERIALIZED (
        SELECT
            row_number() OVER (ORDER BY item.number, new.ordinality) AS number,
            write ->> 'workspace' AS workspace, write ->> 'stream' AS integration, new.*
        FROM jsonb_array_elements(writes) WITH ORDINALITY AS item (write, number),
            jsonb_populate_recordset(
                NULL::integrations.history, write -> 'entries' -> 'history'
            ) WITH ORDINALITY AS new
    )
    INSERT INTO integrations.history (
        workspace_id, sequence, position, stream, version, resource_name, action, details,
        actor_id, actor_name, actor_email, ip_address, created_at, latest_at,
        action_sequence, actor_sequence, actor_action_sequence
    )
    SELECT
        entry.workspace, coalesce(last.sequence, 0) + row_number() OVER of_workspace,
        first_position - 1 + entry.number,
        entry.integration, entry.version, entry.resource_name, entry.action, entry.details,
        entry.actor_id, entry.actor_name, entry.actor_email, entry.ip_address, entry.created_at,
        greatest(last.latest_at, max(entry.created_at) OVER of_workspace),
        row_number() OVER of_action + coalesce((
            SELECT h.action_sequence FROM integrations.history h
            WHERE h.workspace_id = entry.workspace AND h.action = entry.action
            ORDER BY h.action_sequence DESC LIMIT 1
        ), 0),
        row_number() OVER of_actor + coalesce((
            SELECT h.actor_sequence FROM integrations.history h
            WHERE h.workspace_id = entry.workspace AND h.actor_id = entry.actor_id
            ORDER BY h.actor_sequence DESC LIMIT 1
        ), 0),
        row_number() OVER of_both + coalesce((
            SELECT h.actor_action_sequence FROM integrations.history h
            WHERE h.workspace_id = entry.workspace
                AND h.action_actor = entry.action || ' ' || entry.actor_id
            ORDER BY h.actor_action_sequence DESC LIMIT 1
        ), 0)
    FROM entry
    LEFT JOIN LATERAL (
        SELECT h.sequence, h.latest_at FROM integrations.history h
        WHERE h.workspace_id = entry.workspace ORDER BY h.sequence DESC LIMIT 1
    ) AS last ON true
    WINDOW
        of_workspace AS (PARTITION BY entry.workspace ORDER BY entry.number),
        of_action AS (PARTITION BY entry.workspace, entry.action ORDER BY entry.number),
        of_actor AS (PARTITION BY entry.workspace, entry.actor_id ORDER BY entry.number),
        of_both AS (
            PARTITION BY entry.workspace, entry.action, entry.actor_id ORDER BY entry.number
        );
END
$$;
