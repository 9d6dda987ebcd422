-- What the lists say of one address.
WITH one AS (SELECT ip_number($address) AS n)
SELECT i.kind, i.value, i.source, i.severity, i.description, i.valid_until
FROM indicators i, one
WHERE i.kind IN ('ip', 'network') AND one.n BETWEEN i.range_first AND i.range_last
ORDER BY i.kind, severity_rank(i.severity) DESC, i.source, i.value LIMIT 50
