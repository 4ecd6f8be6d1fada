-- Returns when the responses were stored that expire now: a key counts for 24 hours.
CREATE OR REPLACE FUNCTION integrations.response_expiry() RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT now() - interval '24 hours' $$;
