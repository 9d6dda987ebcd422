-- `journalctl -o json`: an object a line; a message is a text, null (too long), an array of the bytes of what is no
-- UTF-8 text, or an array of several values, of which the first is taken. The schema and the columns are written by journald.py.
WITH parsed AS (
    SELECT source_offset, source_length,
        CASE WHEN json_valid(line) THEN CASE WHEN starts_with(line, '{') THEN line WHEN json_type(line) = 'OBJECT' THEN line END END AS doc
    FROM lines
), entries AS (
    SELECT source_offset, source_length, doc IS NOT NULL AS known, from_json(doc, '{schema}') AS r FROM parsed
), fields AS (
    SELECT source_offset, source_length, known,
        {columns}
    FROM entries
),
