"""The figures of data acquisition, each against a peer or a limit measured in the same run.

    python -m benchmarks.ingest formats    # every format against DuckDB's own reader into the same columns
    python -m benchmarks.ingest peers      # goaccess, fail2ban-regex and lnav on the same files (from Debian)
    python -m benchmarks.ingest floor      # the lines of `peers` through DuckDB alone
    python -m benchmarks.ingest memory     # peak memory at 1M and 10M lines
    python -m benchmarks.ingest tail       # 5,000 events/s for 10 minutes, then ten times that for a minute

Each writes its section of docs/ingest.md. Files are made of the sample logs, repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from benchmarks.samples import COUNT, Sample, packed, samples, sshd
from soc_tui.management.client import Client

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "ingest.md"
RUNS = 5
MILLION = 1_000_000


# -- files ---------------------------------------------------------------------------------------------------------------


BEGIN = datetime(2026, 5, 17)
A_SECOND = 10


def access_at(line: bytes, moment: datetime) -> bytes:
    """An access log line at another time."""
    head, _, rest = line.partition(b"[")
    return head + moment.strftime("[%d/%b/%Y:%H:%M:%S +0000]").encode() + rest.partition(b"]")[2]


def syslog_at(line: bytes, moment: datetime) -> bytes:
    """A syslog line at another time."""
    return moment.strftime("%b %e %H:%M:%S").encode() + line[15:]


def repeated(path: Path, lines: list[bytes], count: int, at: Callable[[bytes, datetime], bytes]) -> Path:
    """A file of ``count`` lines, the sample's again and again while time goes on, A_SECOND lines each second.

    With the sample's own times every event would lie within the same few hours as all others, which no log does and
    which makes whoever looks at an hour look at everything.
    """
    with path.open("wb") as out:
        for second in range(-(-count // A_SECOND)):
            moment, first = BEGIN + timedelta(seconds=second), second * A_SECOND
            out.writelines(at(lines[n % len(lines)], moment) for n in range(first, min(first + A_SECOND, count)))
    return path


# -- running ---------------------------------------------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a call or a command takes."""

    wall: float
    cpu: float
    """Seconds of all its threads and processes: the figure that other work of the machine hardly touches."""


def _cpu() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def cost(work: Callable[[], object]) -> Cost:
    """What a call takes, with the commands that it runs and waits for."""
    began, spent = time.perf_counter(), _cpu()
    work()
    return Cost(time.perf_counter() - began, _cpu() - spent)


def ratio(mine: list[Cost], limit: list[Cost]) -> Cost:
    """The medians of the runs' ratios."""
    pairs = list(zip(mine, limit, strict=True))
    return Cost(
        statistics.median(a.wall / b.wall for a, b in pairs), statistics.median(a.cpu / b.cpu for a, b in pairs)
    )


def middle(costs: list[Cost]) -> Cost:
    """The medians of wall and CPU."""
    return Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))


def verdict(found: float, goal: float) -> str:
    return "yes" if found <= goal else "no"


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
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # who uses an installed command does not compile it at every start
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


def ours(log: Path, folder: Path, sample: Sample) -> Cost:
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
        spent = cost(lambda: list(intake.ingest([log], sample.format, tally)))
        intake.stop()
    read, stored = tally.total("records_read"), tally.total("records_stored")
    assert read == sample.count, (sample.format, read, tally.errors)
    assert stored > 0.8 * read, (sample.format, read, stored)  # a fixture holds a broken record on purpose
    return spent


def own_sql(sample: Sample) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The SQL that the format itself runs over these records, its parameters, and what its ``lines`` have besides."""
    from soc_tui.acquisition.formats import FORMATS, Origin
    from soc_tui.acquisition.formats import sql as runner

    taken: list[tuple[str, dict[str, Any], pa.Table]] = []
    run = runner._run

    def noted(sql: str, lines: pa.Table, params: dict[str, Any] | None) -> pa.Table:
        taken.append((sql, params or {}, lines))
        return run(sql, lines, params)

    form = FORMATS[sample.format]
    lines = form.framing.cut(sample.head + b"".join(sample.records), 0, 1 << 20, final=True).records
    runner._run = noted
    try:
        form.normalise(lines, {}, Origin("sample.log", datetime(2026, 5, 17)))
    finally:
        runner._run = run
    sql, params, given = taken[-1]
    return sql, params, {name: given[name][0].as_py() for name in given.column_names[3:]}


def statement(log: Path, sample: Sample) -> tuple[str, dict[str, Any]]:
    """DuckDB's own reader straight into a table with all the columns of ``events``."""
    if sample.native:
        query, params = sample.native.format(log=log), {}
    else:
        sql, params, besides = own_sql(sample)
        # The place of a record is what the SQL of some formats orders by; DuckDB's reader cannot tell it.
        place = "row_number() OVER ()" if " OVER " in sql.upper() else "0::BIGINT"
        more = "".join(f", '{value}' AS {name}" for name, value in besides.items())
        # `lines` is text of the query and no name in the catalogue, so that it is read in parallel.
        source = f"(SELECT {place} AS source_offset, strlen(line)::INTEGER AS source_length, line{more} FROM {sample.reader(log)})"
        query = f"SELECT * EXCLUDE (reason) FROM (WITH lines AS {source} SELECT * FROM ({sql}))"
    return (
        f"INSERT INTO events_any BY NAME SELECT row_number() OVER () AS event_id, 1 AS source_id, * FROM ({query})",
        params,
    )


def duckdb_reader(log: Path, folder: Path, sample: Sample) -> Cost:
    """The limit: one statement of DuckDB with explicit columns, nothing sniffed, nothing committed in between."""
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
    made, params = statement(log, sample)
    spent = cost(lambda: connection.execute(made, params))
    count = connection.execute("SELECT count(*) FROM events_any").fetchall()[0][0]
    connection.close()
    assert count == sample.count, (sample.format, count)
    return spent


def kept_rows(target: Path) -> dict[str, str]:
    """The rows of the formats that were measured before, by format."""
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    section = text.partition(f"\n## {TITLES['formats']}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return {line.split("|")[1].strip(): line for line in rows[1:]}


def formats(folder: Path, options: argparse.Namespace) -> str:
    """Every format against DuckDB's reader of its fields, or against its line reader and the same SQL."""
    rows = kept_rows(options.out) if options.only else {}
    wanted = [samples()[name] for name in options.only or samples()]
    for sample in (replace(one, count=options.records) for one in wanted):
        log, lines = sample.write(folder / "sample.log"), sample.write_for_duckdb(folder / "lines.log")
        limit, mine = [], []
        for _ in range(options.runs):
            limit.append(duckdb_reader(lines, folder, sample))
            mine.append(ours(log, folder, sample))
        times = ratio(mine, limit)
        rows[sample.format] = (
            f"| {sample.format} | {'fields' if sample.native else 'lines, same SQL'} | {options.records:,} | {options.runs} "
            f"| {times.wall:.2f}x | {verdict(times.wall, 1.5)} | {times.cpu:.2f}x | {verdict(times.cpu, 1.5)} |"
        )
        print(rows[sample.format], file=sys.stderr, flush=True)
    return _FORMATS_HEAD + "\n".join(rows.values()) + "\n"


_FORMATS_HEAD = """DuckDB reads the fields where it has a reader of them, else lines over which it runs the format's own SQL; records
of several lines it gets already joined. It fills one table with all columns of `events`; soc-tui chooses a narrower one
where the records leave the others empty. It plans once, neither commits in between nor finds out where each record is. Of JSON
logs in sections (Suricata, Zeek) it is also told which section each record is of. Both may use two threads.

| format | DuckDB reads | records | runs | wall, soc-tui / DuckDB | at most 1.5x | CPU | at most 1.5x |
|---|---|---|---|---|---|---|---|
"""


# -- peers -------------------------------------------------------------------------------------------------------------


def peers(folder: Path, options: argparse.Namespace) -> str:
    """goaccess, fail2ban-regex and lnav on the same lines."""
    count = options.lines
    access = repeated(folder / "access.log", packed("web/access.log.gz"), count, access_at)
    log = repeated(folder / "auth.log", sshd(), count, syslog_at)
    work: dict[str, Callable[[], object]] = {
        "goaccess": lambda: quietly(
            "goaccess", str(access), "--log-format=COMBINED", "--no-progress", "-o", str(folder / "ga.json")
        ),
        "scored": lambda: ingest(access, folder, scoring=True),
        "lnav": lambda: quietly("lnav", "-n", "-c", ";SELECT count(*) FROM all_logs", str(access), HOME=str(folder)),
        "stored": lambda: ingest(access, folder, scoring=False),
        "fail2ban": lambda: quietly("fail2ban-regex", str(log), "sshd"),
        "sshd": lambda: ingest(log, folder, scoring=False),
    }
    figures: dict[str, list[Cost]] = {name: [] for name in work}
    for _ in range(options.runs):
        for name, run in work.items():
            figures[name].append(cost(run))
            print(name, figures[name][-1], file=sys.stderr, flush=True)
    goals = {
        "access-log lines stored and scored, against goaccess": ("scored", "goaccess", 0.6),
        "access-log lines stored, against lnav's open and count": ("stored", "lnav", 3.0),
        "sshd lines stored and examined, against fail2ban-regex": ("sshd", "fail2ban", 1 / 6),
    }
    rows = []
    for what, (mine, peer, goal) in goals.items():
        times, of_us, of_peer = ratio(figures[mine], figures[peer]), middle(figures[mine]), middle(figures[peer])
        rows.append(
            f"| {what} | {of_us.wall:.1f} s | {of_peer.wall:.1f} s | {times.wall:.2f}x | {of_us.cpu:.1f} s | {of_peer.cpu:.1f} s "
            f"| {times.cpu:.2f}x | {goal:.2f}x | {verdict(times.wall, goal)} |"
        )
    return (
        f"{count:,} lines, whole commands from start to exit, median of {options.runs}.\n\n"
        "| what | soc-tui | peer | ratio | soc-tui's CPU | peer's CPU | ratio | goal | met (wall) |\n|---|---|---|---|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def floor(folder: Path, options: argparse.Namespace) -> str:
    """What the lines of `peers` cost DuckDB alone: its reader, the format's own SQL, one insert, nothing around it."""
    rows = []
    for name, lines, at in (("access", packed("web/access.log.gz"), access_at), ("syslog", sshd(), syslog_at)):
        log = repeated(folder / f"{name}.log", lines, options.lines, at)
        sample = replace(samples()[name], count=options.lines)
        found = middle([duckdb_reader(log, folder, sample) for _ in range(options.runs)])
        rows.append(f"| {name} | {options.lines:,} | {found.wall:.1f} s | {found.cpu:.1f} s |")
        log.unlink()
    return (
        f"The CPU time is the bound of what this SQL can do: it read these files on one thread. Medians of {options.runs}, "
        "without a start of Python.\n\n"
        "| log | lines | wall | CPU |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


# -- memory --------------------------------------------------------------------------------------------------------------


def memory(folder: Path, options: argparse.Namespace) -> str:
    """Peak memory of the engine, with and without scoring, at the given number of lines and ten times as many."""
    rows = []
    for name, lines, at in (("access", packed("web/access.log.gz"), access_at), ("sshd", sshd(), syslog_at)):
        for count in (options.lines, 10 * options.lines):
            log = repeated(folder / f"{name}.log", lines, count, at)
            for scoring in (False, True):
                found = ingest(log, folder, scoring=scoring)
                rate = count / found["command_seconds"]
                print(name, count, scoring, found["peak_mb"], file=sys.stderr, flush=True)
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
                now = datetime.now(UTC).strftime("%b %e %H:%M:%S").encode()  # live lines have the time of now
                out.write(b"".join(now + lines[(written + n) % len(lines)][15:] for n in range(due)))
                written += due
                ticks.append((time.monotonic(), written))
            look()
            time.sleep(0.05)  # as often as five consoles; each look costs the engine a query
    ended = time.monotonic()
    while stored < written and time.monotonic() - ended < 300:
        look()
        time.sleep(0.05)
    return written, latencies, time.monotonic() - ended


def tail(folder: Path, options: argparse.Namespace) -> str:
    """Steady load, then a burst of ten times as much for a minute."""
    minutes, rate = options.minutes, options.rate
    logs = folder / "logs"
    logs.mkdir()
    lines = sshd()
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
    "floor": "What DuckDB alone takes",
    "memory": "Memory",
    "tail": "Live",
    "accounting": "Accounting",
}
INTRODUCTION = """# Figures of data acquisition

Written by `python -m benchmarks.ingest` and `python -m benchmarks.accounting`, section by section. Product and peer
alternate in one run, and the ratio is the median of the runs' ratios. Ratios travel better than seconds, and where a
machine is busy with other work CPU time is worth more than wall time.
"""


def write(section: str, text: str, target: Path = TARGET) -> None:
    """Put a section into docs/ingest.md and leave the others."""
    kept: dict[str, str] = {}
    if target.exists():
        for part in target.read_text(encoding="utf-8").split("\n## ")[1:]:
            title, _, body = part.partition("\n")
            kept[title] = body.strip() + "\n"
    busy = os.getloadavg()[2]
    where = (
        f"On {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}); average number of processes that "
        f"wanted them during the last quarter of an hour, these included: {busy:.1f}.\n\n"
    )
    kept[TITLES[section]] = where + text
    order = [title for title in TITLES.values() if title in kept] + [t for t in kept if t not in TITLES.values()]
    target.write_text(INTRODUCTION + "".join(f"\n## {title}\n\n{kept[title]}" for title in order), encoding="utf-8")
    print(text)


def main() -> None:
    """Measure the named sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=[name for name in TITLES if name != "accounting"])
    parser.add_argument("--minutes", type=float, default=10, help="of steady load in `tail`")
    parser.add_argument("--rate", type=int, default=5000, help="events a second in `tail`")
    parser.add_argument("--runs", type=int, default=RUNS, help="of which medians are taken")
    parser.add_argument("--records", type=int, default=COUNT, help="of each format in `formats`")
    parser.add_argument("--only", nargs="*", help="these formats alone")
    parser.add_argument("--out", type=Path, default=TARGET, help="the report of which a section is written")
    parser.add_argument("--lines", type=int, default=MILLION, help="in `peers`; in `memory` also ten times as many")
    options = parser.parse_args()
    for section in options.sections:
        with tempfile.TemporaryDirectory(prefix="soc-tui-bench-") as name:
            folder = Path(name)
            work = {"formats": formats, "peers": peers, "floor": floor, "memory": memory, "tail": tail}[section]
            write(section, work(folder, options), options.out)


if __name__ == "__main__":
    main()
