-- Whole days of events move to Parquet files beside the database. `events` stays the name of them all: rows that are here
-- (`events_hot`, where new ones go) and rows in the files that archived_days records. The store rewrites the view whenever
-- the records change, in the same transaction.
ALTER TABLE events RENAME TO events_hot;
CREATE VIEW events AS SELECT * FROM events_hot;

-- One row per file; `path` is relative to the archive folder. `width` is the number of columns the file has.
CREATE TABLE archived_days (
    path VARCHAR PRIMARY KEY, class_uid INTEGER, day DATE NOT NULL, "rows" BIGINT NOT NULL, bytes BIGINT NOT NULL,
    min_event_id BIGINT NOT NULL, max_event_id BIGINT NOT NULL, min_time TIMESTAMP NOT NULL, max_time TIMESTAMP NOT NULL,
    width INTEGER NOT NULL, sha256 VARCHAR NOT NULL, archived TIMESTAMP NOT NULL
);

-- The pace of each followed log, learned from the moments at which it brought new records: seconds of its longest usual
-- pause. By path, because a rotation gives the same log a new source.
CREATE TABLE source_pace (
    path VARCHAR PRIMARY KEY, arrivals BIGINT NOT NULL, longest_gap DOUBLE NOT NULL, last_arrival TIMESTAMP NOT NULL,
    last_event_time TIMESTAMP
);
