-- The workspace. Times are UTC in plain TIMESTAMP. `events` is append-only and ordered by a dense event_id, which the
-- console's windows and DuckDB's zone maps depend on; it carries no index on purpose.
CREATE TABLE events (
    event_id BIGINT NOT NULL, time TIMESTAMP, class_uid INTEGER, activity VARCHAR, product VARCHAR, log_name VARCHAR,
    source_id INTEGER NOT NULL, source_offset BIGINT NOT NULL, source_length INTEGER NOT NULL,
    host VARCHAR, process VARCHAR, user_name VARCHAR,
    src_ip VARCHAR, src_port INTEGER, dst_ip VARCHAR, dst_port INTEGER, protocol VARCHAR, service VARCHAR,
    status VARCHAR, severity VARCHAR, message VARCHAR, session_uid VARCHAR, community_id VARCHAR,
    duration DOUBLE, bytes_out BIGINT, bytes_in BIGINT, packets_out BIGINT, packets_in BIGINT, conn_state VARCHAR,
    http_method VARCHAR, url_host VARCHAR, url_path VARCHAR, url_query VARCHAR, http_status INTEGER,
    user_agent VARCHAR, referrer VARCHAR, query_name VARCHAR, query_type VARCHAR, rcode VARCHAR,
    tls_server_name VARCHAR, ja3 VARCHAR, file_path VARCHAR, file_hash VARCHAR,
    rule_id VARCHAR, rule_name VARCHAR, rule_category VARCHAR, extra VARCHAR
);

CREATE TABLE sources (
    source_id INTEGER PRIMARY KEY, path VARCHAR NOT NULL, format VARCHAR NOT NULL,
    device UBIGINT NOT NULL, inode UBIGINT NOT NULL, fingerprint VARCHAR NOT NULL, fingerprint_length BIGINT NOT NULL,
    "offset" BIGINT NOT NULL, size BIGINT NOT NULL, header VARCHAR NOT NULL,
    records_read BIGINT NOT NULL, records_stored BIGINT NOT NULL, records_rejected BIGINT NOT NULL,
    state VARCHAR NOT NULL, error VARCHAR NOT NULL, last_read TIMESTAMP, pending_bytes BIGINT NOT NULL
);

CREATE TABLE rejects (
    source_id INTEGER NOT NULL, source_offset BIGINT NOT NULL, source_length INTEGER NOT NULL,
    reason VARCHAR NOT NULL, raw BLOB NOT NULL, time TIMESTAMP NOT NULL
);

-- How far each consumer of events has come.
CREATE TABLE checkpoints (name VARCHAR PRIMARY KEY, event_id BIGINT NOT NULL);

-- Values that a network has scored: each distinct value once, joined back by SQL.
CREATE TABLE scores (
    model VARCHAR NOT NULL, value VARCHAR NOT NULL, score DOUBLE NOT NULL, label VARCHAR NOT NULL,
    explanation VARCHAR NOT NULL, PRIMARY KEY (model, value)
);

-- Abnormal data: one row per thing found; finding_id is a stable key, so finding it again replaces the row.
CREATE TABLE findings (
    finding_id VARCHAR PRIMARY KEY, alert_key VARCHAR NOT NULL, detector VARCHAR NOT NULL, risk_type VARCHAR NOT NULL,
    title VARCHAR NOT NULL, severity VARCHAR NOT NULL, score DOUBLE NOT NULL,
    time TIMESTAMP, time_last TIMESTAMP, src_ip VARCHAR, dst_ip VARCHAR, dst_port INTEGER, host VARCHAR,
    user_name VARCHAR, target VARCHAR, event_count BIGINT NOT NULL, techniques VARCHAR[], explanation VARCHAR,
    event_ids BIGINT[]
);

CREATE TABLE alerts (
    alert_id BIGINT PRIMARY KEY, alert_key VARCHAR NOT NULL UNIQUE, detector VARCHAR NOT NULL,
    risk_type VARCHAR NOT NULL, title VARCHAR NOT NULL, severity VARCHAR NOT NULL, score DOUBLE NOT NULL,
    time TIMESTAMP, time_last TIMESTAMP, src_ip VARCHAR, dst_ip VARCHAR, dst_port INTEGER, host VARCHAR,
    user_name VARCHAR, target VARCHAR, finding_count BIGINT NOT NULL, event_count BIGINT NOT NULL,
    techniques VARCHAR[], explanation VARCHAR, event_ids BIGINT[],
    state VARCHAR NOT NULL DEFAULT 'open', incident_id BIGINT, knowledge_id VARCHAR
);

CREATE TABLE incidents (
    incident_id BIGINT PRIMARY KEY, title VARCHAR NOT NULL, risk_type VARCHAR NOT NULL, severity VARCHAR NOT NULL,
    score DOUBLE NOT NULL, state VARCHAR NOT NULL DEFAULT 'open', attacker VARCHAR, time TIMESTAMP, time_last TIMESTAMP,
    alert_count BIGINT NOT NULL, event_count BIGINT NOT NULL, knowledge_id VARCHAR
);

-- The clue tree: one row per node, joined to its parent; the root of an incident has parent_id NULL.
CREATE TABLE clues (
    incident_id BIGINT NOT NULL, node_id INTEGER NOT NULL, parent_id INTEGER, kind VARCHAR NOT NULL,
    label VARCHAR NOT NULL, why VARCHAR NOT NULL, time TIMESTAMP, tactic VARCHAR, technique VARCHAR,
    alert_id BIGINT, event_ids BIGINT[], circumstantial BOOLEAN NOT NULL, PRIMARY KEY (incident_id, node_id)
);

CREATE TABLE attackers (
    address VARCHAR PRIMARY KEY, address_class VARCHAR NOT NULL, first_seen TIMESTAMP, last_seen TIMESTAMP,
    event_count BIGINT NOT NULL, alert_count BIGINT NOT NULL, targets VARCHAR[], users VARCHAR[], user_agents VARCHAR[],
    techniques VARCHAR[], incident_ids BIGINT[], severity VARCHAR NOT NULL
);

-- Repairs: planned, applied, verified, undone. `undo` holds what takes the action back, written before it is run.
CREATE TABLE actions (
    action_id BIGINT PRIMARY KEY, name VARCHAR NOT NULL, target VARCHAR NOT NULL, subject_id VARCHAR,
    state VARCHAR NOT NULL, actor VARCHAR NOT NULL, plan VARCHAR NOT NULL, result VARCHAR NOT NULL,
    undo VARCHAR NOT NULL, created TIMESTAMP NOT NULL, expires TIMESTAMP, undone TIMESTAMP
);

-- The audit chain: hash = sha256(prev_hash + canonical JSON of the record).
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY, time TIMESTAMP NOT NULL, actor VARCHAR NOT NULL, verb VARCHAR NOT NULL,
    subject VARCHAR NOT NULL, detail VARCHAR NOT NULL, prev_hash VARCHAR NOT NULL, hash VARCHAR NOT NULL
);

CREATE MACRO severity_rank(s) AS
    CASE s WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END;
CREATE MACRO severity_word(n) AS
    CASE n WHEN 5 THEN 'critical' WHEN 4 THEN 'high' WHEN 3 THEN 'medium' WHEN 2 THEN 'low' ELSE 'info' END;

-- Addresses are kept as text; networks are compared as numbers (IPv4) or as exploded text (IPv6).
CREATE MACRO ipv4_number(ip) AS
    CASE WHEN regexp_full_match(ip, '\d{1,3}(\.\d{1,3}){3}') THEN
        list_reduce(list_transform(string_split(ip, '.'), lambda p: p::UBIGINT), lambda acc, p: acc * 256 + p) END;
CREATE MACRO ipv6_groups(part) AS CASE WHEN part = '' THEN [] ELSE string_split(part, ':') END;
CREATE MACRO ipv6_exploded(ip) AS
    CASE WHEN contains(ip, ':') AND NOT contains(ip, '.') THEN array_to_string(list_transform(
        CASE WHEN contains(ip, '::') THEN
            ipv6_groups(split_part(ip, '::', 1))
            || list_transform(range(8 - len(ipv6_groups(split_part(ip, '::', 1))) - len(ipv6_groups(split_part(ip, '::', 2)))), lambda z: '0')
            || ipv6_groups(split_part(ip, '::', 2))
        ELSE string_split(ip, ':') END,
        lambda g: lpad(lower(g), 4, '0')), ':') END;
