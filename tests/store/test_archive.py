"""Days move to Parquet: each event exactly once wherever a crash falls, the same answers from table and files."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.clock import FixedClock
from soc_tui.core.errors import StoreError
from soc_tui.core.schema import EVENTS, NORMALISED, REJECTS
from soc_tui.core.settings import StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.store import archive
from soc_tui.store.archive import archived, delete_days, give_back, move_days, remove_leftovers, verify
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks, last_event_id
from soc_tui.store.reach import Reach

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
KEEP = StoreSettings(archive_days=3)
ALL = 2**62
STEPS = ("write", "flush", "compare", "rename", "commit", "committing", "committed")
CLASSES = (4001, 4002, None, 6000, 3002)


def add(store: Store, hours: list[float | None], source_id: int = 1) -> None:
    """Events of these ages in hours before NOW; None is an event without time."""
    count = len(hours)
    start = NOW.replace(tzinfo=None)
    filled: dict[str, list[Any]] = {
        "time": [None if h is None else start - timedelta(hours=h) for h in hours],
        "class_uid": [CLASSES[n % len(CLASSES)] for n in range(count)],
        "source_offset": list(range(count)),
        "source_length": [1] * count,
        "message": [f"it's \u202e message {n}" for n in range(count)],
        "duration": [n / 3 for n in range(count)],
        "src_ip": [f"192.0.2.{n % 9}" for n in range(count)],
        "extra": ['{"a":"b"}' if n % 2 else None for n in range(count)],
    }
    table = pa.table({f.name: pa.array(filled.get(f.name, [None] * count), f.type) for f in NORMALISED}, NORMALISED)
    read = count if not source_id else count * 2
    state = SourceState("/log", source_id=source_id, records_read=read, records_stored=read)
    append_chunks(store, [Chunk(state, table, REJECTS.empty_table(), 0)], NOW)


def rows(store: Store) -> list[dict[str, Any]]:
    return store.sql("SELECT * FROM events ORDER BY event_id").to_pylist()


def move(store: Store, **more: Any) -> list[archive.Moved]:
    return list(move_days(store, KEEP, FixedClock(NOW), up_to=more.pop("up_to", ALL), **more))


def hot(store: Store) -> int:
    return int(store.sql("SELECT count(*) AS n FROM events_hot").column("n")[0].as_py())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "w.duckdb", KEEP) as opened:
        yield opened


def test_whole_days_of_event_time_move_and_nothing_changes(store: Store) -> None:
    """The border is midnight three days ago: 15 h + 72 h before now."""
    add(store, [0, 86.9, 87.0, 87.1, 200, None, 200, 201, -50])
    before = rows(store)
    moved = move(store)
    assert rows(store) == before
    assert store.sql("SELECT event_id FROM events_hot ORDER BY 1").column(0).to_pylist() == [1, 2, 3, 6, 9]
    day, older = datetime(2026, 3, 6).date(), datetime(2026, 3, 2).date()
    assert [(m.path, m.day, m.class_uid, m.rows) for m in moved] == [
        ("class=0/date=2026-03-02/events-8-8.parquet", older, None, 1),
        ("class=3002/date=2026-03-02/events-5-5.parquet", older, 3002, 1),
        ("class=4002/date=2026-03-02/events-7-7.parquet", older, 4002, 1),
        ("class=6000/date=2026-03-06/events-4-4.parquet", day, 6000, 1),
    ]
    assert move(store) == []
    assert archived(store).to_pylist() == [
        {"day": day, "classes": 1, "files": 1, "rows": 1, "bytes": _bytes(store, day), "min_event_id": 4,
         "max_event_id": 4, "missing": 0},
        {"day": older, "classes": 3, "files": 3, "rows": 3, "bytes": _bytes(store, older), "min_event_id": 5,
         "max_event_id": 8, "missing": 0},
    ]  # fmt: skip


def _bytes(store: Store, day: Any) -> int:
    return sum(p.stat().st_size for p in store.archive.glob(f"class=*/date={day}/*.parquet"))


def test_nothing_moves_when_told_never_or_when_not_yet_examined(store: Store) -> None:
    add(store, [200, 200, 200])
    assert list(move_days(store, StoreSettings(archive_days=0), FixedClock(NOW), up_to=ALL)) == []
    assert sum(m.rows for m in move(store, up_to=2)) == 2
    assert hot(store) == 1
    assert [r["event_id"] for r in rows(store)] == [1, 2, 3]


def test_late_events_make_a_further_file_of_their_day(store: Store) -> None:
    add(store, [200] * 10)
    move(store)
    add(store, [200] * 10, source_id=1)
    move(store)
    assert hot(store) == 0
    assert [r["event_id"] for r in rows(store)] == list(range(1, 21))
    assert archived(store).to_pylist()[0]["files"] == 10
    assert len(list(store.archive.glob("class=4001/date=2026-03-02/*.parquet"))) == 2


def test_a_large_day_makes_several_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILE_ROWS", 3)
    add(store, [200] * 35)
    before = rows(store)
    assert sorted({m.rows for m in move(store)}) == [1, 3]
    assert archived(store).to_pylist()[0]["files"] == 15
    assert rows(store) == before


class CrashError(Exception):
    """Power cut."""


@pytest.mark.campaign
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("turn", [1, 3])
def test_a_crash_at_any_step_leaves_each_event_once(tmp_path: Path, step: str, turn: int) -> None:
    """The store is abandoned at the step, reopened from its files, and the next round finishes the work."""
    ages = [200 + n % 40 for n in range(40)] + [0, 1, None]
    seen = 0

    def crash(at: str) -> None:
        nonlocal seen
        seen += at == step
        if at == step and seen == turn:
            raise CrashError

    store = Store.open(tmp_path / "w.duckdb", KEEP)
    add(store, list(ages))
    before = rows(store)
    days = len({(NOW - timedelta(hours=h)).date() for h in ages if h and h > 90})
    if days < turn and step.startswith("commit"):
        pytest.skip("there are fewer days")
    with pytest.raises(CrashError):
        move(store, step=crash)
    store.close()
    with Store.open(tmp_path / "w.duckdb", KEEP) as again:
        assert rows(again) == before
        remove_leftovers(again)
        assert rows(again) == before
        recorded = set(again.sql("SELECT path FROM archived_days").column("path").to_pylist())
        on_disk = {p.relative_to(again.archive).as_posix() for p in again.archive.rglob("*") if p.is_file()}
        assert on_disk == recorded
        move(again)
        assert rows(again) == before
        assert hot(again) == 3
        assert verify(again) == []
        assert last_event_id(again) == 43


def test_a_killed_process_leaves_each_event_once(tmp_path: Path) -> None:
    """A real process, ended by SIGKILL between rename and commit, with the log not folded in."""
    import subprocess
    import sys
    import textwrap

    code = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.store.test_archive import *
        store = Store.open(Path({str(tmp_path / "w.duckdb")!r}), KEEP)
        add(store, [200 + n % 40 for n in range(40)])
        count = 0
        def step(at):
            global count
            count += at == "commit"
            if at == "committing" and count == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        move(store, step=step)
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == -9, done.stderr
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        assert [r["event_id"] for r in rows(store)] == list(range(1, 41))
        assert 0 < hot(store) < 40
        remove_leftovers(store)
        move(store)
        assert [r["event_id"] for r in rows(store)] == list(range(1, 41))
        assert hot(store) == 0


def test_numbering_goes_on_after_everything_moved_and_was_deleted(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        add(store, [200] * 5)
        move(store)
        assert store.sql("SELECT max(event_id) AS n FROM events").to_pylist() == [{"n": 5}]
        assert last_event_id(store) == 5
        assert len(delete_days(store, StoreSettings(archive_days=3, retention_days=5), FixedClock(NOW))) == 5
        assert rows(store) == []
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        assert last_event_id(store) == 5
        add(store, [0])
        assert [r["event_id"] for r in rows(store)] == [6]


def test_other_engines_read_the_files(store: Store) -> None:
    add(store, [200 + n for n in range(60)])
    before = rows(store)
    move(store)
    dataset = ds.dataset(store.archive, format="parquet", partitioning="hive")
    table = dataset.to_table(columns=EVENTS.names).sort_by("event_id")
    assert table.cast(EVENTS).to_pylist() == before
    assert set(dataset.schema.names) == {*EVENTS.names, "class", "date"}
    assert dataset.to_table(filter=ds.field("class") == 4002).num_rows == 12
    for file in store.archive.rglob("*.parquet"):
        ids = ds.dataset(file).to_table(columns=["event_id"]).column(0).to_pylist()
        assert ids == sorted(ids)
    bare = duckdb.connect()
    found = bare.sql(f"SELECT * EXCLUDE (class, date) FROM '{store.archive}/*/*/*.parquet' ORDER BY event_id")
    assert found.to_arrow_table().to_pylist() == before
    count = f"SELECT count(*) AS n FROM read_parquet('{store.archive}/*/*/*.parquet', hive_partitioning = true)"
    assert bare.sql(f"{count} WHERE date = DATE '2026-03-01' AND class = 4002").fetchall()[0][0] > 0
    codec = bare.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{store.archive}/*/*/*.parquet')").fetchall()
    assert codec == [("ZSTD",)]


def test_retention_deletes_archived_days_rejects_and_scores_of_their_flows(store: Store) -> None:
    add(store, [200, 200, 300, 300, 0])
    with store.transaction() as tx:
        for value in ("1", "3", "5"):
            tx.execute("INSERT INTO scores VALUES ('flow', $v, 0.9, 'anomaly', '[]')", {"v": value})
        for hours in (0, 300):
            moment = NOW.replace(tzinfo=None) - timedelta(hours=hours)
            tx.execute("INSERT INTO rejects VALUES (1, $n, 1, 'r', 'x'::BLOB, $t)", {"n": hours, "t": moment})
    move(store)
    clock, keep = FixedClock(NOW), StoreSettings(archive_days=3, retention_days=10)
    gone = delete_days(store, keep, clock)
    assert gone == ["class=0/date=2026-02-26/events-3-3.parquet", "class=6000/date=2026-02-26/events-4-4.parquet"]
    assert [r["event_id"] for r in rows(store)] == [1, 2, 5]
    assert store.sql("SELECT value FROM scores ORDER BY 1").column(0).to_pylist() == ["1", "5"]
    assert store.sql("SELECT source_offset FROM rejects").column(0).to_pylist() == [0]
    assert (store.archive / gone[0]).exists()  # a query may be reading it
    assert remove_leftovers(store) == sorted(gone)
    assert not (store.archive / gone[0]).exists()
    assert delete_days(store, keep, clock) == []
    assert verify(store) == []


def test_harmless_scores_are_a_bounded_cache(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_SCORES", 2)
    with store.transaction() as tx:
        for n, label in enumerate(["benign", "benign", "sqli"]):
            tx.execute("INSERT INTO scores VALUES ('query', $v, 0.1, $l, '[]')", {"v": str(n), "l": label})
    delete_days(store, KEEP, FixedClock(NOW))
    assert store.sql("SELECT count(*) AS n FROM scores").to_pylist() == [{"n": 3}]
    with store.transaction() as tx:
        tx.execute("INSERT INTO scores VALUES ('query', 'x', 0.1, 'benign', '[]')")
    delete_days(store, KEEP, FixedClock(NOW))
    assert store.sql("SELECT label FROM scores").to_pylist() == [{"label": "sqli"}]


def test_left_overs_are_ours_only(store: Store) -> None:
    folder = store.archive / "class=1" / "date=2026-01-01"
    folder.mkdir(parents=True)
    for name in ("events-1-2.parquet", ".events-1-2.parquet.writing", "notes.txt"):
        (folder / name).write_text("x")
    (store.archive / "README").write_text("x")
    assert remove_leftovers(store) == [
        "class=1/date=2026-01-01/.events-1-2.parquet.writing",
        "class=1/date=2026-01-01/events-1-2.parquet",
    ]
    assert (folder / "notes.txt").exists()
    assert (store.archive / "README").exists()


def test_verify_tells_changed_cut_and_missing_files(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        add(store, [200] * 5)
        move(store)
        paths = sorted(store.archive.rglob("*.parquet"))
        raw = bytearray(paths[0].read_bytes())
        raw[40] ^= 1
        paths[0].write_bytes(bytes(raw))
        os.truncate(paths[1], 10)
        paths[2].unlink()
        size = store.sql("SELECT path, bytes FROM archived_days").to_pylist()
        sizes = {row["path"]: row["bytes"] for row in size}
        names = [p.relative_to(store.archive).as_posix() for p in paths]
        assert sorted((d.path, d.problem) for d in verify(store)) == [
            (names[0], "was changed: its sha256 is not the recorded one"),
            (names[1], f"has 10 bytes instead of {sizes[names[1]]}"),
            (names[2], "is missing"),
        ]
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:  # it starts, says what is missing, and moves nothing more
        assert store.missing == {names[2]}
        assert sum(row["missing"] for row in archived(store).to_pylist()) == 1
        add(store, [200])
        with pytest.raises(StoreError, match="1 archived files are missing"):
            move(store)


def test_a_workspace_may_be_moved_with_its_archive(tmp_path: Path) -> None:
    old = tmp_path / "it's old"
    with Store.open(old / "w.duckdb", KEEP) as store:
        add(store, [200] * 5)
        before = rows(store)
        move(store)
        assert rows(store) == before
    old.rename(tmp_path / "new")
    with Store.open(tmp_path / "new" / "w.duckdb", KEEP) as store:
        assert rows(store) == before
        assert verify(store) == []


def test_files_from_before_a_new_column_are_read_with_it(tmp_path: Path) -> None:
    """A later version adds a column to events_any; old files lack it, new ones have it."""
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        add(store, [200] * 5)
        move(store)
        with store.transaction() as tx:
            tx.execute("ALTER TABLE events_any ADD COLUMN added VARCHAR")
    with Store.open(tmp_path / "w.duckdb", KEEP) as store:
        with store.transaction() as tx:
            tx.execute(
                "INSERT INTO events_any (event_id, time, class_uid, source_id, source_offset, source_length, added)"
                " VALUES (6, $t, 4001, 1, 9, 1, 'new'), (7, now()::TIMESTAMP, 4001, 1, 9, 1, 'hot')",
                {"t": NOW.replace(tzinfo=None) - timedelta(hours=200)},
            )
        move(store, up_to=6)
        found = store.sql("SELECT event_id, added FROM events ORDER BY 1").to_pylist()
        assert [r["added"] for r in found] == [None] * 5 + ["new", "hot"]


def test_space_is_used_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO events_any (event_id, time, class_uid, source_id, source_offset, source_length, message)"
            " SELECT range + 1, $t, 4001, 1, 1, 1, md5(range::VARCHAR) FROM range(200000)",
            {"t": NOW.replace(tzinfo=None) - timedelta(hours=200)},
        )
    give_back(store)
    sizes = "SELECT used_blocks AS used, free_blocks AS free FROM pragma_database_size()"
    full = store.sql(sizes).to_pylist()[0]
    move(store)
    assert give_back(store)
    after = store.sql(sizes).to_pylist()[0]
    assert after["used"] < full["used"] / 2
    assert store.sql("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM events").to_pylist() == [
        {"n": 200000, "ids": 200000}
    ]


def test_a_reader_that_began_before_sees_its_moment(store: Store) -> None:
    add(store, [200] * 5)
    cursor = store.cursor()
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    assert cursor.sql("SELECT count(*) FROM events").fetchall() == [(5,)]
    move(store)
    assert cursor.sql("SELECT count(*) FROM events").fetchall() == [(5,)]
    cursor.execute("COMMIT")
    assert cursor.sql("SELECT count(*) FROM events").fetchall() == [(5,)]


def test_the_archive_folder_must_not_hold_the_workspace(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "w", Path("/")):
        with pytest.raises(StoreError, match="holds the workspace"):
            Store.open(tmp_path / "w" / "w.duckdb", StoreSettings(archive_dir=str(folder)))
    elsewhere = tmp_path / "elsewhere"
    keep = StoreSettings(archive_days=3, archive_dir=str(elsewhere))
    with Store.open(tmp_path / "w" / "w.duckdb", keep) as store:
        add(store, [200])
        before = rows(store)
        assert len(list(move_days(store, keep, FixedClock(NOW), up_to=ALL))) == 1
        assert rows(store) == before
        assert len(list(elsewhere.rglob("*.parquet"))) == 1


def test_the_archive_is_private(store: Store) -> None:
    add(store, [200])
    move(store)
    assert store.archive.stat().st_mode & 0o077 == 0


@pytest.mark.campaign
@settings(max_examples=15, deadline=None)
@given(
    ages=st.lists(st.one_of(st.none(), st.integers(-50, 400)), min_size=1, max_size=40),
    first=st.integers(-2, 45), width=st.integers(0, 45), ids=st.lists(st.integers(0, 45), max_size=5),
    times=st.tuples(st.integers(-60, 420), st.integers(0, 200)), cut=st.integers(0, 45),
)  # fmt: skip
def test_every_reach_gives_what_the_table_gave(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int | None], first: int, width: int, ids: list[int],
    times: tuple[int, int], cut: int,
) -> None:  # fmt: skip
    """Property: a query that looks only within its reach has the same rows before and after any part has moved."""
    base = NOW.replace(tzinfo=None)
    begin, end = base - timedelta(hours=times[0] + times[1]), base - timedelta(hours=times[0])
    queries = [
        ("event_id BETWEEN $a AND $b", Reach(first, first + width)),
        ("list_contains($ids::BIGINT[], event_id)", Reach(event_ids=ids)),
        ("time BETWEEN $begin AND $end", Reach(time_from=begin, time_to=end)),
        ("time >= $begin", Reach(time_from=begin)),
        ("time <= $end", Reach(time_to=end)),
        ("event_id BETWEEN $a AND $b OR time BETWEEN $begin AND $end",
         Reach(first, first + width, time_from=begin, time_to=end)),
        ("true", None),
    ]  # fmt: skip
    values = {"a": first, "b": first + width, "ids": ids, "begin": begin, "end": end}
    with Store.open(tmp_path_factory.mktemp("reach") / "w.duckdb", KEEP) as store:
        add(store, list(ages))

        def answers() -> list[list[dict[str, Any]]]:
            found = []
            for where, reach in queries:
                text = f"SELECT * FROM events WHERE {where} ORDER BY event_id"
                found.append(store.sql(text, values, reach=reach).to_pylist())
                with store.transaction() as tx:
                    inside = tx.within(reach or Reach(1, ALL), text, values)
                    assert tx.sql("SELECT count(*) AS n FROM events").to_pylist() == [{"n": len(ages)}]
                assert inside.to_pylist() == found[-1]
            return found

        before = answers()
        move(store, up_to=cut)
        assert answers() == before
        move(store)
        assert answers() == before
