"""The figures of data acquisition, each against a peer or a limit measured in the same run.

    python -m benchmarks.ingest formats    # every format against DuckDB's own reader into the same columns
    python -m benchmarks.ingest peers      # goaccess, fail2ban-regex and lnav on the same files (from Debian)
    python -m benchmarks.ingest memory     # peak memory at 1M and 10M lines
    python -m benchmarks.ingest tail       # 5,000 events/s for 10 minutes, then ten times that for a minute

Each writes its section of docs/ingest.md. Files are made of the sample logs, repeated.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.samples import SAMPLES, Sample
from soc_tui.management.client import Client

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "ingest.md"
RUNS = 5
MILLION = 1_000_000


# -- files ---------------------------------------------------------------------------------------------------------------


def repeated(path: Path, lines: list[bytes], count: int) -> Path:
    """A file of ``count`` lines."""
    whole, rest = divmod(count, len(lines))
    block = b"".join(lines)
    with path.open("wb") as out:
        for _ in range(whole):
            out.write(block)
        out.writelines(lines[:rest])
    return path


def sample_lines(name: str, keep: bytes = b"") -> list[bytes]:
    """The lines of a sample log, those that hold ``keep``."""
    raw = gzip.decompress((ROOT / "sample_data" / name).read_bytes())
    return [line for line in raw.splitlines(keepends=True) if keep in line]


# -- running ---------------------------------------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quietly(*command: str, **env: str) -> None:
    """Run a command for its time."""
    subprocess.run(
        command, env={**os.environ, **env}, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def ingest(log: Path, folder: Path, *, scoring: bool, as_format: str = "") -> dict[str, Any]:
    """``soc-tui ingest`` in a fresh workspace: its report and the peak memory of its engine in MB."""
    workspace = folder / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    command = [sys.executable, "-m", "soc_tui", "--workspace", str(workspace), "--format", "json", "ingest", str(log)]
    command += ["--as", as_format] if as_format else []
    env = {**os.environ, "SOC_TUI_ANALYSIS__ENABLED": str(scoring).lower(), "PYTHONPATH": str(ROOT)}
    began, peak = time.perf_counter(), 0
    with (folder / "report.json").open("wb") as report:
        run = subprocess.Popen(command, env=env, stdout=report, stderr=subprocess.DEVNULL)
        while run.poll() is None:
            peak = max(peak, engine_memory(run.pid))
            time.sleep(0.02)
    result: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert result["records_read"] == result["records_stored"] + result["records_rejected"]
    return {**result, "command_seconds": time.perf_counter() - began, "peak_mb": peak}


def engine_memory(parent: int) -> int:
    """The highest resident memory of the engine that a command started, in MB."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024
    except (OSError, IndexError):
        return 0


# -- formats -----------------------------------------------------------------------------------------------------------


def ours(log: Path, folder: Path, sample: Sample) -> float:
    """Read, normalise and store in this process, as the engine does."""
    from soc_tui.core.clock import SystemClock
    from soc_tui.core.settings import AcquisitionSettings
    from soc_tui.management.intake import Intake
    from soc_tui.management.tally import Tally
    from soc_tui.store.database import Store

    workspace = folder / "ours"
    shutil.rmtree(workspace, ignore_errors=True)
    with Store.open(workspace / "w.duckdb") as store:
        intake = Intake(store, AcquisitionSettings(templates=False), SystemClock(), lambda: None)
        tally = Tally()
        spent = seconds(lambda: list(intake.ingest([log], sample.format, tally)))
        intake.stop()
    read, stored = tally.total("records_read"), tally.total("records_stored")
    assert read == stored > 0, (sample.format, read, stored, tally.errors)
    return spent


def duckdb_reader(log: Path, folder: Path, sample: Sample) -> float:
    """The limit: DuckDB's own reader with explicit columns, straight into the same columns of ``events``."""
    import duckdb

    from soc_tui.acquisition.formats.sql import load_sql
    from soc_tui.store.database import load_sql as read
    from soc_tui.store.database import migrations

    path = folder / "limit.duckdb"
    path.unlink(missing_ok=True)
    connection = duckdb.connect(str(path), config={"threads": 2, "memory_limit": "512MB"})
    connection.execute("SET TimeZone = 'UTC'")
    for file in migrations().values():
        connection.execute(read(file))
    connection.execute(load_sql("macros"))
    statement = f"INSERT INTO events_hot BY NAME SELECT {sample.select} FROM {sample.reader.format(log=log)}"
    spent = seconds(lambda: connection.execute(statement))
    count = connection.execute("SELECT count(*) FROM events_hot").fetchall()[0][0]
    connection.close()
    assert count >= sample.least(sample.count), (sample.format, count)
    return spent


def formats(folder: Path) -> str:
    """Every format for which DuckDB has a reader of its own, and the rest against its line reader and the same SQL."""
    rows = []
    for sample in SAMPLES:
        log = sample.write(folder / "sample.log")
        pairs = [(duckdb_reader(log, folder, sample), ours(log, folder, sample)) for _ in range(RUNS)]
        limit, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"{sample.format}: {ratio:.2f}x ({mine:.2f} s against {limit:.2f} s)", file=sys.stderr)
        rows.append(
            f"| {sample.format} | {sample.count:,} | {limit:.2f} s | {mine:.2f} s | {ratio:.2f}x | {'yes' if ratio <= 1.5 else 'no'} |"
        )
    head = "| format | records | DuckDB's reader | soc-tui | ratio | at most 1.5x |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


# -- peers -------------------------------------------------------------------------------------------------------------


def peers(folder: Path) -> str:
    """goaccess, fail2ban-regex and lnav on the same million lines."""
    access = repeated(folder / "access.log", sample_lines("web/access.log.gz"), MILLION)
    sshd = repeated(folder / "auth.log", sample_lines("host/auth.log.gz", b"sshd["), MILLION)
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    for _ in range(RUNS):
        note(
            "goaccess",
            seconds(
                lambda: quietly(
                    "goaccess", str(access), "--log-format=COMBINED", "--no-progress", "-o", str(folder / "ga.json")
                )
            ),
        )
        scored = ingest(access, folder, scoring=True)
        note("scored", scored["command_seconds"])
        note(
            "lnav",
            seconds(
                lambda: quietly("lnav", "-n", "-c", ";SELECT count(*) FROM all_logs", str(access), HOME=str(folder))
            ),
        )
        stored = ingest(access, folder, scoring=False)
        note("stored", stored["command_seconds"])
        note("read", stored["read_seconds"])
        note("fail2ban", seconds(lambda: quietly("fail2ban-regex", str(sshd), "sshd")))
        note("sshd", ingest(sshd, folder, scoring=False)["command_seconds"])
    middle = {name: statistics.median(values) for name, values in figures.items()}
    ratios = {
        "1M access-log lines stored and scored (whole command) against goaccess": ("scored", "goaccess", 0.6),
        "1M access-log lines stored (whole command) against lnav's open and count": ("stored", "lnav", 3.0),
        "the same, reading and storing alone": ("read", "lnav", 3.0),
        "1M sshd lines stored and examined (whole command) against fail2ban-regex": ("sshd", "fail2ban", 1 / 6),
    }
    rows = []
    for what, (mine, peer, goal) in ratios.items():
        ratio = statistics.median(a / b for a, b in zip(figures[mine], figures[peer], strict=True))
        rows.append(
            f"| {what} | {middle[mine]:.2f} s | {middle[peer]:.2f} s | {ratio:.2f}x | {goal:.2f}x | {'yes' if ratio <= goal else 'no'} |"
        )
    return "| what | soc-tui | peer | ratio | goal | met |\n|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


# -- memory --------------------------------------------------------------------------------------------------------------


def memory(folder: Path) -> str:
    """Peak memory of the engine, with and without scoring, at 1M and at 10M lines."""
    rows = []
    for name, lines in (
        ("access", sample_lines("web/access.log.gz")),
        ("sshd", sample_lines("host/auth.log.gz", b"sshd[")),
    ):
        for count in (MILLION, 10 * MILLION):
            log = repeated(folder / f"{name}.log", lines, count)
            for scoring in (False, True):
                found = ingest(log, folder, scoring=scoring)
                rate = count / found["command_seconds"]
                print(name, count, scoring, found["peak_mb"], file=sys.stderr)
                rows.append(
                    f"| {name} | {count:,} | {'yes' if scoring else 'no'} | {found['peak_mb']} MB | {rate:,.0f} |"
                )
            log.unlink()
    return (
        "| log | lines | networks | peak of the engine | lines/s, whole command |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


# -- tail ----------------------------------------------------------------------------------------------------------------


@contextmanager
def watching(workspace: Path, logs: Path) -> Iterator[Client]:
    """A running engine and a client of it."""
    command = [sys.executable, "-m", "soc_tui", "--workspace", str(workspace), "watch", str(logs)]
    engine = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert engine.stderr is not None
    engine.stderr.readline()
    with Client(workspace) as client:
        yield client
    engine.terminate()
    assert engine.wait(60) == 0


def paced(log: Path, client: Client, lines: list[bytes], rate: int, duration: float) -> tuple[int, list[float], float]:
    """Append at a steady rate and watch the store.

    Returns:
        Lines written, seconds from line to stored of each tick's lines, and seconds after the end until all was there.
    """
    before, written, stored, at = int(client.command("pulse")["events"]), 0, 0, 0
    ticks: list[tuple[float, int]] = []
    latencies: list[float] = []
    began = time.monotonic()

    def look() -> None:
        nonlocal stored, at
        stored = int(client.command("pulse")["events"]) - before
        now = time.monotonic()
        while at < len(ticks) and ticks[at][1] <= stored:
            latencies.append(now - ticks[at][0])
            at += 1

    with log.open("ab", buffering=0) as out:
        while (passed := time.monotonic() - began) < duration:
            due = int(passed * rate) - written
            if due > 0:
                out.write(b"".join(lines[(written + n) % len(lines)] for n in range(due)))
                written += due
                ticks.append((time.monotonic(), written))
            look()
            time.sleep(0.02)
    ended = time.monotonic()
    while stored < written and time.monotonic() - ended < 300:
        look()
        time.sleep(0.02)
    return written, latencies, time.monotonic() - ended


def tail(folder: Path, minutes: float = 10, rate: int = 5000) -> str:
    """Steady load, then a burst of ten times as much for a minute."""
    logs = folder / "logs"
    logs.mkdir()
    lines = sample_lines("host/auth.log.gz", b"sshd[")
    rows = []
    with watching(folder / "workspace", logs) as client:
        for what, pace, duration in (("steady", rate, minutes * 60), ("burst", rate * 10, 60)):
            written, latencies, after = paced(logs / f"{what}.log", client, lines, pace, duration)
            total = {row["path"]: row for row in client.query("sources").to_pylist()}[str(logs / f"{what}.log")]
            lost = written - total["records_stored"]
            latencies.sort()
            p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
            print(what, written, lost, p50, p99, after, file=sys.stderr)
            rows.append(
                f"| {what} | {pace:,}/s for {duration:.0f} s | {written:,} | {total['records_stored']:,} | {lost} | {p50:.2f} s | {p99:.2f} s | {after:.1f} s |"
            )
    head = "| load | pace | lines written | lines stored | lost | median line to stored | p99 | caught up after the end in |\n|---|---|---|---|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


# -- report ----------------------------------------------------------------------------------------------------------------

TITLES = {
    "formats": "Formats against DuckDB's own reader",
    "peers": "Peers on the same files",
    "memory": "Memory",
    "tail": "Live",
}
INTRODUCTION = """# Figures of data acquisition

Written by `python -m benchmarks.ingest`, section by section. Medians of five where a time is compared; product and peer
alternate in one run, and the ratio is the median of the runs' ratios. Ratios travel better than seconds.
"""


def write(section: str, text: str) -> None:
    """Put a section into docs/ingest.md and leave the others."""
    kept: dict[str, str] = {}
    if TARGET.exists():
        for part in TARGET.read_text(encoding="utf-8").split("\n## ")[1:]:
            title, _, body = part.partition("\n")
            kept[title] = body.strip() + "\n"
    where = f"On {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}).\n\n"
    kept[TITLES[section]] = where + text
    order = [title for title in TITLES.values() if title in kept] + [t for t in kept if t not in TITLES.values()]
    TARGET.write_text(INTRODUCTION + "".join(f"\n## {title}\n\n{kept[title]}" for title in order), encoding="utf-8")
    print(text)


def main() -> None:
    """Measure the named sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=list(TITLES))
    parser.add_argument("--minutes", type=float, default=10, help="of steady load in `tail`")
    options = parser.parse_args()
    for section in options.sections:
        with tempfile.TemporaryDirectory(prefix="soc-tui-bench-") as name:
            folder = Path(name)
            work = {"formats": formats, "peers": peers, "memory": memory}.get(section)
            write(section, work(folder) if work else tail(folder, options.minutes))


if __name__ == "__main__":
    main()
