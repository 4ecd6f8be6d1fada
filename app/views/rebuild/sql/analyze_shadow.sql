-- Collects the planner's statistics of an indexed shadow table, also of its indexes' expressions.
CREATE OR REPLACE FUNCTION integrations.analyze_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET default_statistics_target = 30 AS $$
BEGIN
    PERFORM integrations.require_view(view_name);
    EXECUTE format('ANALYZE integrations.%I', view_name || '_v' || version);
END
$$;
REVOKE ALL ON FUNCTION integrations.analyze_shadow(text, integer) FROM PUBLIC;
