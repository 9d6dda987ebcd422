-- A plain list: one indicator a line (`records`.line).
WITH trimmed AS (
    SELECT CASE WHEN regexp_matches(line, '^[\s\x{feff}]|\s$') THEN trim(line, ' ' || chr(9) || chr(13) || chr(65279)) ELSE line END AS line
    FROM records
), kept AS (
    SELECT line, contains(line, ' ') OR contains(line, chr(9)) AS spaced FROM trimmed
    WHERE line <> '' AND NOT starts_with(line, '#') AND NOT starts_with(line, ';') AND NOT starts_with(line, '!') AND NOT starts_with(line, '//')
), bare AS (
    SELECT CASE WHEN length(line) > 4096 THEN line[:4097]
                WHEN spaced THEN trim(regexp_replace(line, '[ \t](?:#|;|//).*$', ''), ' ' || chr(9))
                WHEN contains(line, '"') THEN trim(line, '"')
                ELSE line END AS line, spaced
    FROM kept
), token AS (
    SELECT unnest(CASE
        WHEN spaced AND (contains(line, ' ') OR contains(line, chr(9))) THEN CASE
            -- hosts(5): an address of nowhere, then names
            WHEN regexp_matches(line, '^(?:0\.0\.0\.0|127\.0\.0\.1|::1?|fe80::1%lo0|255\.255\.255\.255)[ \t]') THEN regexp_split_to_array(line, '[ \t]+')[2:]
            WHEN regexp_matches(line, '(?i)\[ *(?:\.|dot) *\]|\( *(?:\.|dot) *\)') THEN [line]
            ELSE [regexp_split_to_array(line, '[ \t]+')[1]] END
        WHEN contains(line, ',') AND NOT contains(line, '://') THEN [trim(split_part(line, ',', 1), '"')]
        ELSE [line] END) AS t
    FROM bare
), text AS (
    SELECT t FROM token
    WHERE t NOT IN ('localhost', 'localhost.localdomain', 'local', 'broadcasthost', 'ip6-localhost', 'ip6-loopback', '0.0.0.0')
), {known}
SELECT kind, value, NULL::VARCHAR AS severity, NULL::VARCHAR AS description, NULL::TIMESTAMP AS valid_until,
    CASE WHEN kind IS NULL THEN CASE WHEN length(t) <= 4096 AND NOT regexp_matches(t, '^[ -~]*$') THEN t ELSE '' END END AS other
FROM known
