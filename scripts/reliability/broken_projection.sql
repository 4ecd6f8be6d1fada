-- A negative control: a projection that drops an event, each third of a stream.
ALTER FUNCTION integrations.write_integration_view(text, text, jsonb)
    RENAME TO write_integration_view_whole;
CREATE FUNCTION integrations.write_integration_view(
    workspace text, stream text, view_row jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (view_row ->> 'version')::bigint % 3 = 0 THEN
        RETURN;
    END IF;
    PERFORM integrations.write_integration_view_whole(workspace, stream, view_row);
END
$$;
