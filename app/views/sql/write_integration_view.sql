-- Deletes the rows that change or go, inserts those that are there afterwards, and counts; the append
-- lock is held. A part that is null is none. Each row goes to the workspace and the stream of its
-- changeset, whatever it says. An UPDATE would cost as much, as each row has indexed times, and
-- would name all columns.
CREATE OR REPLACE FUNCTION integrations.write_integration_view(
    rows jsonb, deleted_rows jsonb, counts jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF deleted_rows IS NOT NULL THEN
        -- Planned each time: a plan from when the table was small would read a whole workspace.
        EXECUTE $delete$
            DELETE FROM integrations.integration_view AS old
            USING jsonb_to_recordset($1) AS item (workspace text, stream text)
            WHERE old.workspace_id = item.workspace AND old.id = item.stream
        $delete$ USING deleted_rows;
    END IF;
    IF rows IS NOT NULL THEN
        INSERT INTO integrations.integration_view
        SELECT after.*
        FROM jsonb_to_recordset(rows) AS item (workspace text, stream text, "row" jsonb),
            jsonb_populate_record(
                NULL::integrations.integration_row,
                "row" || jsonb_build_object('workspace_id', workspace, 'id', stream)
            ) AS after;
    END IF;
    IF counts IS NOT NULL THEN
        INSERT INTO integrations.integration_counts AS counted
            (workspace_id, type, is_active, amount)
        SELECT workspace, type, is_active, delta
        FROM jsonb_to_recordset(counts)
            AS item (workspace text, type text, is_active boolean, delta bigint)
        ON CONFLICT ON CONSTRAINT integration_counts_key
        DO UPDATE SET amount = counted.amount + excluded.amount;
    END IF;
END
$$;
