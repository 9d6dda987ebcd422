"""Bad input gives a clear message and the right exit code, and loses nothing that was stored."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soc_tui.management.launch import connect
from tests.e2e.conftest import ROOT, Product, exact

pytestmark = pytest.mark.usefixtures("unscored")

GOOD = b"Mar 27 13:06:%02d web1 sshd[%d]: Failed password for root from 203.0.113.9 port 4%03d ssh2\n"


def _good(count: int) -> bytes:
    return b"".join(GOOD % (n % 60, n, n) for n in range(count))


def test_a_missing_path(product: Product, tmp_path: Path) -> None:
    (tmp_path / "auth.log").write_bytes(_good(3))
    run = product.run("ingest", str(tmp_path / "none.log"), str(tmp_path / "auth.log"), "--format", "json", code=1)
    assert f"{tmp_path}/none.log" in run.stderr
    assert "what to do:" in run.stderr
    assert exact(json.loads(run.stdout))["records_stored"] == 3


def test_no_permission(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "secret.log"
    file.write_bytes(_good(1))
    file.chmod(0)
    # Root without these two capabilities is refused like anybody else.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    command = [*(drop if os.geteuid() == 0 else []), *product.command("ingest", str(file))]
    run = subprocess.run(command, env=product.env, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 1, run.stderr
    assert "permission" in run.stderr.lower()
    assert str(file) in run.stderr


def test_a_binary_file(served: Product, tmp_path: Path) -> None:
    shutil.copy(shutil.which("true") or "/bin/true", tmp_path / "prog")
    (tmp_path / "auth.log").write_bytes(_good(2))
    run = served.run("ingest", str(tmp_path / "prog"), str(tmp_path), "--format", "json", code=1)
    result = exact(json.loads(run.stdout))
    assert result["records_stored"] == 2
    assert json.loads(served.run("ingest", str(tmp_path), "--format", "json").stdout)["skipped"]
    assert "prog" in run.stderr
    assert "binary" in run.stderr


def test_a_directory_loop(product: Product, tmp_path: Path) -> None:
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "logs" / "deep" / "auth.log").write_bytes(_good(2))
    (tmp_path / "logs" / "deep" / "again").symlink_to(tmp_path / "logs")
    assert exact(product.json("ingest", str(tmp_path / "logs")))["records_stored"] == 2


def test_an_empty_file_and_an_empty_folder(served: Product, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert exact(served.json("ingest", str(tmp_path / "logs")))["records_read"] == 0
    (tmp_path / "logs" / "empty.log").touch()
    assert exact(served.json("ingest", str(tmp_path / "logs")))["records_read"] == 0


def test_a_half_written_last_line_waits_for_its_end(served: Product, tmp_path: Path) -> None:
    log = tmp_path / "eve.json"
    line = json.dumps(
        {"timestamp": "2026-01-01T00:00:00.000000+0000", "event_type": "flow", "src_ip": "192.0.2.1"}
    ).encode()
    log.write_bytes(line + b"\n" + line[:40])
    first = exact(served.json("ingest", str(log)))
    assert (first["records_stored"], first["records_rejected"]) == (1, 0)
    assert first["sources"][0]["pending_bytes"] == 40
    with log.open("ab") as out:
        out.write(line[40:] + b"\n")
    second = exact(served.json("ingest", str(log)))
    assert (second["records_stored"], second["records_rejected"], second["sources"][0]["pending_bytes"]) == (1, 0, 0)
    assert served.rows("SELECT count(*) AS n FROM events") == [{"n": 2}]


def test_a_ten_megabyte_line_goes_to_the_rejects(served: Product, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(_good(2) + b"A" * 10_000_000 + b"\n" + _good(2))
    result = exact(served.json("ingest", str(log)))
    assert (result["records_stored"], result["records_rejected"]) == (4, 1)
    rejects = served.rows("SELECT reason, source_offset, source_length FROM rejects")
    assert rejects[0]["source_offset"] == len(_good(2))
    assert rejects[0]["source_length"] == 10_000_000
    assert "long" in rejects[0]["reason"]


def test_invalid_utf8_and_nul_bytes_hide_nothing(served: Product, tmp_path: Path) -> None:
    lines = [
        b'203.0.113.5 - - [17/May/2026:10:05:03 +0000] "GET /a\xff\xfe?id=1 HTTP/1.1" 200 5 "-" "x"',
        b'203.0.113.5 - - [17/May/2026:10:05:04 +0000] "GET /b\x00c HTTP/1.1" 200 5 "-" "x"',
        b'203.0.113.5 - - [17/May/2026:10:05:05 +0000] "GET /d HTTP/1.1" 200 5 "-" "x"',
    ]
    (tmp_path / "access.log").write_bytes(b"\n".join(lines) + b"\n")
    result = exact(served.json("ingest", str(tmp_path / "access.log")))
    assert (result["records_stored"], result["records_rejected"]) == (3, 0)
    assert served.rows("SELECT src_ip, url_path FROM events ORDER BY event_id") == [
        {"src_ip": "203.0.113.5", "url_path": path} for path in ("/a\\xff\\xfe", "/b\x00c", "/d")
    ]
    shown = served.run("events").stdout
    assert "\x00" not in shown


def test_a_full_disk_keeps_what_was_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real small disk as workspace: the run fails with a message, a later run goes on exactly."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root to mount a small disk")
    log, disk, spare = tmp_path / "auth.log", tmp_path / "disk", tmp_path / "spare"
    lines = 150_000
    log.write_bytes(_good(lines))
    disk.mkdir()
    script = tmp_path / "script.sh"
    ours = " ".join(
        [
            f"SOC_TUI_ACQUISITION__CHUNK_BYTES=1000000 SOC_TUI_ANALYSIS__ENABLED=false PYTHONPATH={ROOT}",
            sys.executable,
            "-m soc_tui --format json --workspace",
        ]
    )
    script.write_text(
        f"mount -t tmpfs -o size=6m tmpfs {disk} || exit 77\n"
        f"{ours} {disk}/w ingest {log}; echo first $?\n"
        f"cp -a {disk}/w {spare}\n"
    )
    run = subprocess.run(
        ["unshare", "--mount", "sh", str(script)], capture_output=True, text=True, check=False, timeout=300
    )
    if run.returncode == 77:
        pytest.skip("cannot mount a small disk here")
    assert "first 1" in run.stdout, run.stdout + run.stderr
    assert "no space left" in run.stderr
    grown = Product(spare)
    monkeypatch.setenv("SOC_TUI_ANALYSIS__ENABLED", "false")
    with connect(grown.workspace):
        before = grown.rows("SELECT count(*) AS n FROM events")[0]["n"]
        result = exact(grown.json("ingest", str(log)))
        assert before + result["records_stored"] == lines
        assert grown.rows("SELECT count(DISTINCT source_offset) AS n FROM events") == [{"n": lines}]


@pytest.mark.campaign
def test_a_workspace_that_another_program_holds(product: Product, tmp_path: Path) -> None:
    product.run("status")
    code = f"import duckdb,sys; c=duckdb.connect({str(product.workspace / 'workspace.duckdb')!r}); print(1,flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        run = subprocess.run(
            product.command("status"),
            env={**product.env, "SOC_TUI_TEST": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        holder.communicate()
    assert run.returncode == 1
    assert f"held by process {holder.pid}" in run.stderr
    product.run("status")


def test_a_damaged_workspace(product: Product) -> None:
    product.workspace.mkdir()
    (product.workspace / "workspace.duckdb").write_bytes(b"rubbish" * 5000)
    run = product.run("alerts", code=1)
    assert "damaged" in run.stderr
    assert "what to do:" in run.stderr
    assert (product.workspace / "workspace.duckdb").read_bytes() == b"rubbish" * 5000


@pytest.mark.campaign
def test_a_missing_model_stops_scoring_only(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "auth.log").write_bytes(_good(50))
    (tmp_path / "access.log").write_bytes(
        b'203.0.113.5 - - [17/May/2026:10:05:03 +0000] "GET /a?id=1 HTTP/1.1" 200 5 "-" "x"\n' * 3
    )
    (tmp_path / "models").mkdir()
    paths = [str(tmp_path / "auth.log"), str(tmp_path / "access.log")]
    run = product.run(
        "ingest", *paths, "--format", "json", code=1,
        SOC_TUI_ANALYSIS__MODELS_DIR=str(tmp_path / "models"), SOC_TUI_ANALYSIS__ENABLED="true",
    )  # fmt: skip
    result = exact(json.loads(run.stdout))
    assert result["records_stored"] == 53
    assert result["alerts"] == 1
    assert str(tmp_path / "models") in run.stderr
    assert "what to do:" in run.stderr
    # With the model back, analysis goes on from its own checkpoint.
    monkeypatch.setenv("SOC_TUI_ANALYSIS__ENABLED", "true")
    with connect(product.workspace):
        product.run("ingest", *paths)
        checkpoints = product.rows("SELECT name, event_id FROM checkpoints ORDER BY name")
    assert checkpoints == [{"name": name, "event_id": 53} for name in ("analysis", "detection", "enrichment")]


@pytest.mark.campaign
def test_kill_9_in_the_middle_loses_and_repeats_nothing(product: Product, tmp_path: Path) -> None:
    log, lines = tmp_path / "auth.log", 120_000
    log.write_bytes(_good(lines))
    env = {**product.env, "SOC_TUI_ACQUISITION__CHUNK_BYTES": "200000", "SOC_TUI_ANALYSIS__ENABLED": "false"}
    for _ in range(3):
        ingest = subprocess.Popen(
            product.command("ingest", str(log)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        engines: list[int] = []
        while time.monotonic() < deadline and not engines and ingest.poll() is None:
            engines = _engines(product.workspace)
        time.sleep(0.7)  # any moment will do: the point is that it does not matter which
        for pid in _engines(product.workspace):
            os.kill(pid, signal.SIGKILL)
        ingest.wait(60)
    with connect(product.workspace):
        result = exact(product.json("ingest", str(log)))
        assert result["errors"] == []
        assert product.rows(
            "SELECT count(*) AS n, count(DISTINCT source_offset) AS places, max(event_id) AS last FROM events"
        ) == [{"n": lines, "places": lines, "last": lines}]
        source = product.rows("SELECT records_read, records_stored, records_rejected FROM sources")
        assert source == [{"records_read": lines, "records_stored": lines, "records_rejected": 0}]


def _engines(workspace: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(workspace) in arguments and b"watch" in arguments:
                found.append(int(entry.name))
    return found
