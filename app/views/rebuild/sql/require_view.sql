-- Refuses a table that is no view, so that a rebuild cannot put a shadow table in the log's place.
CREATE OR REPLACE FUNCTION integrations.require_view(view_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM integrations.projections p WHERE p.name = view_name) THEN
        RAISE EXCEPTION 'there is no such view' USING ERRCODE = 'undefined_table';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION integrations.require_view(text) FROM PUBLIC;
