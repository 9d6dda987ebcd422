-- Any text at all: the line is the message. A time at its beginning (also behind one first word, as a level or a file's
-- name) is taken, else the file's own. ISO 8601 is told by position; only what begins like another time pays for patterns.
WITH placed AS (
    SELECT *, CASE WHEN line[5] IN ('-', '/', '.') AND line[8] = line[5] THEN line
        WHEN line[6] IN ('-', '/', '.') AND line[9] = line[6] THEN line[2:]
        ELSE line[instr(line[:80], ' ') + 1:] END AS rest
    FROM lines
), words AS (
    SELECT *, CASE WHEN rest[5] IN ('-', '/', '.') AND rest[8] = rest[5] THEN
            CASE WHEN rest[20] IN ('', ' ', ']', ':', ')', '|') AND rest[21] NOT IN ('U', 'G', '+', '-', 'Z') THEN rest[:19]
            ELSE regexp_extract(rest, '^\d{4}[-/.]\d\d[-/.]\d\d[T _-]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?') END
        WHEN contains(line[:24], ':') THEN regexp_extract(line, '^[\[(<"'']?('
            '[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4}'
            '|[A-Z][a-z]{2} [ \d]?\d(?:,? \d{4})? \d\d:\d\d:\d\d|\d{1,2}[/-][A-Z][a-z]{2}[/-]\d{4}[: ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})?'
            '|\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d|\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M'
            '|\d{6} \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6})', 1)
        WHEN line[1] = '1' THEN regexp_extract(line, '^(1\d{9}(?:\.\d{1,9})?|1\d{12})\b') END AS word
    FROM placed
), stamped AS (
    SELECT source_offset, source_length, line, {stamp} AS stamp FROM words
)
SELECT source_offset, source_length, NULL::VARCHAR AS reason, coalesce(stamp, $modified) AS time,
    6000::INTEGER AS class_uid, 'log' AS activity, 'text' AS product, 'text' AS log_name,
    'unknown' AS status, 'info' AS severity, line AS message,
    CASE WHEN stamp IS NULL THEN '{"time_source":"file"}' END AS extra
FROM stamped
