-- Adds the entries of events just appended, the first of which stands at first_position, as loose
-- leaves, and binds what is full; the append lock is held, so that the next numbers are free.
CREATE OR REPLACE FUNCTION integrations.write_history(writes jsonb, first_position bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    workspaces text[];
    befores bigint[];
    lasts bigint[];
BEGIN
    WITH added AS (
        INSERT INTO integrations.history (
            workspace_id, sequence, position, action, actor_id, created_at, latest_at, entry
        )
        SELECT
            item.workspace, coalesce(last.sequence, 0) + row_number() OVER of_workspace,
            first_position - 1 + item.number, item.action, item.actor_id, item.created_at,
            greatest(last.latest_at, max(item.created_at) OVER of_workspace),
            convert_to(item.entry, 'UTF8')
        FROM (
            SELECT
                write ->> 'workspace' AS workspace, new.*,
                row_number() OVER (ORDER BY written.number, new.ordinality) AS number
            FROM jsonb_array_elements(writes) WITH ORDINALITY AS written (write, number),
                ROWS FROM (jsonb_to_recordset(write -> 'entries' -> 'history') AS (
                    action text, actor_id text, created_at timestamptz, entry text
                )) WITH ORDINALITY AS new (action, actor_id, created_at, entry, ordinality)
        ) AS item
        LEFT JOIN LATERAL (
            SELECT leaf.sequence, leaf.latest_at FROM integrations.history AS leaf
            WHERE leaf.workspace_id = item.workspace ORDER BY leaf.sequence DESC LIMIT 1
        ) AS last ON true
        WINDOW of_workspace AS (PARTITION BY item.workspace ORDER BY item.number)
        RETURNING workspace_id, sequence
    )
    SELECT array_agg(workspace_id), array_agg(before), array_agg(last)
    INTO workspaces, befores, lasts
    FROM (
        SELECT workspace_id, min(sequence) - 1 AS before, max(sequence) AS last
        FROM added GROUP BY workspace_id
    ) AS grown WHERE (before - 1) / 64 < (last - 1) / 64;
    IF workspaces IS NOT NULL THEN
        PERFORM integrations.bind_pages(workspaces, befores, lasts);
    END IF;
END
$$;
