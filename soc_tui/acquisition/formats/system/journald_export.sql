-- The journal export format (https://systemd.io/JOURNAL_EXPORT_FORMATS/), one entry a record, fields one a line; a tab
-- stands behind each line end inside a value (framing/journal.py). The columns are written by journald.py.
WITH entries AS (
    SELECT source_offset, source_length, chr(10) || line AS t FROM lines
), fields AS (
    SELECT source_offset, source_length, regexp_matches(t, '\n[A-Z0-9_]+=') AS known,
        {columns}
    FROM entries
),
