-- No plan depends on what is in the arrays of a page, but ANALYZE (autovacuum's too) counted their
-- values, for seconds: 64 in each of five arrays of each row of its sample.
ALTER TABLE integrations.history_pages
    ALTER COLUMN positions SET STATISTICS 0,
    ALTER COLUMN actions SET STATISTICS 0,
    ALTER COLUMN actors SET STATISTICS 0,
    ALTER COLUMN times SET STATISTICS 0,
    ALTER COLUMN ends SET STATISTICS 0,
    ALTER COLUMN entries SET STATISTICS 0;
ALTER TABLE integrations.history_lists ALTER COLUMN places SET STATISTICS 0;
