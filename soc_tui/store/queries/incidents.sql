SELECT * FROM incidents WHERE {where}
ORDER BY severity_rank(severity) DESC, time_last DESC NULLS LAST, incident_id
LIMIT $limit OFFSET $offset
