-- {where} is a compiled filter: our own column names and $parameters only. What is known of both ends comes with it.
-- Suppressed alerts are left out unless they are asked for.
SELECT a.*, s.class AS src_class, s.country AS src_country, s.asn AS src_asn, s.as_org AS src_as_org, s.asset AS src_asset,
    s.name AS src_name, d.class AS dst_class, d.country AS dst_country, d.asn AS dst_asn, d.as_org AS dst_as_org,
    d.asset AS dst_asset, d.name AS dst_name
FROM (
    SELECT * FROM alerts WHERE ({where}) AND ($suppressed OR suppressed_by IS NULL)
    ORDER BY (state IN ('open', 'acknowledged', 'true-positive')) DESC, severity_rank(severity) DESC, time_last DESC NULLS LAST, alert_id
    LIMIT $limit OFFSET $offset
) a
LEFT JOIN addresses s ON s.ip = a.src_ip
LEFT JOIN addresses d ON d.ip = a.dst_ip
ORDER BY (state IN ('open', 'acknowledged', 'true-positive')) DESC, severity_rank(severity) DESC, time_last DESC NULLS LAST, alert_id
