-- Returns how many events of a workspace stand up to a position of the log: the sequence of the last
-- one. Found by halving, as positions and sequences of a workspace grow together.
CREATE OR REPLACE FUNCTION integrations.sequence_at(workspace text, upto bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
BEGIN
    SELECT coalesce(max(sequence), 0) INTO high FROM integrations.events
    WHERE workspace_id = workspace;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (
            SELECT position FROM integrations.events
            WHERE workspace_id = workspace AND sequence = middle
        ) <= upto THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
