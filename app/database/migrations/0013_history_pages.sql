-- The history becomes a book (docs/decisions/0012). What is written last are loose leaves: rows of
-- integrations.history. Of each workspace, 64 of them are bound into a page as soon as there is
-- another one, so that its last leaf is always loose; and the entries of 16 pages, a volume, are
-- listed by action, actor, and both. Nothing that is bound or listed ever changes.
--
-- The number of an entry (sequence) counts those of its workspace from 1: entry n is on page
-- (n - 1) / 64, at place (n - 1) % 64 + 1, and in volume (n - 1) / 1024; pages and volumes count
-- from 0. An entry is the JSON of a HistoryRow (projections/history.py), as Python encoded it.
--
-- latest_at is the latest created_at of the workspace so far. It never falls, unlike created_at:
-- what is decided first may be recorded second. Late entries are those with created_at < latest_at.
ALTER TABLE integrations.history RENAME TO history_before;
ALTER TABLE integrations.history_before RENAME CONSTRAINT history_sequence TO history_before_sequence;
DROP INDEX integrations.history_late;

CREATE TABLE integrations.history (
    workspace_id text        NOT NULL,
    sequence     bigint      NOT NULL,
    position     bigint      NOT NULL,
    action       text        NOT NULL,
    actor_id     text        NOT NULL,
    created_at   timestamptz NOT NULL,
    latest_at    timestamptz NOT NULL,
    entry        bytea       NOT NULL,
    CONSTRAINT history_sequence PRIMARY KEY (workspace_id, sequence)
);

-- What is in the arrays is that of the entries, in their order; ends says where each ends in
-- entries. late_from is the earliest created_at of late entries. entries are stored apart and as they
-- are, so that a piece of them is read without the rest; all else is kept together in the row.
CREATE TABLE integrations.history_pages (
    workspace_id  text          NOT NULL,
    page          bigint        NOT NULL,
    last_position bigint        NOT NULL,
    latest_at     timestamptz   NOT NULL,
    late_from     timestamptz,
    positions     bigint[]      NOT NULL,
    actions       text[]        NOT NULL,
    actors        text[]        NOT NULL,
    times         timestamptz[] NOT NULL,
    ends          integer[]     NOT NULL,
    entries       bytea         NOT NULL,
    CONSTRAINT history_pages_page PRIMARY KEY (workspace_id, page)
) WITH (toast_tuple_target = 8160);
ALTER TABLE integrations.history_pages ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX history_pages_position ON integrations.history_pages (workspace_id, last_position);
CREATE INDEX history_pages_time ON integrations.history_pages (workspace_id, latest_at, page);
CREATE INDEX history_pages_late ON integrations.history_pages USING gist (tstzrange(late_from, latest_at))
    WHERE late_from IS NOT NULL;

-- One row for each list and each volume that has entries of it. A list is called by its action, a
-- blank and its actor, or by its action alone; an action has no blank. places are those in the
-- volume, from 1; upto is how many entries the list has up to the end of the volume.
CREATE TABLE integrations.history_lists (
    workspace_id text       NOT NULL,
    list         text       NOT NULL,
    volume       bigint     NOT NULL,
    upto         bigint     NOT NULL,
    places       smallint[] NOT NULL,
    CONSTRAINT history_lists_volume PRIMARY KEY (workspace_id, list, volume),
    CONSTRAINT history_lists_upto UNIQUE (workspace_id, list, upto)
);

-- The entries so far; integrations rebuild makes them anew byte by byte, and until then these say
-- the same in other bytes.
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT
    workspace_id, sequence, position, action, actor_id, created_at, latest_at,
    (sequence - 1) / 64 AS page,
    (sequence - 1) / 64 < (max(sequence) OVER (PARTITION BY workspace_id) - 1) / 64 AS is_bound,
    convert_to(json_build_object(
        'workspace_id', workspace_id, 'stream', stream, 'version', version,
        'resource_name', resource_name, 'action', action, 'details', details,
        'actor_id', actor_id, 'actor_name', actor_name, 'actor_email', actor_email,
        'ip_address', ip_address, 'created_at', created_at
    )::text, 'UTF8') AS entry
FROM integrations.history_before;

INSERT INTO integrations.history
SELECT workspace_id, sequence, position, action, actor_id, created_at, latest_at, entry
FROM moved WHERE NOT is_bound;

INSERT INTO integrations.history_pages
SELECT
    workspace_id, page, max(position), max(latest_at),
    min(created_at) FILTER (WHERE created_at < latest_at),
    array_agg(position ORDER BY sequence), array_agg(action ORDER BY sequence),
    array_agg(actor_id ORDER BY sequence), array_agg(created_at ORDER BY sequence),
    array_agg(ends ORDER BY sequence), string_agg(entry, '' ORDER BY sequence)
FROM (
    SELECT
        *, sum(length(entry)) OVER (PARTITION BY workspace_id, page ORDER BY sequence)::integer AS ends
    FROM moved WHERE is_bound
) AS bound GROUP BY workspace_id, page;

INSERT INTO integrations.history_lists
SELECT
    workspace_id, list, volume,
    sum(cardinality(places)) OVER (PARTITION BY workspace_id, list ORDER BY volume), places
FROM (
    SELECT
        workspace_id, list, page / 16 AS volume,
        array_agg((page % 16 * 64 + place)::smallint ORDER BY page, place) AS places
    FROM integrations.history_pages
    JOIN (
        SELECT workspace_id, count(*) / 16 AS volumes FROM integrations.history_pages
        GROUP BY workspace_id
    ) AS whole USING (workspace_id),
        unnest(actions, actors) WITH ORDINALITY AS entry (action, actor, place),
        unnest(ARRAY[action, ' ' || actor, action || ' ' || actor]) AS list
    WHERE page / 16 < volumes
    GROUP BY workspace_id, list, page / 16
) AS listed;

DROP TABLE integrations.history_before;
DROP TABLE moved;

-- The three are one view, of which each table is switched by its name.
INSERT INTO integrations.projections (name, version, position)
SELECT added, version, position
FROM integrations.projections, unnest(ARRAY['history_pages', 'history_lists']) AS added
WHERE name = 'history';

DROP FUNCTION IF EXISTS integrations.late_entries(timestamptz);
