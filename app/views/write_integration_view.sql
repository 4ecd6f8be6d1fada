-- Puts the view's row after each write in place of the stream's last one, or takes it away where
-- it is a JSON null, and counts; the append lock is held. A write without events changes no row.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(writes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO integrations.integration_counts AS counted (workspace_id, type, is_active, amount)
    SELECT workspace, type, is_active, sum(step) FROM (
        SELECT before.workspace_id AS workspace, before.type, before.is_active, -1 AS step
        FROM jsonb_array_elements(writes) AS write
        JOIN integrations.integration_view AS before
            ON before.workspace_id = write ->> 'workspace' AND before.id = write ->> 'stream'
        WHERE write -> 'events' <> '[]'
        UNION ALL
        SELECT
            write ->> 'workspace', view_row ->> 'type', (view_row ->> 'is_active')::boolean, 1
        FROM jsonb_array_elements(writes) AS write,
            LATERAL (SELECT write -> 'rows' -> 'integration_view') AS after (view_row)
        WHERE write -> 'events' <> '[]' AND jsonb_typeof(view_row) = 'object'
    ) AS steps GROUP BY workspace, type, is_active HAVING sum(step) <> 0
    ON CONFLICT ON CONSTRAINT integration_counts_key
    DO UPDATE SET amount = counted.amount + excluded.amount;

    DELETE FROM integrations.integration_view AS gone
    USING jsonb_array_elements(writes) AS write
    WHERE gone.workspace_id = write ->> 'workspace' AND gone.id = write ->> 'stream'
        AND write -> 'events' <> '[]' AND jsonb_typeof(write -> 'rows' -> 'integration_view') = 'null';

    INSERT INTO integrations.integration_view (
        workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
        sender_phone, vapid_public_key, created_at, updated_at, name_key, search_text
    )
    SELECT
        write ->> 'workspace', write ->> 'stream', after.version, after.name, after.type,
        after.channel, after.is_active, after.sender_email, after.sender_name, after.sender_phone,
        after.vapid_public_key, after.created_at, after.updated_at, after.name_key,
        after.search_text
    FROM jsonb_array_elements(writes) AS write,
        jsonb_populate_record(
            NULL::integrations.integration_view, write -> 'rows' -> 'integration_view'
        ) AS after
    WHERE write -> 'events' <> '[]' AND jsonb_typeof(write -> 'rows' -> 'integration_view') = 'object'
    ON CONFLICT ON CONSTRAINT integration_view_id DO UPDATE SET
        version = excluded.version,
        name = excluded.name,
        type = excluded.type,
        channel = excluded.channel,
        is_active = excluded.is_active,
        sender_email = excluded.sender_email,
        sender_name = excluded.sender_name,
        sender_phone = excluded.sender_phone,
        vapid_public_key = excluded.vapid_public_key,
        created_at = excluded.created_at,
        updated_at = excluded.updated_at,
        name_key = excluded.name_key,
        search_text = excluded.search_text;
END
$$;
