SELECT day, count(DISTINCT coalesce(class_uid, 0)) AS classes, count(*) AS files, sum("rows")::BIGINT AS "rows",
       sum(bytes)::BIGINT AS bytes, min(min_event_id) AS min_event_id, max(max_event_id) AS max_event_id,
       count(*) FILTER (list_contains($missing::VARCHAR[], path)) AS missing
FROM archived_days GROUP BY day ORDER BY day DESC
