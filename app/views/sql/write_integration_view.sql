-- Replaces each changed row of integration_view by its last one, deletes those that have gone, and
-- counts; the append lock is held. A part that is null is none. Each row goes to the workspace and the
-- stream of its changeset, whatever it says.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(
    rows jsonb, deleted_rows jsonb, counts jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF deleted_rows IS NOT NULL THEN
        -- Planned each time: a plan from when the table was small would read a workspace.
        EXECUTE $delete$
            DELETE FROM integrations.integration_view AS old
            USING jsonb_to_recordset($1) AS item (workspace text, stream text)
            WHERE old.workspace_id = item.workspace AND old.id = item.stream
        $delete$ USING deleted_rows;
    END IF;
    IF rows IS NOT NULL THEN
        INSERT INTO integrations.integration_view
        SELECT after.*
        FROM jsonb_to_recordset(rows) AS item (workspace text, stream text, "row" jsonb),
            jsonb_populate_record(
                NULL::integrations.integration_row,
                "row" || jsonb_build_object('workspace_id', workspace, 'id', stream)
            ) AS after
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
            settings = excluded.settings,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            name_key = excluded.name_key,
            search_text = excluded.search_text;
    END IF;
    IF counts IS NOT NULL THEN
        INSERT INTO integrations.integration_counts AS counted
            (workspace_id, type, is_active, amount)
        SELECT workspace, type, is_active, delta
        FROM jsonb_to_recordset(counts)
            AS item (workspace text, type text, is_active boolean, delta bigint)
        ON CONFLICT ON CONSTRAINT integration_counts_key
        DO UPDATE SET amount = counted.amount + excluded.amount;
    END IF;
END
$$;
