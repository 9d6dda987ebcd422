"""The SQL door reads, and does nothing else."""

import threading
from pathlib import Path

import pytest

from soc_tui.core.errors import StoreError, UsageError
from soc_tui.store.database import Store
from soc_tui.store.hunt import Hunt

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(100000000) b"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "w.duckdb")


def _run(store: Store, sql: str, rows: int = 10, seconds: float = 30) -> object:
    return Hunt(store, sql, rows=rows, seconds=seconds).run()


def test_rows_and_the_limit(store: Store) -> None:
    result = Hunt(store, "SELECT range AS n FROM range(100) ORDER BY n DESC", rows=3, seconds=9).run()
    assert (result.rows.to_pylist(), result.truncated) == ([{"n": 99}, {"n": 98}, {"n": 97}], True)
    exact = Hunt(store, "SELECT range AS n FROM range(3)", rows=3, seconds=9).run()
    assert (exact.rows.num_rows, exact.truncated) == (3, False)
    empty = Hunt(store, "SELECT * FROM events", rows=3, seconds=9).run()
    assert (empty.rows.num_rows, "event_id" in empty.rows.column_names) == (0, True)


@pytest.mark.parametrize(
    "sql",
    [
        "", ";", "DROP TABLE events", "SELECT 1; SELECT 2", "INSERT INTO checkpoints VALUES ('a', 1)",
        "UPDATE checkpoints SET event_id = 1", "DELETE FROM events", "SET threads = 9", "PRAGMA database_list",
        "ATTACH 'x'", "COPY events TO 'x'", "CREATE TABLE x (a INT)", "CALL pragma_version()", "SELEC",
        "SELECT nothing FROM events", "SELECT * FROM nothing", "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/*')", "INSTALL httpfs", "LOAD httpfs", "BEGIN", "COMMIT",
        "CHECKPOINT", "EXPLAIN ANALYZE DELETE FROM checkpoints", "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM read_text('{archive}/../w.duckdb')", "SELECT * FROM read_blob('{archive}/link')",
        "SELECT * FROM glob('{archive}/../*')", "COPY events TO '{archive}/x.parquet'", "ATTACH '{archive}/x.duckdb'",
        "EXPLAIN ANALYZE COPY events TO '{archive}/x.parquet'", "EXPLAIN COPY events TO '{archive}/x.parquet'",
        "explain/**/analyze copy (SELECT 1) TO '{archive}/x.csv'", "EXPLAIN (ANALYZE) COPY events TO '{archive}/x.csv'",
        "-- a\nEXPLAIN -- b\n(FORMAT json, ANALYZE) COPY events TO '{archive}/x.csv'", "EXPLAIN", "EXPLAIN EXPLAIN",
        "EXPLAIN ANALYZE EXPLAIN ANALYZE COPY events TO '{archive}/x.csv'", "EXPORT DATABASE '{archive}/x'",
        "SET allowed_directories = ['/']", "CREATE TEMP VIEW events AS SELECT 1",
    ],
)  # fmt: skip
def test_everything_else_is_refused(store: Store, sql: str) -> None:
    with store.transaction() as tx:
        tx.execute("INSERT INTO checkpoints VALUES ('kept', 1)")
    store.archive.mkdir()
    (store.archive / "link").symlink_to("/etc/passwd")
    with pytest.raises(UsageError):
        _run(store, sql.replace("{archive}", str(store.archive)))
    assert [path.name for path in store.archive.iterdir()] == ["link"]
    assert store.sql("SELECT * FROM checkpoints").to_pylist() == [{"name": "kept", "event_id": 1}]


@pytest.mark.parametrize("head", ["EXPLAIN", "explain analyze", "EXPLAIN (FORMAT json)", "/* why */ EXPLAIN --\n"])
def test_a_query_can_be_explained(store: Store, head: str) -> None:
    assert Hunt(store, f"{head} SELECT count(*) FROM events", rows=9, seconds=9).run().rows.num_rows > 0


def test_a_query_that_takes_too_long_is_stopped(store: Store) -> None:
    with pytest.raises(StoreError, match="took longer than 0.2 s"):
        _run(store, ENDLESS, seconds=0.2)


def test_a_query_can_be_cancelled_from_another_thread(store: Store) -> None:
    hunt = Hunt(store, ENDLESS, rows=1, seconds=60)
    caught: list[BaseException] = []

    def run() -> None:
        try:
            hunt.run()
        except StoreError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    hunt.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert "was cancelled" in str(caught[0])
    assert store.sql("SELECT 1 AS one").to_pylist() == [{"one": 1}]
