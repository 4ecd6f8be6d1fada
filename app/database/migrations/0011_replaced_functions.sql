-- Functions that took one command, where ours take all of a batch. What a function returns can only
-- be changed by dropping it: of record(jsonb), which goes on under that name, the old one.
DROP FUNCTION IF EXISTS integrations.write_integration_view(text, text, jsonb);
DROP FUNCTION IF EXISTS integrations.write_history(text, bigint, jsonb);
DROP FUNCTION IF EXISTS integrations.write_secrets(text, text, jsonb, boolean);
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_proc
        WHERE oid = to_regprocedure('integrations.record(jsonb)') AND NOT proretset
    ) THEN
        DROP FUNCTION integrations.record(jsonb);
    END IF;
END
$$;
