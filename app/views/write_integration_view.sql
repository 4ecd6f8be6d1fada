-- Puts one row of the view in place of the stream's last one; a JSON null takes it away.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(
    workspace text, stream text, view_row jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(view_row) = 'null' THEN
        DELETE FROM integrations.integration_view v
        WHERE v.workspace_id = workspace AND v.id = write_integration_view.stream;
        RETURN;
    END IF;
    INSERT INTO integrations.integration_view
    SELECT * FROM jsonb_populate_record(NULL::integrations.integration_view, view_row)
    ON CONFLICT ON CONSTRAINT integration_view_id DO UPDATE SET
        version = excluded.version,
        name = excluded.name,
        is_active = excluded.is_active,
        sender_email = excluded.sender_email,
        sender_name = excluded.sender_name,
        sender_phone = excluded.sender_phone,
        vapid_public_key = excluded.vapid_public_key,
        updated_at = excluded.updated_at;
END
$$;
