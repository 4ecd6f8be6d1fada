-- Makes every session compile anew the functions that name a view. A variable of a table's row type
-- remembers the table that was there; an ALTER that changes nothing makes it look again.
CREATE OR REPLACE FUNCTION integrations.forget_types(view_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER FUNCTION %s COST %s', oid::regprocedure, procost)
        FROM pg_proc
        WHERE pronamespace = 'integrations'::regnamespace
            AND prosrc LIKE '%integrations.' || view_name || '%'
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION integrations.forget_types(text) FROM PUBLIC;
