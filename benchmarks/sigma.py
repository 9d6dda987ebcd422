"""Sigma: how many of SigmaHQ's rules apply and convert, and how fast all of them run over real logs.

    python -m benchmarks.sigma --data DIR [--events N] [--runs N]

The rules are those of ``knowledge/sigma_linux_web_network.jsonl.gz`` of the data folder. The logs are real ones of that
folder, repeated with their times moved until there are enough events; commands in the audit log are made, because no real
one is at hand. A run examines all events in windows as the engine does, findings included. The tables go between the
marks of docs/sigma.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.documents import ROOT, fill, table
from soc_tui.acquisition.reader import Chunk, open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import AcquisitionSettings, StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.detection.sigma.compiling import compile_folders
from soc_tui.detection.sigma.sources import SOURCES
from soc_tui.management.pipeline import WINDOW_EVENTS
from soc_tui.management.sigma import Matcher, usable
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks, last_event_id

DOCUMENT = ROOT / "docs" / "sigma.md"
EVENTS, RUNS = 200_000, 5
LOGS = (
    ("access", ("hostlogs/elastic_apache_access_combined.log.gz", "hostlogs/slrbl_access.log.2022-12-22.gz")),
    ("syslog", ("hostlogs/elastic_auth.log.gz", "hostlogs/loghub_Linux_2k.log.gz", "hostlogs/loghub_OpenSSH_2k.log.gz")),
    ("zeek", ("sensor/rita/valid_tsv/http.log.gz", "sensor/zed-sample-data/zeek-default/dns.log.gz",
              "sensor/otrf-apt29/day1/individual_zeek_logs/SCRANTON_conn.log",
              "sensor/otrf-apt29/day1/individual_zeek_logs/SCRANTON_dce_rpc.log")),
    ("suricata", ("sensor/suricata-eve/suricata-verify.eve.json.gz", "sensor/suricata-eve/zeek-traces.eve.json.gz")),
    ("audit (made)", ()),
)  # fmt: skip
_COMMANDS = (
    ("ls", "-la", "/var/www"), ("python3", "/opt/app/run.py", "--port", "8080"), ("grep", "-r", "error", "/var/log/app"),
    ("bash", "-c", "echo hello"), ("systemctl", "status", "nginx"), ("git", "pull"), ("cat", "/etc/hostname"),
    ("curl", "-s", "http://10.0.0.5/health"), ("sed", "-n", "1p", "/srv/app/VERSION"), ("pg_dump", "-Fc", "shop"),
)  # fmt: skip


def write_rules(data: Path, folder: Path) -> None:
    """SigmaHQ's rules of the data folder as files."""
    with gzip.open(data / "knowledge" / "sigma_linux_web_network.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            rule = json.loads(line)
            path = folder / rule["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rule["yaml"], encoding="utf-8")


def audit_log(count: int) -> Iterator[str]:
    """Programs started on a server."""
    for number in range(count):
        words = _COMMANDS[number % len(_COMMANDS)]
        head = f"msg=audit({1_764_300_000 + number}.123:{number + 1}):"
        exe = f"/usr/bin/{words[0]}"
        yield (
            f"type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=1 ppid=1 pid=9 "
            f'auid=1000 uid=0 gid=0 euid=0 ses=3 comm="{words[0]}" exe="{exe}" key="exec"\n'
        )
        quoted = (f'"{word}"' if " " not in word else word.encode().hex().upper() for word in words)
        yield (
            f"type=EXECVE {head} argc={len(words)} " + " ".join(f"a{n}={word}" for n, word in enumerate(quoted)) + "\n"
        )
        yield f'type=CWD {head} cwd="/root"\n'


def read(path: Path) -> pa.Table:
    """A log as events."""
    settings = AcquisitionSettings()
    state = open_source(path, [], settings)
    return pa.concat_tables([c.events for c in read_chunks(state, settings, final=True, clock=SystemClock())])


def fill_store(store: Store, data: Path, folder: Path, events: int) -> dict[str, int]:
    """Equal shares of every kind of log; returns how many events of each there are."""
    (folder / "audit.log").write_text("".join(audit_log(events // len(LOGS))), encoding="utf-8")
    shares: dict[str, int] = {}
    number = 0
    for kind, names in LOGS:
        tables = [read(data / name) for name in names] or [read(folder / "audit.log")]
        share, day = events // len(LOGS), 0
        while share > 0:
            for whole in tables:
                part = whole.slice(0, min(share, whole.num_rows))
                if part.num_rows == 0:
                    continue
                place = part.column_names.index("time")
                part = part.set_column(
                    place, "time", pc.add(part["time"], pa.scalar(timedelta(days=day), pa.duration("us")))
                )
                number += 1
                state = SourceState(
                    str(number), source_id=number, records_read=part.num_rows, records_stored=part.num_rows
                )
                append_chunks(store, [Chunk(state, part, REJECTS.empty_table(), 0)], datetime.now(UTC))
                shares[kind] = shares.get(kind, 0) + part.num_rows
                share -= part.num_rows
            day += 400
    return shares


def run(store: Store, rules: Ruleset) -> tuple[float, float, int]:
    """Examine everything once: seconds, seconds of processor time, findings."""
    matcher, last, found = Matcher(store, rules), last_event_id(store), 0
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(1, last + 1, WINDOW_EVENTS):
        found += matcher.window(first, min(first + WINDOW_EVENTS - 1, last)).num_rows
    return time.perf_counter() - began, time.process_time() - cpu, found


def coverage(rules: Ruleset) -> tuple[str, str]:
    """The table by source, and that of the reasons."""
    by_source = Counter(rule.source for rule in rules.rules)
    sources = [[f"`{name}`", SOURCES[name].title, str(count)] for name, count in by_source.most_common()]
    reasons = Counter(f"{entry.state}: {entry.why}" for entry in rules.entries if entry.state != "converted")
    return (
        table(["source", "events", "rules"], sources),
        table(["why", "rules"], [[why, str(count)] for why, count in reasons.most_common()]),
    )


def main() -> None:
    """Measure, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rules(options.data, folder / "rules")
        began = time.perf_counter()
        rules = compile_folders([("sigmahq", folder / "rules")])
        compiling = time.perf_counter() - began
        with Store.open(folder / "w.duckdb", StoreSettings()) as store:
            shares = fill_store(store, options.data, folder, options.events)
            rules = usable(store, rules)
            runs = [run(store, rules) for _ in range(options.runs)]
            total = last_event_id(store)
    counts = rules.counts()
    applicable = counts["converted"] + counts["damaged"]
    seconds, cpu = statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs)
    lines = [
        f"{sum(counts.values())} rules: {applicable} apply, of which {counts['converted']} convert "
        f"({100 * counts['converted'] / applicable:.1f} %); {counts['not applicable']} are about logs or fields that are not read. "
        f"Compiling all takes {compiling:.1f} s, once.",
        "",
        table(
            ["figure", "value"],
            [
                ["events", f"{total:,} ({', '.join(f'{kind} {count:,}' for kind, count in shares.items())})"],
                ["rules at work", f"{len(rules.rules)}"],
                [f"seconds, median of {len(runs)}", f"{seconds:.2f} ({', '.join(f'{r[0]:.2f}' for r in runs)})"],
                ["events/s", f"{total / seconds:,.0f}"],
                ["seconds of processor time", f"{cpu:.2f}"],
                ["events per second of processor time", f"{total / cpu:,.0f}"],
                ["findings", f"{runs[0][2]:,}"],
            ],
        ),
    ]
    by_source, reasons = coverage(rules)
    for mark, text in (("speed", "\n".join(lines)), ("coverage", by_source), ("reasons", reasons)):
        print(text)
        fill(DOCUMENT, mark, text)


if __name__ == "__main__":
    main()
