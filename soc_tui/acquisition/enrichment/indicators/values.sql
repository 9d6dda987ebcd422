-- From the relation `text` (column t and whatever else) to `known`: the same with t whole, and kind and value of it.
-- The ordinary shapes are told apart cheaply; `unusual` is asked for the rest. A URL is given as it is compared: host in
-- lower case, path, query; no scheme, account, default port or fragment (url_key of the store's migration 0004).
whole AS (
    SELECT * REPLACE (refang(t) AS t) FROM text
), shaped AS (
    SELECT *, CASE
        WHEN t IS NULL OR length(t) > 4096 THEN 'none'
        WHEN contains(t, '://') THEN CASE WHEN regexp_full_match(t, '(?i)[a-z][a-z0-9+.-]{0,15}://[^/?#\s]+.*') THEN 'url' ELSE 'none' END
        WHEN regexp_full_match(t, '(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)') THEN 'ip'
        WHEN is_hash(t) THEN 'hash'
        WHEN is_name(t) THEN 'domain'
        ELSE 'odd' END AS shape
    FROM whole
), asked AS (
    SELECT *, CASE WHEN shape = 'odd' THEN unusual(t) END AS odd FROM shaped
), cut AS (
    SELECT * REPLACE (CASE WHEN odd.kind = 'url' THEN 'url' ELSE shape END AS shape),
        CASE WHEN shape = 'url' THEN split_part(substr(t, instr(t, '://') + 3), '#', 1) WHEN odd.kind = 'url' THEN split_part(t, '#', 1) END AS rest
    FROM asked
), placed AS (
    SELECT *, CASE WHEN shape = 'url' THEN strpos(rest, '/') END AS slash, CASE WHEN shape = 'url' THEN strpos(rest, '?') END AS mark FROM cut
), ended AS (
    SELECT *, CASE WHEN slash > 0 AND (mark = 0 OR slash < mark) THEN slash WHEN mark > 0 THEN mark ELSE length(rest) + 1 END AS stop FROM placed
), known AS (
    SELECT * EXCLUDE (shape, rest, odd, slash, mark, stop),
        CASE shape WHEN 'none' THEN NULL WHEN 'odd' THEN odd.kind ELSE shape END AS kind,
        CASE shape
            WHEN 'ip' THEN t
            WHEN 'hash' THEN lower(t)
            WHEN 'domain' THEN lower(rtrim(t, '.'))
            WHEN 'odd' THEN odd.value
            WHEN 'url' THEN without_port(lower(after_at(substr(rest, 1, stop - 1))))
                || CASE WHEN stop > length(rest) THEN '/' WHEN mark = stop THEN '/' || substr(rest, stop) ELSE substr(rest, stop) END
        END AS value
    FROM ended
)
