SELECT * FROM attackers WHERE {where}
ORDER BY severity_rank(severity) DESC, alert_count DESC, address
LIMIT $limit OFFSET $offset
