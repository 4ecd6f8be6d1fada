-- Makes the function that replaces each changed row of integration_view by its last one, deletes those
-- that have gone, and counts; the append lock is held. A part that is null is none. Each row goes to
-- the workspace and the stream of its changeset, whatever it says.
--
-- The columns to update are taken from integration_row, so that they stand in integration_view.sql
-- alone. A migration that changes them applies this file again, as it does all functions.
DO $make$
DECLARE
    columns text := (
        SELECT string_agg(format('%1$I = excluded.%1$I', attname), ', ' ORDER BY attnum)
        FROM pg_attribute
        WHERE attrelid = 'integrations.integration_row'::regclass
            AND attname NOT IN ('workspace_id', 'id') AND NOT attisdropped
    );
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION integrations.write_integration_view(
            rows jsonb, deleted_rows jsonb, counts jsonb
        ) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF deleted_rows IS NOT NULL THEN
                -- Planned each time: a plan from when the table was small would read a workspace.
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
                    ) AS after
                ON CONFLICT ON CONSTRAINT integration_view_id DO UPDATE SET %s;
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
        $$
    $function$, columns);
END
$make$;
