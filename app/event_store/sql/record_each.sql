-- Records batches one after the other, in one transaction with one commit; each fails alone. A row
-- a batch, in their order: the last position before it, or why it was refused: `taken`, its stream
-- has moved; `duplicate`, its idempotency key was used within 24 h; else the SQLSTATE of a failure.
CREATE OR REPLACE FUNCTION integrations.record_each(batches text[])
RETURNS TABLE (head bigint, refusal text) LANGUAGE plpgsql AS $$
DECLARE
    batch text;
    violated text;
BEGIN
    PERFORM integrations.lock_log();
    FOREACH batch IN ARRAY batches LOOP
        head := NULL;
        refusal := NULL;
        BEGIN
            head := integrations.record_batch(batch::jsonb);
        EXCEPTION
            WHEN unique_violation THEN
                GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
                refusal := CASE violated WHEN 'events_version' THEN 'taken' ELSE SQLSTATE END;
            WHEN SQLSTATE 'IK001' THEN
                refusal := 'duplicate';
            WHEN others THEN
                refusal := SQLSTATE;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
