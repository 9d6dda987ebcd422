-- The source's values, sorted; a value that an earlier load brought keeps the number of that load.
INSERT INTO indicators
WITH distinct_values AS (
    SELECT kind, value, max(severity_rank(coalesce(severity, $severity))) AS rank, max(description) AS description,
        -- valid for ever when any says so
        CASE WHEN count(*) = count(valid_until) THEN max(valid_until) END AS valid_until
    FROM incoming GROUP BY kind, value
), numbered AS (
    SELECT *, CASE kind WHEN 'ip' THEN ip_number(value) WHEN 'network' THEN ip_number(split_part(value, '/', 1)) END AS number,
        CASE kind WHEN 'network' THEN network_size(value) ELSE 1::UHUGEINT END AS size
    FROM distinct_values
)
SELECT i.kind, i.value, $source, $source_file, severity_word(i.rank), i.description, i.valid_until,
    i.number - i.number % i.size, i.number - i.number % i.size + (i.size - 1), coalesce(o.added, $load)
FROM numbered i LEFT JOIN earlier o ON o.kind = i.kind AND o.value = i.value
WHERE i.kind NOT IN ('ip', 'network') OR i.number IS NOT NULL
ORDER BY i.kind, i.value
