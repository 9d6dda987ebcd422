-- {where} is a compiled filter: our own column names and $parameters only.
SELECT * FROM alerts WHERE {where}
ORDER BY (state IN ('open', 'acknowledged')) DESC, severity_rank(severity) DESC, time_last DESC NULLS LAST, alert_id
LIMIT $limit OFFSET $offset
