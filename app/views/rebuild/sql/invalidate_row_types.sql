-- Makes every session compile the functions that name a view again. A variable of a table's row type
-- is bound to the table that was there; an ALTER that changes nothing ends that.
CREATE OR REPLACE FUNCTION integrations.invalidate_row_types(view_name text) RETURNS void
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
REVOKE ALL ON FUNCTION integrations.invalidate_row_types(text) FROM PUBLIC;
