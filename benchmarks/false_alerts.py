"""Every alert on real logs of ordinary traffic, grouped when equal, each judged by hand.

    python -m benchmarks.false_alerts --data DIR [LOG ...]

puts each log into a workspace of its own, runs all detectors and all networks, and writes docs/false_alerts.md. The
judgements are those of ``JUDGED``: somebody has looked at the evidence. A group without one is shown as not yet judged.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.documents import fill, table
from benchmarks.false_alerts_judged import JUDGED
from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings, Settings
from soc_tui.knowledge.library import Library
from soc_tui.management.health import Health
from soc_tui.management.pipeline import Pipeline
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks

TARGET = Path(__file__).resolve().parents[1] / "docs" / "false_alerts.md"
LOGS = {
    "Apache access log, 10,000 lines": "hostlogs/elastic_apache_access_combined.log.gz",
    "LogHub Apache": "hostlogs/loghub_Apache_2k.log.gz",
    "LogHub Linux": "hostlogs/loghub_Linux_2k.log.gz",
    "LogHub Mac": "hostlogs/loghub_Mac_2k.log.gz",
    "LogHub OpenSSH": "hostlogs/loghub_OpenSSH_2k.log.gz",
    "LogHub OpenStack": "hostlogs/loghub_OpenStack_2k.log.gz",
    "LogHub Windows": "hostlogs/loghub_Windows_2k.log.gz",
    "zed (WRCCDC), Zeek": "sensor/zed-sample-data/zeek-default/*.log.gz",
    "rita valid_tsv": "sensor/rita/valid_tsv/*",
}
UNJUDGED = ("?", "not yet judged")


def alerts(files: Iterable[Path], folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """How many events the files hold, and the alerts on them."""
    acquisition = AcquisitionSettings()
    with Store.open(folder / "workspace.duckdb") as store:
        pipeline = Pipeline(store, Settings(folder), SystemClock(), Health(SystemClock()), Library(), lambda: None)
        pipeline.awaited = {"detection", "analysis"}
        last = 0
        for file in files:
            state = open_source(file, [], acquisition)
            state.source_id = store.next_source_id()
            for chunk in read_chunks(state, acquisition, final=True, clock=SystemClock()):
                _, last = append_chunks(store, [chunk], datetime.now(UTC))
        for consumer, step in (("detection", pipeline.detect), ("analysis", pipeline.analyse)):
            while pipeline.lag(consumer):
                step()
        return last, store.sql("SELECT * FROM alerts ORDER BY alert_id").to_pylist()


def kind(alert: dict[str, Any]) -> str:
    """What equal alerts have in common: the sign, else the title without addresses, names and numbers."""
    told = {item["field"]: item["value"] for item in json.loads(alert["explanation"] or "[]")}
    if "sign" in told:
        return str(told["sign"])
    title = re.sub(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,}", "ADDRESS", str(alert["title"]))
    title = re.sub(r"(?:[\w-]+\.)+[a-z]{2,}\b", "NAME", title)
    return re.sub(r"\d+", "N", title)[:90]


def judged(log: str, detector: str, what: str) -> tuple[str, str]:
    """Verdict and reason."""
    for logs, name, pattern, verdict, reason in JUDGED:
        if re.fullmatch(logs, log) and name == detector and re.search(pattern, what):
            return verdict, reason
    return UNJUDGED


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print the alerts one by one; nothing is written")
    parser.add_argument("logs", nargs="*", default=list(LOGS))
    args = parser.parse_args()
    rows, counts = [], []
    for log in args.logs:
        with tempfile.TemporaryDirectory() as work:
            events, found = alerts(sorted(p for p in args.data.glob(LOGS[log]) if p.is_file()), Path(work))
        groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for alert in found:
            groups[alert["detector"], kind(alert)].append(alert)
            if args.show:
                print(
                    log,
                    alert["detector"],
                    alert["severity"],
                    alert["title"],
                    alert["target"],
                    alert["event_count"],
                    alert["explanation"],
                    sep=" | ",
                )
        verdicts: Counter[str] = Counter()
        for (detector, what), members in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))):
            verdict, reason = judged(log, detector, what)
            verdicts[verdict] += len(members)
            severities = Counter(member["severity"] for member in members)
            shown = what.replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
            told = ", ".join(f"{n} {severity}" for severity, n in severities.most_common())
            rows.append([log, detector, shown, told, verdict, reason])
        counts.append(
            [log, f"{events:,}", str(len(found)), *(str(verdicts[v]) for v in ("true", "notice", "false", "?"))]
        )
        print(*counts[-1], sep=" | ", flush=True)
    if not args.show:
        fill(TARGET, "counts", table(["log", "events", "alerts", "true", "notice", "false", "not judged"], counts))
        fill(TARGET, "alerts", table(["log", "detector", "what", "alerts", "verdict", "reason"], rows))


if __name__ == "__main__":
    main()
