-- STIX objects, one a row (`doc`), as indicators: one row per value, or one per object that gives none.
WITH numbered AS (
    SELECT row_number() OVER () AS record, doc::VARCHAR AS doc FROM records
), parsed AS MATERIALIZED (
    SELECT record, CASE WHEN json_valid(doc) THEN from_json(doc, '{"type": "VARCHAR", "pattern": "VARCHAR", "pattern_type": "VARCHAR", "revoked": "VARCHAR", "valid_until": "VARCHAR", "name": "VARCHAR", "description": "VARCHAR", "x_severity": "VARCHAR", "severity": "VARCHAR"}') END AS o
    FROM numbered
), indicator AS MATERIALIZED (
    SELECT record, nullif(concat_ws(': ', o.name, o.description), '')[:300] AS description, coalesce(severity_named(o.severity), severity_named(o.x_severity)) AS severity,
        from_iso(o.valid_until) AS valid_until,
        coalesce(o.revoked = 'true', false) AS revoked, coalesce(o.pattern_type, 'stix') = 'stix' AS of_stix, o IS NULL AS broken,
        -- a hash's name may be quoted; without those quotes only values are
        CASE WHEN contains(o.pattern, 'hashes.') THEN regexp_replace(o.pattern, 'hashes\.[''"]([A-Za-z0-9_-]+)[''"]', 'hashes.\1', 'g') ELSE o.pattern END AS pattern
    FROM parsed WHERE o IS NULL OR o.type = 'indicator'
), piece AS (
    SELECT *, CASE WHEN pattern IS NOT NULL AND NOT contains(pattern, '\') THEN string_split(pattern, '''') END AS p FROM indicator
), simple AS (  -- [path = 'value'] and nothing else
    SELECT *, coalesce(len(p) = 3 AND regexp_full_match(p[1], '\s*\[\s*[^\s=!<>()]+\s*=\s*') AND trim(p[3]) = ']', false) AS is_simple FROM piece
), bared AS (
    SELECT *, CASE WHEN NOT is_simple THEN regexp_replace(pattern, '''(?:[^''\\]|\\.)*''', '''''', 'g') END AS bare FROM simple
), judged AS (
    SELECT *,
        CASE WHEN is_simple THEN true
             WHEN bare IS NULL OR NOT regexp_matches(bare, '^\s*[\[(]') THEN NULL
             WHEN regexp_matches(bare, '(?i)\b(?:FOLLOWEDBY|NOT|LIKE|MATCHES|ISSUPERSET|EXISTS|WITHIN|REPEATS|START|STOP)\b|[!<>]') THEN false
             WHEN NOT regexp_full_match(trim(bare), '(?s)[\[(].*[\])]') THEN NULL
                -- AND is fine between what says the same of one file, or names the type of a reference
             ELSE (NOT regexp_matches(bare, '(?i)\bAND\b')
                     OR NOT regexp_matches(bare, '\]\s*(?i:AND)\s*[\[(]')
                        AND (regexp_full_match(regexp_replace(bare, 'file:(?:hashes\.[A-Za-z0-9_-]+|name|size)\b', 'F', 'g'), '(?si)(?:[\[\]()\s]|F|=|''''|\d+|\bAND\b|\bOR\b)*')
                             OR regexp_full_match(regexp_replace(bare, 'network-traffic:(?:src|dst)_ref\.(?:type|value)\b', 'N', 'g'), '(?si)\s*\[\s*N\s*=\s*''''\s*AND\s*N\s*=\s*''''\s*\]\s*'))) END AS plain
    FROM bared
), compared AS (
    SELECT *, CASE
        WHEN plain IS NOT TRUE THEN []
        WHEN is_simple THEN [{'path': trim(regexp_replace(p[1], '[\[\s=]', '', 'g')), 'value': p[2]}]
        ELSE list_transform(
            -- each value with the last path before it: IN lists share theirs
            regexp_extract_all(pattern, '(?s)([A-Za-z0-9_-]+:[A-Za-z0-9_.-]+)\s*(?:=|(?i:\bIN\b|\bISSUBSET\b))\s*(''(?:[^''\\]|\\.)*''|\((?:[^'')]|''(?:[^''\\]|\\.)*'')*\))', 0),
            lambda c: {'path': regexp_extract(c, '^[A-Za-z0-9_-]+:[A-Za-z0-9_.-]+'), 'value': c}) END AS comparisons
    FROM judged
), each AS (
    SELECT *, unnest(CASE WHEN comparisons = [] THEN [NULL] ELSE comparisons END) AS c FROM compared
), text AS (
    SELECT record, description, severity, valid_until, revoked, of_stix, plain, broken, c.path AS path,
        trim(unnest(CASE WHEN c IS NULL THEN [NULL] WHEN is_simple THEN [c.value]
            ELSE list_transform(regexp_extract_all(c.value, '''((?:[^''\\]|\\.)*)''', 1), lambda v: replace(replace(v, '\''', ''''), '\\', '\')) END)) AS t
    FROM each
), {known}, wanted AS (
    SELECT *, CASE
        WHEN path IN ('ipv4-addr:value', 'ipv6-addr:value') THEN 'ip'
        WHEN path IN ('domain-name:value', 'hostname:value') THEN 'domain'
        WHEN path = 'url:value' THEN 'url'
        WHEN starts_with(path, 'file:hashes.') OR starts_with(path, 'artifact:hashes.') THEN 'hash'
        WHEN path IN ('network-traffic:src_ref.value', 'network-traffic:dst_ref.value') THEN 'ip'
        ELSE '' END AS wanted
    FROM known
), fit AS (  -- an international domain is given in punycode afterwards
    SELECT * EXCLUDE (kind, value),
        CASE WHEN kind = wanted OR kind = 'network' AND wanted = 'ip' OR kind = 'domain' AND wanted = 'url' THEN kind
             WHEN kind IS NULL AND wanted = 'domain' AND NOT regexp_matches(t, '^[ -~]*$') THEN 'domain' END AS kind,
        coalesce(value, t) AS value
    FROM wanted
)
SELECT record, kind, value, severity, description, valid_until,
    -- 0 an indicator, 1 not understood, 2 understood and not matched; the least of an object's rows holds
    CASE WHEN broken OR plain IS NULL AND of_stix AND NOT revoked THEN 1
         WHEN revoked OR NOT of_stix OR NOT plain OR valid_until <= $now THEN 2
         WHEN kind IS NOT NULL THEN 0 WHEN wanted = '' THEN 2 ELSE 1 END AS fate
FROM fit
