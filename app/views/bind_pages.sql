-- Binds the full pages of workspaces that have grown from `before` entries to `last`, and lists the
-- entries of full volumes; 0013_history_pages.sql says what that is, app/views/book.py does the same
-- in a rebuild. For integrations.write_history, which holds the lock.
CREATE OR REPLACE FUNCTION integrations.bind_pages(
    workspaces text[], befores bigint[], lasts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH leaf AS (
        DELETE FROM integrations.history AS loose
        USING unnest(workspaces, befores, lasts) AS grown (workspace_id, before, last)
        WHERE loose.workspace_id = grown.workspace_id
            AND loose.sequence > (before - 1) / 64 * 64 -- not through those that are gone
            AND loose.sequence <= (last - 1) / 64 * 64
        RETURNING loose.*
    )
    INSERT INTO integrations.history_pages (
        workspace_id, page, last_position, latest_at, late_from,
        positions, actions, actors, times, ends, entries
    )
    SELECT
        workspace_id, page, max(position), max(latest_at),
        min(created_at) FILTER (WHERE created_at < latest_at),
        array_agg(position ORDER BY sequence), array_agg(action ORDER BY sequence),
        array_agg(actor_id ORDER BY sequence), array_agg(created_at ORDER BY sequence),
        array_agg(upto ORDER BY sequence), string_agg(entry, '' ORDER BY sequence)
    FROM (
        SELECT
            *, (sequence - 1) / 64 AS page,
            sum(length(entry)) OVER (
                PARTITION BY workspace_id, (sequence - 1) / 64 ORDER BY sequence
            )::integer AS upto
        FROM leaf
    ) AS placed GROUP BY workspace_id, page;

    INSERT INTO integrations.history_lists (workspace_id, list, volume, upto, places)
    SELECT
        workspace_id, list, volume,
        sum(cardinality(places)) OVER (PARTITION BY workspace_id, list ORDER BY volume) + coalesce((
            SELECT listed.upto FROM integrations.history_lists AS listed
            WHERE listed.workspace_id = full_ones.workspace_id AND listed.list = full_ones.list
            ORDER BY listed.volume DESC LIMIT 1
        ), 0),
        places
    FROM (
        SELECT
            workspace_id, list, page / 16 AS volume,
            array_agg((page % 16 * 64 + place)::smallint ORDER BY page, place) AS places
        FROM unnest(workspaces, befores, lasts) AS grown (workspace_id, before, last)
        JOIN integrations.history_pages AS bound USING (workspace_id),
            unnest(actions, actors) WITH ORDINALITY AS entry (action, actor, place),
            unnest(ARRAY[action, ' ' || actor, action || ' ' || actor]) AS list
        WHERE (before - 1) / 1024 < (last - 1) / 1024
            AND page >= (before - 1) / 1024 * 16 AND page < (last - 1) / 1024 * 16
        GROUP BY workspace_id, list, page / 16
    ) AS full_ones;
END
$$;
