"""Speed as ratios against a limit that is measured in the same run, medians of five.

Timings on a shared machine are noisy, so every figure is a ratio to something that the same run measured: DuckDB's own
``read_csv`` and insert, a bare Typer app, an empty Textual app. ``python -m benchmarks`` writes docs/performance.md.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 5
LINES = 1_000_000

HEADER = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t"
    "conn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\t"
    "tunnel_parents\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\t"
    "string\tcount\tcount\tcount\tcount\tset[string]\n"
)
ZEEK_COLUMNS = {
    "ts": "DOUBLE", "uid": "VARCHAR", "orig_h": "VARCHAR", "orig_p": "INTEGER", "resp_h": "VARCHAR",
    "resp_p": "INTEGER", "proto": "VARCHAR", "service": "VARCHAR", "duration": "DOUBLE", "orig_bytes": "BIGINT",
    "resp_bytes": "BIGINT", "conn_state": "VARCHAR", "local_orig": "VARCHAR", "local_resp": "VARCHAR",
    "missed_bytes": "BIGINT", "history": "VARCHAR", "orig_pkts": "BIGINT", "orig_ip_bytes": "BIGINT",
    "resp_pkts": "BIGINT", "resp_ip_bytes": "BIGINT", "tunnel_parents": "VARCHAR",
}  # fmt: skip


def write_conn_log(path: Path, lines: int = LINES, seed: int = 7) -> None:
    """A Zeek conn.log of ordinary traffic: 4,000 clients, web, DNS and mail, a twentieth of it failing."""
    rng = random.Random(seed)
    services = [("tcp", "ssl", 443), ("tcp", "http", 80), ("udp", "dns", 53), ("tcp", "smtp", 25), ("tcp", "-", 8443)]
    states = ["SF"] * 17 + ["S0", "REJ", "RSTO"]
    at = 1_700_000_000.0
    with path.open("w") as out:
        out.write(HEADER)
        for number in range(lines):
            at += rng.random() * 0.02
            protocol, service, port = services[number % 5]
            client, server = rng.randrange(4000), rng.randrange(900)
            out.write(
                f"{at:.6f}\tC{number:015x}\t10.{client // 250}.{client % 250}.7\t{1024 + rng.randrange(60000)}\t"
                f"192.0.{server // 250}.{server % 250}\t{port}\t{protocol}\t{service}\t{rng.random() * 9:.6f}\t"
                f"{rng.randrange(9000)}\t{rng.randrange(90000)}\t{states[rng.randrange(20)]}\tT\tF\t0\tShADadFf\t"
                f"{rng.randrange(40)}\t{rng.randrange(9000)}\t{rng.randrange(60)}\t{rng.randrange(99000)}\t(empty)\n"
            )


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


EVENT_SELECT = """
    row_number() OVER () AS event_id, make_timestamp((ts * 1000000)::BIGINT) AS time, 4001 AS class_uid,
    'traffic' AS activity, 'zeek' AS product, 'conn' AS log_name, 1 AS source_id, 0 AS source_offset, 0 AS source_length,
    orig_h AS src_ip, orig_p AS src_port, resp_h AS dst_ip, resp_p AS dst_port, proto AS protocol, service,
    CASE WHEN conn_state = 'SF' THEN 'success' ELSE 'failure' END AS status, 'info' AS severity, uid AS session_uid,
    duration, orig_bytes AS bytes_out, resp_bytes AS bytes_in, orig_pkts AS packets_out, resp_pkts AS packets_in, conn_state,
    json_object('local_orig', local_orig, 'local_resp', local_resp, 'missed_bytes', missed_bytes, 'history', history,
        'orig_ip_bytes', orig_ip_bytes, 'resp_ip_bytes', resp_ip_bytes, 'tunnel_parents', tunnel_parents)::VARCHAR AS extra
"""


def read_csv_and_insert(log: Path, folder: Path, *, raw: bool) -> float:
    """The limit: DuckDB's own reader, explicit columns, no sniffing, into a table on disk.

    ``raw``: into a table of the file's own 21 columns as they are; otherwise into the very columns of ``events`` that a
    conn record fills (without finding out where in the file each record is, which DuckDB's reader cannot tell).
    """
    import duckdb

    from soc_tui.store.database import load_sql, migrations

    path = folder / f"limit{time.monotonic_ns()}.duckdb"
    connection = duckdb.connect(str(path), config={"threads": 2, "memory_limit": "512MB"})
    if raw:
        connection.execute(f"CREATE TABLE t ({', '.join(f'{n} {t}' for n, t in ZEEK_COLUMNS.items())})")
    else:
        for file in migrations().values():
            connection.execute(load_sql(file))
    columns = ", ".join(f"'{n}': '{t}'" for n, t in ZEEK_COLUMNS.items())
    target = "INSERT INTO t SELECT *" if raw else f"INSERT INTO events BY NAME SELECT {EVENT_SELECT}"
    statement = (
        f"{target} FROM read_csv('{log}', delim='\t', header=false, comment='#', nullstr='-', quote='', escape='', "
        f"auto_detect=false, columns={{{columns}}})"
    )
    seconds = timed(lambda: (connection.execute(statement), connection.close()))
    path.unlink()
    return seconds


def ingest(log: Path, folder: Path, *, scoring: bool) -> tuple[float, float]:
    """``soc-tui ingest`` in a fresh workspace: seconds of reading, and of everything including detection."""
    import json

    workspace = folder / f"ws{time.monotonic_ns()}"
    run = subprocess.run(
        [sys.executable, "-m", "soc_tui", "--workspace", str(workspace), "--format", "json", "ingest", str(log)],
        env={**os.environ, "SOC_TUI_ANALYSIS__ENABLED": "true" if scoring else "false"},
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    result = json.loads(run.stdout)
    assert result["records_read"] == result["records_stored"] + result["records_rejected"] == LINES
    return result["read_seconds"], result["seconds"]


def process(code: str, *arguments: str) -> float:
    """Seconds of a Python process."""
    command = [sys.executable, "-c", code, *arguments]
    return timed(lambda: subprocess.run(command, check=True, capture_output=True, cwd=ROOT))


BARE_TYPER = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
@app.callback()
def main(): "Nothing."
@app.command()
def one(): "One."
app(args=["--help"])
"""
OURS_HELP = "import sys; sys.argv = ['soc-tui', '--help']; from soc_tui.cli.main import run; run()"
FIRST_FRAME = """
from textual.app import App
{make}
async def leave(pilot):
    await pilot.pause()
    pilot.app.exit()
{app}.run(headless=True, size=(120, 40), auto_pilot=leave)
"""
EMPTY_APP = FIRST_FRAME.format(make="", app="App()")
OUR_APP = FIRST_FRAME.format(
    make="from soc_tui.console.app import ConsoleApp\nimport threading\ndef connect():\n    threading.Event().wait(60)\n",
    app="ConsoleApp(connect, title='probe')",
)


def medians() -> dict[str, float]:
    """Every figure, alternating limit and product so that a busy spell hits both."""
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "conn.log"
        write_conn_log(log)
        for run in range(RUNS):
            print(f"run {run + 1} of {RUNS}", file=sys.stderr)
            limit, raw = read_csv_and_insert(log, folder, raw=False), read_csv_and_insert(log, folder, raw=True)
            read, _ = ingest(log, folder, scoring=False)
            _, everything = ingest(log, folder, scoring=True)
            note("limit_seconds", limit)
            note("read_seconds", read)
            note("read_ratio", read / limit)
            note("raw_seconds", raw)
            note("raw_ratio", read / raw)
            note("scored_events_per_second", LINES / everything)
            bare, ours = process(BARE_TYPER), process(OURS_HELP)
            note("help_ratio", ours / bare)
            note("help_seconds", ours)
            empty, console = process(EMPTY_APP), process(OUR_APP)
            note("frame_ratio", console / empty)
            note("frame_seconds", console)
    return {key: statistics.median(values) for key, values in figures.items()}


def main() -> None:
    """Measure and write docs/performance.md."""
    found = medians()
    rows = [
        ("1M-line Zeek conn.log stored, without scoring, against DuckDB's read_csv + insert into the same columns of events",
         f"{found['read_ratio']:.2f}x ({found['read_seconds']:.1f} s against {found['limit_seconds']:.1f} s)", "at most 2x",
         found["read_ratio"] <= 2),
        ("the same against read_csv + insert of the 21 columns as they stand in the file, nothing converted",
         f"{found['raw_ratio']:.2f}x ({found['read_seconds']:.1f} s against {found['raw_seconds']:.1f} s)", "(for comparison)",
         None),
        ("the same with detection and flow scoring, whole command",
         f"{found['scored_events_per_second']:,.0f} events/s", "at least 20,000 events/s",
         found["scored_events_per_second"] >= 20_000),
        ("`soc-tui --help` against a bare Typer app",
         f"{found['help_ratio']:.2f}x ({found['help_seconds'] * 1000:.0f} ms)", "at most 1.5x", found["help_ratio"] <= 1.5),
        ("first console frame against an empty Textual app, whole process",
         f"{found['frame_ratio']:.2f}x ({found['frame_seconds'] * 1000:.0f} ms)", "at most 1.5x",
         found["frame_ratio"] <= 1.5),
    ]  # fmt: skip
    text = [
        "# Performance", "",
        f"Medians of {RUNS} runs of `make bench` on {os.cpu_count()} cores ({platform.machine()}, Python "
        f"{platform.python_version()}); limit and product alternate in one run. Ratios travel better than seconds.", "",
        "| what | measured | goal | met |", "|---|---|---|---|",
        *(f"| {what} | {value} | {goal} | {'' if met is None else 'yes' if met else 'no'} |" for what, value, goal, met in rows), "",
    ]  # fmt: skip
    target = ROOT / "docs" / "performance.md"
    kept = target.read_text(encoding="utf-8").partition("\n## ") if target.exists() else ("", "", "")
    target.write_text("\n".join(text) + kept[1] + kept[2], encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
