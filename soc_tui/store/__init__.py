"""The one owner of the DuckDB file: migrations, queries as .sql files, append with offsets, windows by event_id."""
