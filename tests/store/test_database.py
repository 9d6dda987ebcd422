"""The workspace database: migrations, transactions, and clear words when it cannot be opened."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from soc_tui.core.errors import StoreError
from soc_tui.core.settings import StoreSettings
from soc_tui.store.database import Store, migrations


def test_every_migration_runs_once(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with Store.open(path) as store:
        first = store.sql("SELECT * FROM migrations ORDER BY number").to_pylist()
    with Store.open(path) as store:
        assert store.sql("SELECT * FROM migrations ORDER BY number").to_pylist() == first
    assert [row["number"] for row in first] == list(migrations()) == list(range(1, len(first) + 1))


def test_alerts_of_before_verdicts_stay_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps = tmp_path / "w.duckdb", migrations()
    monkeypatch.setattr("soc_tui.store.database.migrations", lambda: {n: f for n, f in steps.items() if n < 8})
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute(
            "INSERT INTO alerts (alert_id, alert_key, detector, risk_type, title, severity, score, finding_count, event_count)"
            " VALUES (7, 'k', 'web-attack', 'web-attack', 't', 'high', 0.9, 1, 1)"
        )
    monkeypatch.undo()
    with Store.open(path) as store:
        (alert,) = store.sql("SELECT * FROM alerts").to_pylist()
        assert (alert["alert_id"], alert["state"], alert["verdict"], alert["verdict_reason"]) == (7, "open", None, None)
        assert store.sql("SELECT * FROM probes").num_rows == 0


def test_a_newer_workspace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("INSERT INTO migrations VALUES (9999, 'from_the_future')")
    with pytest.raises(StoreError, match="newer version") as caught:
        Store.open(path)
    assert "upgrade" in caught.value.remedy


def test_an_exception_rolls_everything_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        with pytest.raises(RuntimeError), store.transaction() as tx:
            tx.execute("INSERT INTO checkpoints VALUES ('a', 1)")
            raise RuntimeError
        with pytest.raises(StoreError), store.transaction() as tx:
            tx.execute("INSERT INTO checkpoints VALUES ('b', 1)")
            tx.execute("INSERT INTO checkpoints VALUES ('b', 2)")
        assert store.sql("SELECT count(*) AS n FROM checkpoints").to_pylist() == [{"n": 0}]


def test_a_reader_sees_only_committed_rows(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        with store.transaction() as tx:
            tx.execute("INSERT INTO checkpoints VALUES ('a', 1)")
            assert store.sql("SELECT count(*) AS n FROM checkpoints").to_pylist() == [{"n": 0}]
        assert store.sql("SELECT count(*) AS n FROM checkpoints").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY checkpoints TO '/tmp/soc-tui-out.csv'",
        "ATTACH '/tmp/soc-tui-other.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_the_database_reaches_no_other_file(tmp_path: Path, statement: str) -> None:
    with Store.open(tmp_path / "w.duckdb") as store, pytest.raises(StoreError):
        store.sql(statement)
    assert not Path("/tmp/soc-tui-out.csv").exists()


def test_a_database_that_another_process_holds(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    Store.open(path).close()
    code = f"import duckdb,sys; c=duckdb.connect({str(path)!r}); print('held',flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"held by process {holder.pid}"):
            Store.open(path)
        holder.communicate()
    Store.open(path).close()


def test_a_damaged_database_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store.open(path)
    assert caught.value.source == str(path)
    assert "--workspace" in caught.value.remedy
    assert path.read_bytes() == b"not a database" * 1000


def test_a_workspace_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        Store.open(tmp_path / "file" / "w.duckdb")


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/usr/bin/unshare").exists(), reason="needs root to mount a small disk"
)
def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    """On a real 6 MB disk: rows are appended until it is full; what was committed is all there afterwards."""
    code = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from soc_tui.core.errors import StoreError
        from soc_tui.store.database import Store
        path = Path({str(tmp_path / "disk")!r}) / "w.duckdb"
        store, done = Store.open(path), 0
        try:
            for number in range(1000):
                with store.transaction() as tx:
                    tx.execute("INSERT INTO rejects SELECT 1, range, $n, 'x', md5(random()::VARCHAR)::BLOB, now()::TIMESTAMP"
                               " FROM range(5000)", {{"n": number}})
                done += 1
        except StoreError as error:
            print(error.message, flush=True)
        try:
            store.close()
        except Exception as error:
            print("close", error)
        Path(path.parent, "ballast").unlink()
        with Store.open(path) as store:
            print(done > 0, store.sql("SELECT count(*) AS n FROM rejects").to_pylist()[0]["n"] == done * 5000)
        """
    )
    (tmp_path / "disk").mkdir()
    script = tmp_path / "fill.py"
    script.write_text(code)
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(tmp_path / "disk")]
    inner = f"{' '.join(mount)} && dd if=/dev/zero of={tmp_path}/disk/ballast bs=1M count=4 status=none && {sys.executable} {script}"
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", inner], capture_output=True, text=True, check=False, timeout=120
    )
    if "mount" in run.stderr and run.returncode in {1, 32}:
        pytest.skip(f"cannot mount a small disk here: {run.stderr.strip()}")
    assert "no space left" in run.stdout, run.stdout + run.stderr
    assert "True True" in run.stdout, run.stdout + run.stderr


def test_limits_of_the_settings_hold(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb", StoreSettings(memory_limit_mb=100, threads=1)) as store:
        row = store.sql("SELECT current_setting('threads') AS t, current_setting('memory_limit') AS m").to_pylist()[0]
    assert row["t"] == 1
    assert row["m"].startswith("95.3")
