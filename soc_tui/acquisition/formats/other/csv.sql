-- Rows below a header. In a row with quotes the delimiters between them are told from those inside by a mark: text number
-- 1, 3, 5 ... between quotes is outside. A row that holds the mark itself is split by the pattern $field instead.
WITH split AS (
    SELECT *, CASE
        WHEN NOT contains(line, '"') THEN string_split(line, $delimiter)
        ELSE list_transform(
            CASE WHEN contains(line, $mark) THEN regexp_extract_all($delimiter || line, $field, 1)
                ELSE string_split(array_to_string(list_transform(string_split(line, '"'),
                    lambda part, place: CASE WHEN place % 2 = 1 THEN replace(part, $delimiter, $mark) ELSE part END), '"'), $mark) END,
            lambda x: CASE WHEN x[1] = '"' AND x[-1] = '"' AND length(x) > 1 THEN replace(x[2:-2], '""', '"') ELSE x END) END AS f
    FROM lines
), counted AS (
    SELECT *, len(f) = $count AS fits FROM split
), named AS (
    SELECT source_offset, source_length, NULL::VARCHAR AS reason, {doc} AS doc, {columns}
    FROM counted
)
