SELECT * FROM incidents WHERE ({where}) AND ($suppressed OR NOT suppressed)
ORDER BY severity_rank(severity) DESC, time_last DESC NULLS LAST, incident_id
LIMIT $limit OFFSET $offset
