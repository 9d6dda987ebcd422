-- Enrichment: each distinct address and name once, joined back to events by value; known-bad indicators; services.
CREATE TABLE addresses (
    ip VARCHAR PRIMARY KEY, class VARCHAR NOT NULL, own BOOLEAN NOT NULL, asset VARCHAR, owner VARCHAR, criticality VARCHAR,
    country VARCHAR, city VARCHAR, asn BIGINT, as_org VARCHAR,
    name VARCHAR, name_time TIMESTAMP,  -- of the newest DNS answer that named it
    context VARCHAR NOT NULL            -- fingerprint of what it was described by; another one means: describe it again
);

CREATE TABLE domains (name VARCHAR PRIMARY KEY, registered_domain VARCHAR, suffix VARCHAR, subdomain VARCHAR);

CREATE TABLE assets (
    name VARCHAR PRIMARY KEY, owner VARCHAR, criticality VARCHAR, role VARCHAR, tags VARCHAR[], addresses VARCHAR[],
    networks VARCHAR[], hostnames VARCHAR[]
);

CREATE TABLE services (port INTEGER NOT NULL, protocol VARCHAR NOT NULL, name VARCHAR NOT NULL);

-- Sorted by kind and value within a source, no index: matching is a hash join with the few distinct values of new events.
-- range_first and range_last are numbers of ip_number, for kinds ip and network. `added` is the load that brought the value.
CREATE TABLE indicators (
    kind VARCHAR NOT NULL, value VARCHAR NOT NULL, source VARCHAR NOT NULL, source_file VARCHAR NOT NULL,
    severity VARCHAR NOT NULL, description VARCHAR, valid_until TIMESTAMP,
    range_first UHUGEINT, range_last UHUGEINT, added BIGINT NOT NULL
);

-- Values of loads later than `matched_load` are still to be matched with the events up to until_event; done up to matched_to.
CREATE TABLE indicator_sources (
    source VARCHAR PRIMARY KEY, source_file VARCHAR NOT NULL, format VARCHAR NOT NULL, configured BOOLEAN NOT NULL,
    stamp VARCHAR NOT NULL, severity VARCHAR NOT NULL, indicators BIGINT NOT NULL, records BIGINT NOT NULL,
    rejected BIGINT NOT NULL, skipped BIGINT NOT NULL, loaded TIMESTAMP NOT NULL,
    load BIGINT NOT NULL, matched_load BIGINT NOT NULL, until_event BIGINT NOT NULL, matched_to BIGINT NOT NULL
);

-- An address as a number; IPv4 as IPv4-mapped IPv6 (RFC 4291), so both share one order. NULL for what is no address.
CREATE MACRO ip_number(ip) AS CASE
    WHEN ip IS NULL THEN NULL
    WHEN NOT contains(ip, ':') THEN CASE WHEN length(ip) - length(replace(ip, '.', '')) = 3 THEN
        281470681743360::UHUGEINT + try_cast(split_part(ip, '.', 1) AS UTINYINT)::UHUGEINT * 16777216
        + try_cast(split_part(ip, '.', 2) AS UTINYINT)::UBIGINT * 65536 + try_cast(split_part(ip, '.', 3) AS UTINYINT)::UBIGINT * 256
        + try_cast(split_part(ip, '.', 4) AS UTINYINT)::UBIGINT END
    WHEN regexp_full_match(ip, '(?i)(?:[0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}') AND len(string_split(ip, '::')) <= 2 AND NOT contains(ip, ':::')
        AND (len(string_split(ip, ':')) = 8 OR contains(ip, '::'))
        AND len(list_filter(string_split(ip, ':'), lambda g: g <> '')) <= 8
    THEN try_cast('0x' || array_to_string(list_transform(
        list_filter(string_split(split_part(ip, '::', 1), ':'), lambda g: g <> '')
        || list_transform(range(8 - len(list_filter(string_split(ip, ':'), lambda g: g <> ''))), lambda z: '0')
        || CASE WHEN contains(ip, '::') THEN list_filter(string_split(split_part(ip, '::', 2), ':'), lambda g: g <> '') ELSE [] END,
        lambda g: lpad(g, 4, '0')), '') AS UHUGEINT)
    END;
-- How many addresses a network of that text holds.
CREATE MACRO host_bits(network) AS
    CASE WHEN contains(network, ':') THEN 128 ELSE 32 END - try_cast(split_part(network, '/', 2) AS INTEGER);
CREATE MACRO network_size(network) AS
    try_cast('0x' || [1, 2, 4, 8][host_bits(network) % 4 + 1] || repeat('0', host_bits(network) // 4) AS UHUGEINT);

-- The names of events as `domains` and indicators have them: lower case, no final dot, no port. A text that has
-- characters of another thing (a proxy's whole URL, a bracketed address) is no name.
CREATE MACRO plain_name(t) AS CASE WHEN t IS NOT NULL AND length(t) <= 260 THEN
    nullif(rtrim(lower(CASE WHEN contains(t, ':') THEN split_part(t, ':', 1) ELSE t END), '.'), '') END;
CREATE MACRO event_name(query_name, tls_server_name, url_host) AS plain_name(coalesce(query_name, tls_server_name, url_host));

-- The URL of an event as indicators have it (acquisition/enrichment/indicators/values.sql): no scheme, no default port.
CREATE MACRO url_key(host, path, query) AS CASE WHEN host IS NOT NULL AND path IS NOT NULL THEN
    lower(CASE WHEN ends_with(host, ':80') THEN host[:-4] WHEN ends_with(host, ':443') THEN host[:-5] ELSE host END)
    || CASE WHEN path = '' THEN '/' ELSE path END || CASE WHEN query IS NULL OR query = '' THEN '' ELSE '?' || query END END;

CREATE MACRO is_inside(class, own) AS coalesce(own OR class IN ('private', 'cgnat', 'loopback', 'link-local'), false);

-- Every event with what is known of its ends and names.
CREATE VIEW events_enriched AS
SELECT e.*,
    s.class AS src_class, s.own AS src_own, s.country AS src_country, s.city AS src_city, s.asn AS src_asn,
    s.as_org AS src_as_org, s.asset AS src_asset, s.owner AS src_owner, s.criticality AS src_criticality, s.name AS src_name,
    d.class AS dst_class, d.own AS dst_own, d.country AS dst_country, d.city AS dst_city, d.asn AS dst_asn,
    d.as_org AS dst_as_org, d.asset AS dst_asset, d.owner AS dst_owner, d.criticality AS dst_criticality, d.name AS dst_name,
    h.asset AS host_asset, n.registered_domain, n.suffix AS domain_suffix, n.subdomain, coalesce(e.service, p.name) AS service_name
FROM events e
LEFT JOIN addresses s ON s.ip = e.src_ip
LEFT JOIN addresses d ON d.ip = e.dst_ip
LEFT JOIN domains n ON n.name = event_name(e.query_name, e.tls_server_name, e.url_host)
LEFT JOIN services p ON p.port = e.dst_port AND p.protocol = coalesce(e.protocol, 'tcp')
LEFT JOIN (SELECT hostname, min(name) AS asset FROM (SELECT unnest(hostnames) AS hostname, name FROM assets) GROUP BY hostname) h
    ON h.hostname = lower(e.host);
