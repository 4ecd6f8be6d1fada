-- Makes each transaction that has appended wait at its COMMIT while another session holds the
-- advisory lock 7; otherwise it costs nothing.
CREATE FUNCTION integrations.wait_before_commit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER wait_before_commit AFTER INSERT ON integrations.events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION integrations.wait_before_commit();
