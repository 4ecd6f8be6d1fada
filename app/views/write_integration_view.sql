-- Puts each row in place of its stream's last one, takes away those that have gone, and counts;
-- the append lock is held. A part that is null is none.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(rows jsonb, gone jsonb, counts jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF gone IS NOT NULL THEN
        -- Planned anew each time: a plan from when the table was small would read a whole workspace.
        EXECUTE $delete$
            DELETE FROM integrations.integration_view AS old
            USING jsonb_to_recordset($1) AS item (workspace text, stream text)
            WHERE old.workspace_id = item.workspace AND old.id = item.stream
        $delete$ USING gone;
    END IF;
    IF rows IS NOT NULL THEN
        INSERT INTO integrations.integration_view (
            workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
            sender_phone, vapid_public_key, created_at, updated_at, name_key, search_text
        )
        SELECT
            item.workspace, item.stream, after.version, after.name, after.type, after.channel,
            after.is_active, after.sender_email, after.sender_name, after.sender_phone,
            after.vapid_public_key, after.created_at, after.updated_at, after.name_key,
            after.search_text
        FROM jsonb_to_recordset(rows) AS item (workspace text, stream text, "row" jsonb),
            jsonb_populate_record(NULL::integrations.integration_view, item."row") AS after
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
    END IF;
    IF counts IS NOT NULL THEN
        INSERT INTO integrations.integration_counts AS counted
            (workspace_id, type, is_active, amount)
        SELECT workspace, type, is_active, step
        FROM jsonb_to_recordset(counts)
            AS item (workspace text, type text, is_active boolean, step bigint)
        ON CONFLICT ON CONSTRAINT integration_counts_key
        DO UPDATE SET amount = counted.amount + excluded.amount;
    END IF;
END
$$;
