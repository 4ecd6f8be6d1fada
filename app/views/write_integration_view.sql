-- Puts one row of the view in place of the stream's last one, or takes it away where it is a JSON
-- null, and counts; the append lock is held.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(
    workspace text, stream text, view_row jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before integrations.integration_view;
    after integrations.integration_view;
BEGIN
    SELECT * INTO before FROM integrations.integration_view v
    WHERE v.workspace_id = workspace AND v.id = stream;
    IF jsonb_typeof(view_row) = 'null' THEN
        DELETE FROM integrations.integration_view v WHERE v.workspace_id = workspace AND v.id = stream;
    ELSE
        after := jsonb_populate_record(NULL::integrations.integration_view, view_row);
        INSERT INTO integrations.integration_view SELECT after.*
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
    IF (before.type, before.is_active) IS DISTINCT FROM (after.type, after.is_active) THEN
        PERFORM integrations.count_integration(workspace, before.type, before.is_active, -1);
        PERFORM integrations.count_integration(workspace, after.type, after.is_active, 1);
    END IF;
END
$$;
