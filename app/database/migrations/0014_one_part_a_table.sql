-- Functions that took whole writes, each looking for its own part, where ours take the parts by
-- themselves, of which most are empty. What a function returns can only be changed by dropping it.
DROP FUNCTION IF EXISTS integrations.record_all(jsonb);
DROP FUNCTION IF EXISTS integrations.remember_answers(jsonb);
DROP FUNCTION IF EXISTS integrations.append(text[], text[], bigint[], text[], bytea[]);
DROP FUNCTION IF EXISTS integrations.write_integration_view(jsonb);
DROP FUNCTION IF EXISTS integrations.write_secrets(jsonb);
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_proc WHERE oid = to_regprocedure('integrations.record(jsonb)') AND proretset
    ) THEN
        DROP FUNCTION integrations.record(jsonb);
    END IF;
END
$$;
