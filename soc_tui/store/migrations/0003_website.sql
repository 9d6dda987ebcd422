-- Website source trees: one row per name as last looked at, changed in the transaction that adds the events about it.
-- `name` is the path below the tree as the bytes that the file system holds; owner and group are numbers.
CREATE TABLE website_files (
    source_id INTEGER NOT NULL, name BLOB NOT NULL, path VARCHAR NOT NULL, kind VARCHAR NOT NULL, size BIGINT NOT NULL,
    mode INTEGER NOT NULL, uid BIGINT NOT NULL, gid BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, ctime_ns BIGINT NOT NULL,
    device UBIGINT NOT NULL, inode UBIGINT NOT NULL, sha256 VARCHAR NOT NULL, target VARCHAR NOT NULL,
    note VARCHAR NOT NULL, checked_ns BIGINT NOT NULL
);

-- The contents of the protected types, each kept once however often it occurs, compressed with zstd.
CREATE TABLE website_contents (
    sha256 VARCHAR PRIMARY KEY, content BLOB NOT NULL, first_seen TIMESTAMP NOT NULL
);
