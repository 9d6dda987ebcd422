-- A source's row after a load. When the load brought nothing new, nothing is to be matched with stored events.
INSERT OR REPLACE INTO indicator_sources BY NAME
SELECT $source AS source, $source_file AS source_file, $format AS format, $configured AS configured, $stamp AS stamp,
    $severity AS severity, count(*) AS indicators, $records AS records, $rejected AS rejected, $skipped AS skipped,
    $loaded AS loaded, $load AS load, $before AS matched_load,
    (SELECT coalesce(max(event_id), 0) FROM events) AS until_event,
    CASE WHEN count(*) FILTER (added > $before) = 0 THEN (SELECT coalesce(max(event_id), 0) FROM events) ELSE 0 END AS matched_to
FROM indicators WHERE source = $source
