-- One expression: the time that the text `word` means, as UTC, or NULL. The ordinary ISO 8601 shape is told by position,
-- numbers are seconds to nanoseconds since 1970, and other spellings are told apart by their first letters, so that each
-- is tried once. Day and month as two numbers with slashes are read only with AM or PM, which the United States alone
-- write; a stamp without a year is the latest such time up to a day after the file was written.
CASE WHEN word IS NULL THEN NULL
    WHEN word[5] IN ('-', '/', '.') AND word[8] = word[5] THEN CASE
        WHEN length(word) <= 19 OR NOT regexp_matches(word[20:], '[-+ZTC]') THEN CASE
            WHEN word[5] = '.' OR word[11] NOT IN (' ', 'T') AND length(word) > 10
                THEN in_zone(try_strptime(word, ['%Y.%m.%d %H:%M:%S', '%Y-%m-%d_%H:%M:%S', '%Y-%m-%d-%H:%M:%S']), $zone)
            ELSE in_zone(try_cast(replace(replace(word, ',', '.'), '/', '-') AS TIMESTAMP), $zone) END
        WHEN word[-1] = 'Z' THEN from_iso(replace(word[:19], '/', '-') || word[20:])
        WHEN word[-1] IN ('C', 'T') THEN from_iso(replace(word[:19], '/', '-') || rtrim(word[20:], ' UTCGM') || 'Z')
        ELSE from_iso(replace(word[:19], '/', '-') || regexp_replace(word[20:], ' ?([+-]\d\d):?(\d\d)$', '\1:\2')) END
    WHEN NOT contains(word, ':') THEN from_any_epoch(word)
    WHEN word[4] = ',' THEN CASE WHEN word[-1] = 'T' THEN try_strptime(word, '%a, %d %b %Y %H:%M:%S GMT')
        ELSE try_strptime(word, '%a, %d %b %Y %H:%M:%S %z')::TIMESTAMP END
    WHEN word[4] = ' ' AND word[5] >= 'A' THEN in_zone(CASE WHEN contains(word, '.') THEN try_strptime(word, '%a %b %d %H:%M:%S.%f %Y')
        ELSE try_strptime(word, '%a %b %d %H:%M:%S %Y') END, $zone)
    WHEN word[4] = ' ' AND length(word) >= 18 THEN in_zone(try_strptime(replace(word, ',', ''), '%b %d %Y %H:%M:%S'), $zone)
    WHEN word[4] = ' ' OR word[1] IN ('I', 'W', 'E', 'F') THEN in_zone(list_max(list_filter(
        [CASE WHEN word[4] = ' ' THEN try_strptime(year($modified) + ahead || ' ' || word, '%Y %b %d %H:%M:%S')
            ELSE try_strptime(year($modified) + ahead || ' ' || word[2:], '%Y %m%d %H:%M:%S.%f') END FOR ahead IN [-1, 0, 1]],
        lambda stamp: stamp <= $modified + INTERVAL 1 DAY)), $zone)
    WHEN word[-1] = 'M' THEN in_zone(try_strptime(word, '%m/%d/%Y %I:%M:%S %p'), $zone)
    WHEN word[2] = '/' OR word[3] = '/' THEN CASE WHEN contains(word, ' ') THEN try_strptime(word, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP
        ELSE in_zone(try_strptime(word, '%d/%b/%Y:%H:%M:%S'), $zone) END
    WHEN word[2] = '-' OR word[3] = '-' THEN in_zone(CASE WHEN contains(word, '.') THEN try_strptime(word, '%d-%b-%Y %H:%M:%S.%f')
        ELSE try_strptime(word, '%d-%b-%Y %H:%M:%S') END, $zone)
    WHEN word[3] >= 'A' OR word[4] >= 'A' THEN in_zone(try_strptime(word, '%d %b %Y %H:%M:%S'), $zone)
    WHEN word[7] = ' ' THEN in_zone(try_strptime(word, '%y%m%d %H:%M:%S'), $zone)
END
