-- A CSV with a header: `records`.line is a line; $values and the others are places of columns.
-- One row per value, or per line that gives none; `fate` is 0 for an indicator, 1 not understood, 2 not to be matched.
WITH trimmed AS (
    SELECT trim(line, ' ' || chr(9) || chr(13)) AS line FROM records
), row AS (
    SELECT row_number() OVER () AS record, CASE WHEN length(line) <= 65536 THEN csv_fields(CASE WHEN contains(line, '", "') THEN regexp_replace(line, '", +"', '","', 'g') ELSE line END) ELSE [] END AS f
    FROM trimmed WHERE line <> '' AND line[1] NOT IN ('#', ';')
), kept AS (
    SELECT record, f, nullif(trim(f[$description]), '')[:300] AS description, severity_named(f[$severity]) AS severity,
        from_iso(nullif(trim(f[$until]), '')) AS valid_until, coalesce(lower(trim(f[$to_ids])) IN ('0', 'false'), false) AS not_for_detection,
        CASE WHEN $type > 0 THEN lower(trim(f[$type])) END AS kind_named
    FROM row
), token AS (
    SELECT * EXCLUDE (f), list_filter(list_transform($values::BIGINT[], lambda n: trim(f[n])), lambda v: v <> '') AS tokens FROM kept
), named AS (
    SELECT *, unnest(CASE WHEN tokens = [] THEN [NULL] ELSE tokens END) AS token FROM token
), parted AS (
    SELECT *, misp_parts(kind_named, token) AS parts FROM named
), text AS (
    SELECT * EXCLUDE (parts), parts = [] AS of_no_use, unnest(CASE WHEN parts = [] THEN [NULL] ELSE parts END) AS t FROM parted
), {known}
SELECT record, kind, value, severity, description, valid_until,
    CASE WHEN of_no_use OR not_for_detection OR valid_until <= $now THEN 2 WHEN kind IS NULL THEN 1 ELSE 0 END AS fate
FROM known
