-- Returns how many of the entries of a workspace are bound. What looks for loose leaves says that they
-- stand after these, so that it never meets the many that were once there.
CREATE OR REPLACE FUNCTION integrations.bound_entries(workspace text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (integrations.history_length(workspace) - 1) / 64 * 64;
END
$$;
