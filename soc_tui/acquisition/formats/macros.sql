-- Shared by every normaliser. All of them answer NULL for what they cannot read; none of them raises.

-- An IPv4 or IPv6 address, else NULL: names and attacker's text never become an address. An IPv4-mapped IPv6 address
-- (::ffff:192.0.2.1, how a dual-stack daemon logs its IPv4 clients) is given as IPv4, so one client has one name.
-- Without `::` an IPv6 address has all its parts: a clock (12:34:56) and a hardware address are none.
CREATE MACRO as_ip(t) AS CASE
    WHEN regexp_full_match(t, '(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)') THEN t
    WHEN regexp_full_match(t, '(?i)::ffff:(?:\d{1,3}\.){3}\d{1,3}') THEN substr(t, 8)
    WHEN regexp_full_match(t, '(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{0,4}|(?:\d{1,3}\.){3}\d{1,3})(?:%\w+)?')
        AND (contains(t, '::') OR length(t) - length(replace(t, ':', '')) = CASE WHEN contains(t, '.') THEN 6 ELSE 7 END)
        THEN split_part(t, '%', 1)
END;

-- Seconds since 1970 (to year 9999) as TIMESTAMP.
CREATE MACRO from_epoch(s) AS CASE
    WHEN try_cast(s AS DOUBLE) BETWEEN -62135596800 AND 253402300799
        THEN make_timestamp((try_cast(s AS DOUBLE) * 1000000)::BIGINT)
END;

-- The same for a number whose unit shows in its size: seconds, milli-, micro- or nanoseconds.
CREATE MACRO from_any_epoch(s) AS CASE
    WHEN try_cast(s AS DOUBLE) >= 1e17 THEN from_epoch(try_cast(s AS DOUBLE) / 1e9)
    WHEN try_cast(s AS DOUBLE) >= 1e14 THEN from_epoch(try_cast(s AS DOUBLE) / 1e6)
    WHEN try_cast(s AS DOUBLE) >= 1e11 THEN from_epoch(try_cast(s AS DOUBLE) / 1e3)
    ELSE from_epoch(s)
END;

-- ISO 8601 with or without a zone, as UTC.
CREATE MACRO from_iso(t) AS CASE
    WHEN isfinite(try_cast(replace(t, ',', '.') AS TIMESTAMPTZ))
        THEN try_cast(replace(t, ',', '.') AS TIMESTAMPTZ)::TIMESTAMP
END;

-- 'GET', '/a?b=c' ... : target up to the query, the query, and the host of an absolute target.
CREATE MACRO target_host(t) AS
    nullif(regexp_extract(t, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]/]*\]|[^/?#:]*)', 1), '');
CREATE MACRO target_path(t) AS
    nullif(regexp_extract(t, '^(?:[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*)?([^?]*)', 1), '');
CREATE MACRO target_query(t) AS CASE WHEN contains(t, '?') THEN nullif(substr(t, instr(t, '?') + 1), '') END;

CREATE MACRO dns_status(rcode) AS CASE WHEN rcode IS NULL THEN 'unknown' WHEN rcode = 'NOERROR' THEN 'success' ELSE 'failure' END;
CREATE MACRO http_status_word(code) AS CASE
    WHEN code IS NULL OR code < 100 THEN 'unknown' WHEN code < 400 THEN 'success' ELSE 'failure' END;

-- A yes or no as Zeek's TSV and as JSON write it.
CREATE MACRO verdict_word(t) AS CASE WHEN t IN ('T', 'true') THEN 'success' WHEN t IN ('F', 'false') THEN 'failure' ELSE 'unknown' END;

-- The name of an IP protocol number (IANA), as Zeek and Suricata write it; a name stays, in lower case.
CREATE MACRO ip_protocol(t) AS CASE t
    WHEN '6' THEN 'tcp' WHEN '17' THEN 'udp' WHEN '1' THEN 'icmp' WHEN '58' THEN 'ipv6-icmp' WHEN 'ICMP6' THEN 'ipv6-icmp'
    WHEN 'TCP' THEN 'tcp' WHEN 'UDP' THEN 'udp'
    WHEN '0' THEN 'hopopt' WHEN '2' THEN 'igmp' WHEN '4' THEN 'ipip' WHEN '41' THEN 'ipv6' WHEN '46' THEN 'rsvp'
    WHEN '47' THEN 'gre' WHEN '50' THEN 'esp' WHEN '51' THEN 'ah' WHEN '88' THEN 'eigrp' WHEN '89' THEN 'ospf'
    WHEN '94' THEN 'ipip' WHEN '103' THEN 'pim' WHEN '112' THEN 'vrrp' WHEN '115' THEN 'l2tp' WHEN '132' THEN 'sctp'
    WHEN '136' THEN 'udplite' ELSE nullif(lower(t), '') END;

-- The object without its empty parts, and NULL rather than {}. A JSON merge patch (RFC 7396) drops nulls.
CREATE MACRO lean(j) AS nullif(json_merge_patch('{}', j)::VARCHAR, '{}');
CREATE MACRO without(j, gone) AS nullif(json_merge_patch(j, gone)::VARCHAR, '{}');

-- A request's method in lower case when it is one; the first word of garbage bytes is not.
CREATE MACRO http_activity(method) AS CASE WHEN regexp_full_match(method, '[A-Za-z_-]{1,20}') THEN lower(method) ELSE 'unknown' END;

-- `extra` as text, a third of the cost of json_object and a merge patch: members(concat_ws(',', member('a', x), member('b', y))).
-- A NULL value leaves its member out; no member at all gives NULL. Names are our own words, values are escaped.
CREATE MACRO member(name, value) AS '"' || name || '":' || to_json(value)::VARCHAR;
CREATE MACRO members(inside) AS nullif('{' || inside || '}', '{}');

-- A stamp without a zone, read in the zone of its file, as UTC.
CREATE MACRO in_zone(stamp, zone) AS CASE WHEN zone = 'UTC' THEN stamp ELSE timezone('UTC', timezone(zone, stamp)) END;

-- The fields of a comma-separated record (RFC 4180). Only records with a quote pay for the pattern.
CREATE MACRO csv_fields(line) AS CASE WHEN contains(line, '"')
    THEN list_transform(regexp_extract_all(',' || line, '(?s),("(?:[^"]|"")*"[^,]*|[^,]*)', 1),
        lambda field: CASE WHEN length(field) > 1 AND field[1] = '"' AND field[-1] = '"' THEN replace(field[2:-2], '""', '"') ELSE field END)
    ELSE string_split(line, ',') END;

-- A date whose month is an English name, from its parts as text ('2011', 'Sep', '9', '10:42:29.9'); NULL where there is no such.
CREATE MACRO month_stamp(year, month, day, clock) AS CASE WHEN instr('JanFebMarAprMayJunJulAugSepOctNovDec', month) % 3 = 1
    THEN try_cast(year || '-' || ((instr('JanFebMarAprMayJunJulAugSepOctNovDec', month) + 2) // 3) || '-' || trim(day) || ' ' || clock AS TIMESTAMP) END;

-- A time of day without a date: the latest such moment that is not after the file's last change (UTC), in the file's zone; as UTC.
CREATE MACRO clock_stamp(clock, modified, zone) AS in_zone(
    timezone(zone, timezone('UTC', modified))::DATE + try_cast(clock AS TIME)
    - CASE WHEN try_cast(clock AS TIME) > timezone(zone, timezone('UTC', modified))::TIME THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END, zone);
