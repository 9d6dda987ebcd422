-- JSON of no known product, one value per line: kept whole in `extra`, with the times, names and words that such records
-- commonly carry: flat, as ECS with dots in the names, or as ECS nested. An object where a text is expected is opened.
-- A byte that was not UTF-8 arrives as \xNN, which is no escape of JSON: such a line is read with the backslash doubled.
WITH read AS (
    SELECT *, CASE WHEN json_valid(line) THEN line
        WHEN contains(line, '\x') AND json_valid(replace(line, '\x', '\\x')) THEN replace(line, '\x', '\\x') END AS text
    FROM lines
), parsed AS (
    SELECT source_offset, source_length, line, text IS NOT NULL AS valid,
        CASE WHEN ltrim(text)[1] = '{' THEN ltrim(text) END AS doc
    FROM read
), records AS (
    SELECT *, from_json(doc, '{schema}') AS r
    FROM parsed
), named AS (
    SELECT source_offset, source_length, doc, CASE WHEN NOT valid THEN 'not valid JSON' END AS reason,
        {names},
        CASE WHEN doc IS NULL THEN line ELSE {message} END AS message
    FROM records
)
