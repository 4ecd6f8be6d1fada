-- A negative control: a projection that drops an event, each third of a stream.
ALTER FUNCTION integrations.write_integration_view(jsonb) RENAME TO write_integration_view_whole;
CREATE FUNCTION integrations.write_integration_view(writes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM integrations.write_integration_view_whole((
        SELECT coalesce(jsonb_agg(write), '[]') FROM jsonb_array_elements(writes) AS write
        WHERE (write ->> 'after')::bigint % 3 <> 2
    ));
END
$$;
