-- Returns how many stored responses have expired and are not yet deleted, and for how many seconds
-- the oldest of them is. Few, unless the clean-up does not keep up; it reads no others.
CREATE OR REPLACE FUNCTION integrations.overdue_responses(
    OUT amount bigint, OUT seconds double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT
        count(*),
        coalesce(extract(epoch FROM integrations.response_expiry() - min(stored_at)), 0)::float8
    FROM integrations.idempotent_responses
    WHERE stored_at < integrations.response_expiry()
$$;
