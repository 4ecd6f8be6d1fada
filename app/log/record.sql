-- Records what one command led to, all or nothing: its answer under its idempotency key, its
-- events (consecutive versions of one stream), the rows of views and journals that follow from
-- them, new sealed secrets in place of older ones, and, with shred, the end of all secrets of the
-- stream. Returns the positions of the events. For integrations.record_all, which holds the lock.
CREATE OR REPLACE FUNCTION integrations.record(write jsonb)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    workspace text := write ->> 'workspace';
    stream text := write ->> 'stream';
    amount integer := jsonb_array_length(write -> 'types');
    positions bigint[] := '{}';
BEGIN
    PERFORM set_config('app.workspace', workspace, true);  -- what is written stays within its walls
    IF jsonb_typeof(write -> 'answer') = 'object' THEN
        PERFORM integrations.remember_answer(workspace, write -> 'answer');
    END IF;
    IF amount > 0 THEN
        positions := ARRAY(SELECT integrations.append(
            array_fill(workspace, ARRAY[amount]),
            array_fill(stream, ARRAY[amount]),
            ARRAY(SELECT generate_series(1, amount) + (write ->> 'after')::bigint),
            ARRAY(SELECT jsonb_array_elements_text(write -> 'types')),
            ARRAY(SELECT convert_to(jsonb_array_elements_text(write -> 'envelopes'), 'UTF8'))
        ));
        PERFORM integrations.write_integration_view(workspace, stream, write -> 'rows' -> 'integration_view');
        PERFORM integrations.write_history(workspace, positions[1], write -> 'entries' -> 'history');
        PERFORM integrations.write_secrets(workspace, stream, write -> 'sealed', (write ->> 'shred')::boolean);
    END IF;
    RETURN positions;
END
$$;
