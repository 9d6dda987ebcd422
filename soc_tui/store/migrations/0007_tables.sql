-- Events lie in tables as wide as what fills them (store/tables.py says why); the store writes
-- the view `events_hot` of them all whenever it opens.
ALTER TABLE events_hot RENAME TO events_any;
CREATE TABLE events_log (
    event_id BIGINT NOT NULL, time TIMESTAMP, class_uid INTEGER, activity VARCHAR, product VARCHAR, log_name VARCHAR,
    source_id INTEGER NOT NULL, source_offset BIGINT NOT NULL, source_length INTEGER NOT NULL,
    host VARCHAR, process VARCHAR, user_name VARCHAR, src_ip VARCHAR, src_port INTEGER,
    protocol VARCHAR, service VARCHAR, status VARCHAR, severity VARCHAR, message VARCHAR, extra VARCHAR,
    template_id BIGINT
);
CREATE TABLE events_web (
    event_id BIGINT NOT NULL, time TIMESTAMP, class_uid INTEGER, activity VARCHAR, product VARCHAR, log_name VARCHAR,
    source_id INTEGER NOT NULL, source_offset BIGINT NOT NULL, source_length INTEGER NOT NULL,
    user_name VARCHAR, src_ip VARCHAR, protocol VARCHAR, service VARCHAR, status VARCHAR, severity VARCHAR,
    message VARCHAR, bytes_in BIGINT, http_method VARCHAR, url_host VARCHAR, url_path VARCHAR, url_query VARCHAR,
    http_status INTEGER, user_agent VARCHAR, referrer VARCHAR, extra VARCHAR
);
CREATE TABLE events_flow (
    event_id BIGINT NOT NULL, time TIMESTAMP, class_uid INTEGER, activity VARCHAR, product VARCHAR, log_name VARCHAR,
    source_id INTEGER NOT NULL, source_offset BIGINT NOT NULL, source_length INTEGER NOT NULL,
    src_ip VARCHAR, src_port INTEGER, dst_ip VARCHAR, dst_port INTEGER, protocol VARCHAR, service VARCHAR,
    status VARCHAR, severity VARCHAR, message VARCHAR, session_uid VARCHAR, community_id VARCHAR, duration DOUBLE,
    bytes_out BIGINT, bytes_in BIGINT, packets_out BIGINT, packets_in BIGINT, conn_state VARCHAR, extra VARCHAR
);
