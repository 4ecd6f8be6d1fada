-- Gives a filled shadow one index of its view, by the name that it has there and _v<version>. One
-- index a call, so that several connections build as many at once, each on one core.
CREATE OR REPLACE FUNCTION integrations.build_index(
    view_name text, version integer, index_name text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '256MB' SET max_parallel_maintenance_workers = 0 AS $$
DECLARE
    wanted record;
BEGIN
    PERFORM integrations.require_view(view_name);
    FOR wanted IN
        SELECT
            CASE WHEN indisunique THEN 'UNIQUE' ELSE '' END AS uniqueness,
            substring(pg_get_indexdef(indexrelid) FROM ' USING .*$') AS definition
        FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = format('integrations.%I', view_name)::regclass AND relname = index_name
    LOOP
        EXECUTE format(
            'CREATE %s INDEX %I ON integrations.%I %s', wanted.uniqueness,
            index_name || '_v' || version, view_name || '_v' || version, wanted.definition
        );
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION integrations.build_index(text, integer, text) FROM PUBLIC;
