-- Waits until this transaction is the only one that appends; it is until its end. After 2 s it
-- gives up: a writer that hangs must not make all others hang.
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM
        set_config('lock_timeout', '2s', true),
        pg_advisory_xact_lock(7597137600296673652);  -- the bytes of "integrat"
END
$$;
