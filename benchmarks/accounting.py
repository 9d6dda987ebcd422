"""Exact accounting over all the data there is: every record read is stored or rejected, and every reject is shown.

    python -m benchmarks.accounting ../shared/data

Reads ``sensor/``, ``hostlogs/`` and the raw log lines of the rule suites in ``peer-suites/`` (written out as files, one for
each rule file) into a workspace of its own and writes the table of docs/ingest.md: per format the records read, stored and
rejected, and the rejects by their reason with an example of each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.ingest import write
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.text import safe
from soc_tui.management.intake import Intake
from soc_tui.management.tally import Tally
from soc_tui.store.database import Store

_SUITES = ("wazuh-rules-tests", "ossec-rules-tests")
"""Those of the peers' suites whose inputs are log lines."""
_REJECTS = """
SELECT s.format, s.path, r.reason, r.source_offset, r.raw FROM rejects r JOIN sources s USING (source_id)
ORDER BY s.path, r.source_offset
"""


def written_out(suites: Path, folder: Path) -> Path:
    """The log lines of the rule suites as files."""
    folder.mkdir()
    for suite in _SUITES:
        lines: dict[str, list[str]] = defaultdict(list)
        text = gzip.decompress((suites / f"{suite}.jsonl.gz").read_bytes()).decode()
        for row in map(json.loads, text.splitlines()):
            lines[re.sub(r"\W+", "-", str(row["id"]).split("/")[0])].append(row["input"])
        for name, inputs in lines.items():
            (folder / f"{suite}-{name[:80]}.log").write_text("".join(f"{one}\n" for one in inputs), encoding="utf-8")
    return folder


def account(data: Path, folder: Path) -> tuple[Tally, list[dict[str, Any]]]:
    """Read everything; the tally and the rejects."""
    suites = written_out(data / "peer-suites", folder / "suites")
    tally = Tally()
    with Store.open(folder / "workspace" / "w.duckdb") as store:
        intake = Intake(store, AcquisitionSettings(templates=False), SystemClock(), lambda: None)
        for _ in intake.ingest([data / "sensor", data / "hostlogs", suites], None, tally):
            pass
        intake.stop()
        rejects = store.sql(_REJECTS).to_pylist()
        stored = int(store.sql("SELECT count(*) AS n FROM events").column(0)[0].as_py())
    assert stored == tally.total("records_stored"), (stored, tally.total("records_stored"))
    assert len(rejects) == tally.total("records_rejected"), (len(rejects), tally.total("records_rejected"))
    assert tally.total("records_read") == stored + len(rejects)
    return tally, rejects


def table(tally: Tally, rejects: list[dict[str, Any]], data: Path) -> str:
    """The account as Markdown."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for source in tally.sources.values():
        row = counts[source.format or "(empty)"]
        for place, value in enumerate(
            (1, source.bytes, source.records_read, source.records_stored, source.records_rejected)
        ):
            row[place] += value
    text = "| format | files | bytes | records read | stored | rejected | share rejected |\n|---|---|---|---|---|---|---|\n"
    everything = [sum(column) for column in zip(*counts.values(), strict=True)]
    for name, (files, size, read, stored, rejected) in [*sorted(counts.items()), ("**all**", everything)]:
        share = f"{100 * rejected / read:.4f} %" if read else ""
        text += f"| {name} | {files} | {size:,} | {read:,} | {stored:,} | {rejected:,} | {share} |\n"
    text += "\nRejects by reason, each with its first example:\n\n| format | reason | rejects | file | example |\n|---|---|---|---|---|\n"
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for reject in rejects:
        kinds[reject["format"], re.sub(r"\d+", "N", reject["reason"])].append(reject)
    for (name, reason), some in sorted(kinds.items()):
        path = Path(some[0]["path"])
        where = path.relative_to(data) if path.is_relative_to(data) else path.name
        raw = str(safe(some[0]["raw"].decode("utf-8", "backslashreplace")))[:120].replace("|", "\\|").replace("`", "'")
        text += f"| {name} | {reason} | {len(some):,} | {where} | `{raw}` |\n"
    unread = [*tally.errors, *tally.skipped]
    if unread:
        text += "\nNot read, or not to the end:\n\n"
        text += "".join(f"- {str(error).replace(str(data) + '/', '')}\n" for error in unread)
    return text


def main() -> None:
    """Account for everything below a data folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that holds sensor/, hostlogs/ and peer-suites/")
    options = parser.parse_args()
    data = options.data.resolve()
    with tempfile.TemporaryDirectory(prefix="soc-tui-account-") as folder:
        write("accounting", table(*account(data, Path(folder)), data))


if __name__ == "__main__":
    main()
