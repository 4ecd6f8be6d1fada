-- Returns what integrations.history_lists calls the list of an action, of an actor, or of both.
CREATE OR REPLACE FUNCTION integrations.name_of_list(action text, actor text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN actor IS NULL THEN action ELSE coalesce(action, '') || ' ' || actor END
$$;
