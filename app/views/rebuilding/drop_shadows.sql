-- Drops what rebuilds of a view left behind: tables called like the view and _v with a number.
CREATE OR REPLACE FUNCTION integrations.drop_shadows(view_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text;
BEGIN
    PERFORM integrations.require_view(view_name);
    FOR shadow IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'integrations'::regnamespace AND relkind = 'r'
            AND relname ~ ('^' || view_name || '_v[0-9]+$')
    LOOP
        EXECUTE format('DROP TABLE integrations.%I', shadow);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION integrations.drop_shadows(text) FROM PUBLIC;
