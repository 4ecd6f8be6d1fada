-- Records what commands that waited together led to, in one transaction with one commit; each
-- fails alone. A row a write, in their order: the positions of its events, or why it was refused:
-- `taken`, its stream has moved; `answered`, its idempotency key was used within 24 h; else the
-- SQLSTATE of a failure. All are tried together first, as nearly always nothing is refused.
CREATE OR REPLACE FUNCTION integrations.record_all(writes jsonb)
RETURNS TABLE (positions bigint[], refusal text) LANGUAGE plpgsql AS $$
DECLARE
    write jsonb;
    violated text;
BEGIN
    PERFORM integrations.lock_log();
    IF jsonb_array_length(writes) > 1 THEN
        BEGIN
            RETURN QUERY SELECT recorded, NULL::text FROM integrations.record(writes) AS recorded;
            RETURN;
        EXCEPTION WHEN others THEN
            NULL;  -- all of it is undone; the loop finds out whose fault it was
        END;
    END IF;
    FOR write IN SELECT jsonb_array_elements(writes) LOOP
        BEGIN
            positions := integrations.record(jsonb_build_array(write));
            refusal := NULL;
        EXCEPTION
            WHEN unique_violation THEN
                GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
                positions := NULL;
                refusal := CASE violated WHEN 'events_version' THEN 'taken' ELSE SQLSTATE END;
            WHEN SQLSTATE 'IK001' THEN
                positions := NULL;
                refusal := 'answered';
            WHEN others THEN
                positions := NULL;
                refusal := SQLSTATE;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
