SELECT * FROM attackers WHERE ({where}) AND ($suppressed OR NOT suppressed)
ORDER BY severity_rank(severity) DESC, alert_count DESC, address
LIMIT $limit OFFSET $offset
