-- Shared by the readers of indicators, beside formats/macros.sql. All answer NULL for what they cannot read.

-- A defanged value made whole: hxxps[://]bad[.]example, 1[.]2(.)3{.}4, bad[dot]example, user[at]... stays as it is.
CREATE MACRO refang(t) AS CASE WHEN regexp_matches(t, '(?i)[\[({\\]|^h(?:xx|\*\*|tx|xt)p|^meow:')
    THEN replace(replace(replace(
        regexp_replace(regexp_replace(regexp_replace(t,
            '(?i)^(?:h(?:xx|\*\*|tx|xt)p|meow)(s?)(\[?:)', 'http\1\2'),
            '(?i)\s*(?:[\[({]\s*(?:\.|dot)\s*[\])}]|\\\.)\s*', '.', 'g'),
            '\[(://|:|/)\]', '\1', 'g'),
        '[.', '.'), '.]', '.'), '[:', ':')
    ELSE t END;

CREATE MACRO is_name(t) AS length(t) <= 254 AND regexp_full_match(t,
    '(?i)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z][a-z0-9-]{0,61}[a-z0-9])\.?');

CREATE MACRO is_hash(t) AS length(t) IN (32, 40, 64) AND regexp_full_match(t, '[0-9a-fA-F]+');

-- The prefix length of a network, NULL when the text is none (or is the whole internet, which is no indicator).
CREATE MACRO prefix_length(t) AS CASE
    WHEN contains(t, '/') AND as_ip(split_part(t, '/', 1)) IS NOT NULL
     AND try_cast(substr(t, instr(t, '/') + 1) AS UTINYINT) BETWEEN 1 AND CASE WHEN contains(t, ':') THEN 128 ELSE 32 END
    THEN try_cast(substr(t, instr(t, '/') + 1) AS UTINYINT) END;

CREATE MACRO without_port(h) AS CASE WHEN ends_with(h, ':80') THEN h[:-4] WHEN ends_with(h, ':443') THEN h[:-5] ELSE h END;
CREATE MACRO after_at(h) AS CASE WHEN contains(h, '@') THEN split_part(h, '@', -1) ELSE h END;
-- The shapes that are not plain addresses, hashes, names or URLs: {kind, value}, where a URL is not yet cut.
CREATE MACRO unusual(t) AS CASE
    WHEN contains(t, '/') THEN CASE
        WHEN prefix_length(t) = CASE WHEN contains(t, ':') THEN 128 ELSE 32 END
            THEN {'kind': 'ip', 'value': lower(as_ip(split_part(t, '/', 1)))}
        WHEN prefix_length(t) IS NOT NULL THEN {'kind': 'network', 'value': lower(t)}
        WHEN as_ip(split_part(t, '/', 1)) IS NULL AND is_name(split_part(split_part(t, '/', 1), ':', 1))
          OR as_ip(split_part(t, '/', 1)) IS NOT NULL AND try_cast(substr(t, instr(t, '/') + 1) AS INTEGER) IS NULL
            THEN {'kind': 'url', 'value': t} END
    WHEN as_ip(t) IS NOT NULL THEN {'kind': 'ip', 'value': lower(as_ip(t))}
    WHEN as_ip(split_part(t, ':', 1)) IS NOT NULL AND try_cast(split_part(t, ':', 2) AS USMALLINT) IS NOT NULL
        THEN {'kind': 'ip', 'value': split_part(t, ':', 1)}
    WHEN starts_with(t, '[') AND as_ip(substr(split_part(t, ']', 1), 2)) IS NOT NULL
        THEN {'kind': 'ip', 'value': lower(substr(split_part(t, ']', 1), 2))}
    WHEN is_name(split_part(t, ':', 1)) AND try_cast(split_part(t, ':', 2) AS USMALLINT) IS NOT NULL
        THEN {'kind': 'domain', 'value': lower(rtrim(split_part(t, ':', 1), '.'))}
    WHEN (starts_with(t, '*.') OR starts_with(t, '.')) AND is_name(ltrim(t, '*.'))
        THEN {'kind': 'domain', 'value': lower(rtrim(ltrim(t, '*.'), '.'))}
    WHEN starts_with(t, '||') AND is_name(rtrim(substr(t, 3), '^'))  -- Adblock's form of a domain
        THEN {'kind': 'domain', 'value': lower(rtrim(rtrim(substr(t, 3), '^'), '.'))}
END;

CREATE MACRO severity_named(t) AS CASE lower(trim(t))
    WHEN 'info' THEN 'info' WHEN 'informational' THEN 'info' WHEN 'low' THEN 'low' WHEN 'medium' THEN 'medium'
    WHEN 'moderate' THEN 'medium' WHEN 'high' THEN 'high' WHEN 'critical' THEN 'critical' WHEN 'severe' THEN 'critical' END;

-- The parts of a MISP attribute that can be seen in logs (https://www.misp-project.org/datamodels/): the whole value, one
-- side of a composite, or [] for a type that is not matched. A type that is none of MISP's is taken by its value alone.
CREATE MACRO misp_parts(kind, v) AS CASE
    WHEN kind IN ('ip-src', 'ip-dst', 'domain', 'hostname', 'url', 'md5', 'sha1', 'sha256') THEN [v]
    WHEN kind = 'domain|ip' THEN string_split(v, '|')
    WHEN kind IN ('ip-src|port', 'ip-dst|port', 'hostname|port') THEN [split_part(v, '|', 1)]
    WHEN kind IN ('filename|md5', 'filename|sha1', 'filename|sha256', 'malware-sample') THEN [split_part(v, '|', -1)]
    WHEN regexp_matches(kind, '(?i)^(?:ipv?[46]?(?:[-_ ]?addr(?:ess)?)?|ip:port|fqdn|domain[-_ ]name|host|network|cidr|uri|filehash-.*|hash|md5_hash|sha1_hash|sha256_hash|sha-?1|sha-?256|ip|ioc|indicator|botnet_cc|payload_delivery)$')
        THEN [v]
    WHEN kind IS NULL OR kind = '' THEN [v]
    ELSE []::VARCHAR[] END;
