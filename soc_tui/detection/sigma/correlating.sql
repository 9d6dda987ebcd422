-- A Sigma correlation: what several matches of its rules, alike in the fields that it groups by, come to within a time.
-- A match belongs to the finding when it lies in such a time; findings are told per group and slot of the time's length. The
-- slots that the touched matches can change are worked out from all their matches, so order and chunks do not matter.
WITH hit AS (
    {hits}
), kept AS (
    SELECT *, concat_ws(chr(31), {key}) AS key, floor(epoch(time) / $seconds)::BIGINT AS slot
    FROM hit WHERE time IS NOT NULL AND {whole}
), touched AS (
    SELECT DISTINCT key, slot FROM kept WHERE {touched}
), changed AS (
    SELECT DISTINCT key, slot + step AS slot FROM touched, (VALUES (-1), (0), (1)) AS steps(step)
), mine AS (
    SELECT * FROM kept WHERE key IN (SELECT key FROM touched)
), {rolling}, judged AS (
    SELECT *, max(within) OVER (PARTITION BY key ORDER BY time
        RANGE BETWEEN CURRENT ROW AND to_seconds($seconds) FOLLOWING) AS peak
    FROM rolling
), folded AS (
    SELECT key, slot, max(peak) AS peak, min(time) AS time, max(time) AS time_last, count(DISTINCT event_id) AS event_count,
        CASE WHEN count(DISTINCT attacker) = 1 THEN min(attacker) END AS src_ip,
        CASE WHEN count(DISTINCT victim) = 1 THEN min(victim) END AS dst_ip,
        CASE WHEN count(DISTINCT port) = 1 THEN min(port) END AS dst_port,
        CASE WHEN count(DISTINCT machine) = 1 THEN min(machine) END AS host,
        CASE WHEN count(DISTINCT account) = 1 THEN min(account) END AS user_name,
        arg_min(target, (time, event_id)) AS target,
        list_transform(list_sort(list_distinct(list({'time': time, 'event_id': event_id})))[1:20], lambda one: one.event_id) AS event_ids
    FROM judged SEMI JOIN changed USING (key, slot) WHERE peak >= $least
    GROUP BY key, slot
)
SELECT
    md5(concat_ws('|', 'sigma', v.id, f.key, f.slot)) AS finding_id,
    concat_ws('|', 'sigma', v.id, coalesce(f.src_ip, f.dst_ip, nullif(concat_ws('@', f.user_name, f.host), ''), md5(f.key)), f.time::DATE::VARCHAR) AS alert_key,
    'sigma' AS detector, v.risk_type, v.title, v.severity, v.score, f.time, f.time_last, f.src_ip, f.dst_ip, f.dst_port, f.host,
    f.user_name, left(f.target, 500) AS target, f.event_count, v.techniques,
    to_json(list_filter(list_concat([
        {field: {counted}, value: f.peak || ' in ' || $seconds || ' s (threshold ' || $least || ')', weight: round(v.score, 3)::DOUBLE}
    ], {groups}, [
        {field: 'rule', value: v.id, weight: 0.0::DOUBLE},
        {field: 'known false positives', value: v.false_positives, weight: 0.0::DOUBLE}
    ]), lambda one: one.value <> ''))::VARCHAR AS explanation,
    f.event_ids
FROM folded f, verdicts v
WHERE f.time >= $from_time AND f.time < $to_time
