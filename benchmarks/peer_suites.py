"""Other products' own test cases: what they alert on, do we?

    python -m benchmarks.peer_suites --data DIR

reads the test cases of Wazuh, OSSEC and WAF-bypass (``DIR/peer-suites``), puts every case of a log type that we read
through the formats, all detectors and all networks, and writes docs/peer_suites.md.
"""

from __future__ import annotations

import argparse
import gzip
import ipaddress
import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from benchmarks.documents import fill, table
from soc_tui.acquisition.formats import recognise
from soc_tui.acquisition.reader import Chunk, open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import AcquisitionSettings, Settings
from soc_tui.core.types import SourceState
from soc_tui.detection.signs import signs
from soc_tui.knowledge.library import Library
from soc_tui.management.health import Health
from soc_tui.management.pipeline import Pipeline
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks

TARGET = Path(__file__).resolve().parents[1] / "docs" / "peer_suites.md"
LOGGED = ("URL", "ARGS", "USER-AGENT", "REFERER")
"""The zones of a WAF-bypass case that an access log records."""
SYSTEM = {
    "sshd", "sudo", "su", "useradd", "groupadd", "userdel", "usermod", "passwd", "cron", "kernel", "systemd", "dovecot",
    "vsftpd", "proftpd", "pure-ftpd", "dropbear",
} | {program for sign in signs() for program in sign.of}  # fmt: skip
"""Programs whose syslog lines are read: those of docs/formats/system.md and of the signs."""
SPEAKS_OF = ("dhcpd",)
"""Programs whose records name an address that is not that of whom they are about."""
UNREAD = ("text", "json", "csv", "lines")
START = datetime(2001, 1, 1)
APART = timedelta(days=2)


@dataclass
class Case:
    """One log record of a peer, and what the peer does with it."""

    suite: str
    name: str
    line: str
    must: bool | None
    """True: the peer alerts; False: it does not; None: the case says only which rule it is not."""
    rule: str
    format: str = ""
    program: str = ""
    offset: int = 0
    attacker: str = ""
    """The only address of the record beside its head, when there is just one."""
    detectors: set[str] = field(default_factory=set)
    severities: set[str] = field(default_factory=set)
    named: set[str | None] = field(default_factory=set)

    @property
    def read(self) -> bool:
        """Whether it is of a log type that we read."""
        return bool(self.format) and self.format not in UNREAD and (self.format != "syslog" or self.program in SYSTEM)


# -- cases -------------------------------------------------------------------------------------------------------------


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a suite."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def rule_cases(folder: Path, suite: str) -> Iterator[Case]:
    """The cases of Wazuh or OSSEC. Left out: those that test the rule engine with programs made up for the test."""
    for row in rows(folder / f"{suite}-rules-tests.jsonl.gz"):
        if not row["tags"][0].startswith("file:test_"):
            must = bool(row["alerting"]) if row["expected"] else None
            name = f"{row['tags'][0][5:]}: {row['id'].partition('/')[2]}"
            yield Case(
                suite, name, row["input"], must, f"{row['rule']} (level {row['level']})", attacker=peer(row["input"])
            )


def web_cases(folder: Path) -> Iterator[Case]:
    """WAF-bypass: one request for each zone of a case that an access log records, as Apache would write it."""
    for row in rows(folder / "nemesida-waf-bypass.jsonl.gz"):
        for zone in LOGGED:
            if (value := row["zones"].get(zone)) is None:
                continue
            text = str(value)
            target, referrer, agent = "/", "-", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
            if zone == "URL":
                target = sent(text if text.startswith("/") else "/" + text)
            elif zone == "ARGS":
                target = "/?" + sent(text)
            elif zone == "REFERER":
                referrer = quoted(text)
            else:
                agent = quoted(text)
            request = (
                f'198.51.100.77 - - [01/Mar/2024:10:00:00 +0000] "GET {target} HTTP/1.1" 200 512 "{referrer}" "{agent}"'
            )
            yield Case(
                "waf-bypass",
                f"{row['id']} {zone}",
                request,
                bool(row["expected"]),
                row["tags"][0],
                attacker="198.51.100.77",
            )


def sent(text: str) -> str:
    """What a client puts on the request line: blanks, control characters and quotes encoded, all else as it is."""
    return quote(text, safe="!#$%&'()*+,/:;=?@[]<>{}|~`^-_.\\")


def quoted(text: str) -> str:
    """A header as Apache logs it."""
    return "".join(
        c
        if " " <= c <= "~" and c not in '"\\'
        else "".join(f"\\x{b:02x}" for b in c.encode())
        if c not in '"\\'
        else "\\" + c
        for c in text
    )


def peer(line: str) -> str:
    """The only address of a record beside the head that its writer put there; empty when there are more or none."""
    if any(f" {program}[" in line for program in SPEAKS_OF):
        return ""
    text = re.sub(r"^\w{3}\s+\d+ \d\d:\d\d:\d\d \S+", "", line)
    found = set()
    for word in re.findall(
        r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F.]{0,15})(?![\w.]\w)", text
    ):
        try:
            found.add(str(ipaddress.ip_address(word.removeprefix("::ffff:"))))
        except ValueError:
            continue
    return found.pop() if len(found) == 1 else ""


# -- through the product -----------------------------------------------------------------------------------------------


def read(cases: Iterable[Case], folder: Path) -> Iterator[tuple[list[Case], pa.Table]]:
    """The events of each format's cases; recognition sees each case alone, as a file of its own."""
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        case.format = recognise(case.line.encode() + b"\n").name
        groups[case.suite, case.format].append(case)
    settings = AcquisitionSettings()
    for (suite, name), members in groups.items():
        file, place = folder / f"{suite}-{name}.log", 0
        with file.open("wb") as out:
            for case in members:
                case.offset, data = place, case.line.encode() + b"\n"
                place += out.write(data)
        state = open_source(file, [], settings, as_format=name)
        chunks = [chunk.events for chunk in read_chunks(state, settings, final=True, clock=SystemClock())]
        yield members, pa.concat_tables(chunks)


def judge(cases: list[Case], folder: Path) -> None:
    """Put all cases into one workspace, two days from each other, and note what is found of each."""
    settings = Settings(folder / "workspace")
    by_event: dict[int, Case] = {}
    with Store.open(folder / "workspace.duckdb") as store:
        pipeline = Pipeline(store, settings, SystemClock(), Health(SystemClock()), Library(), lambda: None)
        number = 0
        for members, events in read(cases, folder):
            offsets = [case.offset for case in members] + [1 << 60]
            owner, times, at = [], [], 0
            for offset, program, product in zip(
                *(events[c].to_pylist() for c in ("source_offset", "process", "product")), strict=True
            ):
                while offset >= offsets[at + 1]:
                    at += 1
                members[at].program = program or product or ""
                owner.append(members[at])
                times.append(START + APART * (number + at))
            number += len(members)
            place = events.schema.get_field_index("time")
            apart = events.set_column(place, "time", pa.array(times, pa.timestamp("us")))
            state = SourceState(
                f"{number}", source_id=store.next_source_id(), records_read=len(owner), records_stored=len(owner)
            )
            first, _ = append_chunks(store, [Chunk(state, apart, REJECTS.empty_table(), 0)], datetime.now(UTC))
            by_event |= {first + n: case for n, case in enumerate(owner)}
        for consumer, step in (("detection", pipeline.detect), ("analysis", pipeline.analyse)):
            pipeline.awaited = {"detection", "analysis"}
            while pipeline.lag(consumer):
                step()
        for finding in store.sql("SELECT detector, severity, src_ip, event_ids FROM findings").to_pylist():
            for event in finding["event_ids"]:
                case = by_event[event]
                case.detectors.add(finding["detector"])
                case.severities.add(finding["severity"])
                case.named.add(finding["src_ip"])


# -- the document ------------------------------------------------------------------------------------------------------


def share(part: int, whole: int) -> str:
    """``part of whole (percent)``."""
    return f"{part} of {whole} ({100 * part / whole:.1f}%)" if whole else "none"


def summary(cases: list[Case]) -> str:
    """One row for each suite."""
    out = []
    for suite in ("wazuh", "ossec", "waf-bypass"):
        mine = [case for case in cases if case.suite == suite and case.read]
        must, quiet = [c for c in mine if c.must], [c for c in mine if c.must is False]
        traced = [c for c in must if c.detectors and c.attacker]
        out.append([
            suite, f"{len(mine)} of {sum(c.suite == suite for c in cases)}",
            share(sum(bool(c.detectors) for c in must), len(must)), share(sum(bool(c.detectors) for c in quiet), len(quiet)),
            share(sum(c.attacker in c.named for c in traced), len(traced)),
        ])  # fmt: skip
    return table(["suite", "cases read", "must alert: do", "must not: do", "attacking address right"], out)


def listed(chosen: Iterable[Case]) -> str:
    """Cases one by one, equal ones together."""
    counts = Counter((c.suite, c.rule, c.name, c.line[:150].replace("|", "\\|").replace("`", "'")) for c in chosen)
    return table(
        ["suite", "rule", "case", "record", "times"],
        [
            [suite, rule, name.replace("|", "\\|")[:70], f"`{line}`", str(n)]
            for (suite, rule, name, line), n in sorted(counts.items())
        ],
    )


def web_classes(cases: list[Case]) -> str:
    """WAF-bypass by class of attack and zone."""
    out = []
    mine = [case for case in cases if case.suite == "waf-bypass" and case.must]
    for kind in sorted({case.rule for case in mine}):
        row = [kind]
        for zone in LOGGED:
            there = [case for case in mine if case.rule == kind and case.name.endswith(" " + zone)]
            row.append(share(sum(bool(c.detectors) for c in there), len(there)))
        out.append(row)
    return table(["class", *LOGGED], out)


def unread(cases: list[Case]) -> str:
    """What was left out, by the peer's file and by what it was taken for."""
    counts: Counter[tuple[str, str, str]] = Counter()
    alerting: Counter[tuple[str, str, str]] = Counter()
    for case in cases:
        if not case.read:
            key = (
                case.suite,
                case.name.partition(":")[0],
                case.format + (f" ({case.program})" if case.format == "syslog" else ""),
            )
            counts[key] += 1
            alerting[key] += bool(case.must)
    return table(
        ["suite", "file", "taken for", "cases", "of them must alert"],
        [[*key, str(n), str(alerting[key])] for key, n in sorted(counts.items())],
    )


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rules-only", action="store_true", help="print Wazuh and OSSEC alone; nothing is written")
    args = parser.parse_args()
    folder = args.data / "peer-suites"
    cases = [*rule_cases(folder, "wazuh"), *rule_cases(folder, "ossec")]
    if not args.rules_only:
        cases += web_cases(folder)
    with tempfile.TemporaryDirectory() as work:
        judge(cases, Path(work))
    wanted = [c for c in cases if c.read]
    missed = [c for c in wanted if c.must and not c.detectors and c.suite != "waf-bypass"]
    wrong = [c for c in wanted if c.must is False and c.detectors]
    astray = [c for c in wanted if c.must and c.detectors and c.attacker and c.attacker not in c.named]
    severe = Counter(
        max(c.severities, key=("info", "low", "medium", "high", "critical").index)
        for c in wanted
        if c.must and c.detectors and c.suite != "waf-bypass"
    )
    sections = {
        "summary": summary(cases), "missed": listed(missed), "wrong": listed(wrong),
        "astray": listed(astray), "unread": unread(cases), "web": web_classes(cases),
        "severities": table(["severity", "cases of Wazuh and OSSEC"], [[s, str(n)] for s, n in severe.most_common()]),
    }  # fmt: skip
    for name, text in sections.items():
        print(f"\n## {name}\n{text}")
        if not args.rules_only:
            fill(TARGET, name, text)


if __name__ == "__main__":
    main()
