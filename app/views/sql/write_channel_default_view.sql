-- Replaces each changed row of channel_default_view by its last one, and deletes those that have gone;
-- the append lock is held. A part that is null is none. Each row goes to the workspace and the stream of
-- its changeset, whatever it says.
CREATE OR REPLACE FUNCTION integrations.write_channel_default_view(rows jsonb, deleted_rows jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM integrations.channel_default_view AS old
    USING jsonb_to_recordset(deleted_rows) AS item (workspace text, stream text)
    WHERE old.workspace_id = item.workspace AND old.id = item.stream;
    INSERT INTO integrations.channel_default_view
    SELECT after.*
    FROM jsonb_to_recordset(rows) AS item (workspace text, stream text, "row" jsonb),
        jsonb_populate_record(
            NULL::integrations.channel_default_view,
            "row" || jsonb_build_object('workspace_id', workspace, 'id', stream)
        ) AS after
    ON CONFLICT ON CONSTRAINT channel_default_view_id DO UPDATE SET
        version = excluded.version,
        integration_id = excluded.integration_id,
        chosen_at = excluded.chosen_at;
END
$$;
