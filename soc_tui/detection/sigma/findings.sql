-- Matches of Sigma rules as findings: one for each rule, actor and minute, with all its events, so the same events give the
-- same findings in whatever order and chunks they arrive. `verdicts` is what each rule says, `hit` its matches.
WITH hit AS (
    {hits}
), acted AS (
    SELECT *, coalesce(attacker, victim, nullif(concat_ws('@', account, machine), ''), 'unknown') AS actor,
        coalesce(date_trunc('minute', time), TIMESTAMP '0001-01-01') AS slot
    FROM hit
), folded AS (
    SELECT rule, actor, slot, min(attacker) AS src_ip, min(victim) AS dst_ip, min(port) AS dst_port, min(machine) AS host,
        min(account) AS user_name, min(time) AS time, max(time) AS time_last, count(*) AS event_count,
        arg_min(target, (time, event_id)) AS target, arg_min(shown, (time, event_id)) AS shown,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda one: one.event_id) AS event_ids
    FROM acted GROUP BY rule, actor, slot
)
SELECT
    md5(concat_ws('|', 'sigma', v.id, f.actor, f.slot)) AS finding_id,
    concat_ws('|', 'sigma', v.id, f.actor, coalesce(f.time::DATE::VARCHAR, '')) AS alert_key,
    'sigma' AS detector, v.risk_type, v.title, v.severity, v.score, f.time, f.time_last, f.src_ip, f.dst_ip, f.dst_port, f.host,
    f.user_name, left(f.target, 500) AS target, f.event_count, v.techniques,
    to_json(list_concat(
        list_filter(f.shown, lambda one: one.value <> ''),
        list_filter([
            {field: 'rule', value: v.id, weight: 0.0::DOUBLE},
            {field: 'known false positives', value: v.false_positives, weight: 0.0::DOUBLE}
        ], lambda one: one.value <> '')))::VARCHAR AS explanation,
    f.event_ids
FROM folded f JOIN verdicts v ON f.rule = v.rule
