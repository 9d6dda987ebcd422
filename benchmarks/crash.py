"""Exactly once, under fire: a hostile log writer, an engine that is killed again and again, and an independent ledger.

    python -m benchmarks.crash --kills 200 --seed 7

A writer appends numbered records of five formats and rotates, copies, truncates, compresses, deletes, moves and links
their files at random, while ``soc-tui watch`` follows them and dies by SIGKILL at random moments. Every record that was
written whole stands in the ledger. In the end each must be stored exactly once. ``tests/e2e/test_crash.py`` runs a short
version. The result is written to docs/robustness.md.
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from soc_tui.core.errors import SocTuiError
from soc_tui.management.client import Client

ROOT = Path(__file__).resolve().parents[1]
SEQ = "regexp_extract(concat_ws(' ', message, url_query, query_name, extra), 'seq=(\\d+)', 1)"
COUNT = f"SELECT {SEQ} AS seq, count(*) AS n, list(DISTINCT source_id) AS sources FROM events GROUP BY 1 HAVING n > 1 OR seq = ''"


def syslog(seq: int) -> bytes:
    return b"Mar 27 13:%02d:%02d web1 app[%d]: seq=%d done\n" % (seq // 60 % 60, seq % 60, seq % 999, seq)


def access(seq: int) -> bytes:
    return b'203.0.113.%d - - [17/May/2026:10:05:03 +0000] "GET /a?seq=%d HTTP/1.1" 200 5 "-" "x"\n' % (seq % 250, seq)


def stack(seq: int) -> bytes:
    lines = b"".join(b"\tat org.example.C%d.run(C.java:%d)\n" % (n, n) for n in range(seq % 4))
    return b"2026-05-17 10:05:03,%03d ERROR [main] org.example.Main - seq=%d failed\n" % (seq % 1000, seq) + lines


def eve(seq: int) -> bytes:
    text = '{"timestamp":"2026-05-17T10:05:03.000000+0000","event_type":"dns","src_ip":"192.0.2.1","dns":{"type":"query","rrname":"seq=%d"}}\n'
    return (text % seq).encode()


def plain(seq: int) -> bytes:
    return b"%s seq=%d\n" % (b"word " * (seq % 9), seq)


KINDS: dict[str, Callable[[int], bytes]] = {
    "auth.log": syslog, "access.log": access, "app.log": stack, "eve.json": eve, "notes.txt": plain,
}  # fmt: skip


@dataclass
class Writer:
    """Writes, rotates and counts."""

    root: Path
    rng: random.Random
    caught_up: Callable[[], bool]
    """Waits until all that was written is stored; destroying bytes is only fair after that."""
    written: int = 0
    """Records written whole, numbered from 1."""
    operations: dict[str, int] = field(default_factory=dict)
    halves: dict[str, tuple[Path, bytes]] = field(default_factory=dict)
    """By kind: a record whose second half is still to come, and the file it is in."""

    def record(self, kind: str) -> bytes:
        self.written += 1
        return KINDS[kind](self.written)

    def complete(self, kind: str) -> None:
        """Write the second half of a record that was left open."""
        if kind in self.halves:
            path, rest = self.halves.pop(kind)
            with path.open("ab") as out:
                out.write(rest)

    def step(self) -> None:
        """One random operation on one random log."""
        kind = self.rng.choice(list(KINDS))
        name = self.rng.choices(
            ["append", "half", "rename", "copytruncate", "compress", "delete", "same_size", "move_in", "folder", "link", "clock"],
            [40, 10, 6, 6, 5, 1, 1, 3, 3, 3, 3],
        )[0]  # fmt: skip
        self.complete(kind)
        getattr(self, name)(kind)
        self.operations[name] = self.operations.get(name, 0) + 1

    def append(self, kind: str) -> None:
        with (self.root / kind).open("ab", buffering=0) as out:
            for _ in range(self.rng.choice([1, 2, 5, 20, 200])):
                out.write(self.record(kind))

    def half(self, kind: str) -> None:
        record = self.record(kind)
        at = self.rng.randrange(1, record.index(b"\n") + 1)  # a whole line may rightly be taken for a whole record
        with (self.root / kind).open("ab", buffering=0) as out:
            out.write(record[:at])
        self.halves[kind] = (self.root / kind, record[at:])

    def _shift(self, path: Path) -> None:
        """``app.log.1`` to ``app.log.2`` and so on, as logrotate does."""
        for number in range(60, 0, -1):
            for suffix in ("", ".gz"):
                old = path.with_name(f"{path.name}.{number}{suffix}")
                if old.exists():
                    old.rename(path.with_name(f"{path.name}.{number + 1}{suffix}"))

    def rename(self, kind: str) -> None:
        path = self.root / kind
        if path.exists():
            self._shift(path)
            path.rename(path.with_name(f"{path.name}.1"))
            self.append(kind)

    def copytruncate(self, kind: str) -> None:
        path = self.root / kind
        if not path.exists():
            return
        self._shift(path)
        with path.open("rb") as source, path.with_name(f"{path.name}.1").open("wb") as copy:
            while block := source.read(self.rng.choice([500, 5000, 1 << 20])):
                copy.write(block)
                copy.flush()
                if self.rng.random() < 0.1:
                    time.sleep(0.05)
        os.truncate(path, 0)
        if self.rng.random() < 0.7:
            self.append(kind)

    def compress(self, kind: str) -> None:
        path = self.root / f"{kind}.1"
        if not path.exists():
            return
        packed = gzip.compress(path.read_bytes(), 1)
        with path.with_name(f"{path.name}.gz").open("wb") as out:  # as gzip does: grows, then the plain one goes
            for at in range(0, len(packed), max(1, len(packed) // 3)):
                out.write(packed[at : at + max(1, len(packed) // 3)])
                out.flush()
                time.sleep(self.rng.random() * 0.1)
        path.unlink()

    def delete(self, kind: str) -> None:
        if self.caught_up():
            (self.root / kind).unlink(missing_ok=True)
            self.append(kind)

    def same_size(self, kind: str) -> None:
        """Truncate in place and write other records of, for plain text, exactly as many bytes."""
        path = self.root / kind
        if not self.caught_up() or not path.exists():
            return
        size, data = path.stat().st_size, b""
        if kind == "notes.txt" and size > 200:
            while size - len(data) > 200:
                data += self.record(kind)
            self.written += 1
            end = b" seq=%d\n" % self.written
            data += b"x" * (size - len(data) - len(end)) + end
            assert len(data) == size
            with path.open("r+b") as out:
                out.truncate(0)
                out.write(data)
        else:
            os.truncate(path, 0)
            self.append(kind)

    def move_in(self, kind: str) -> None:
        """A whole file comes from elsewhere by rename."""
        outside = self.root.parent / f"outside-{self.written}"
        outside.write_bytes(b"".join(self.record(kind) for _ in range(30)))
        outside.rename(self.root / f"moved-{self.written}-{kind}")

    def folder(self, kind: str) -> None:
        """A directory appears with a log in it."""
        path = self.root / f"late-{self.written % 7}" / kind
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as out:
            out.writelines(self.record(kind) for _ in range(10))

    def link(self, kind: str) -> None:
        """A symbolic link ``current`` is turned to a new file."""
        target = self.root / f"dated-{self.written}-{kind}"
        target.write_bytes(b"".join(self.record(kind) for _ in range(10)))
        fresh = self.root / f".current-{kind}.new"
        fresh.symlink_to(target.name)
        fresh.rename(self.root / f"current-{kind}")

    def clock(self, kind: str) -> None:
        """The clock jumped: the file's time of change is far away."""
        path = self.root / kind
        if path.exists():
            moment = self.rng.choice([1e9, 1.9e9, time.time()])
            os.utime(path, (moment, moment))


class Engine:
    """``soc-tui watch`` as a process that can be killed."""

    def __init__(self, workspace: Path, logs: Path) -> None:
        self.workspace, self.logs = workspace, logs
        self.process: subprocess.Popen[bytes] | None = None
        self.client: Client | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "soc_tui", "--workspace", str(self.workspace), "watch", str(self.logs)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "SOC_TUI_ANALYSIS__ENABLED": "false",
               "SOC_TUI_ACQUISITION__RESCAN_SECONDS": "2"}  # fmt: skip
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def _connected(self) -> Client | None:
        if self.client is None:
            try:
                self.client = Client(self.workspace)
            except SocTuiError:
                return None
        return self.client

    def stored(self) -> int:
        """Events in the store; -1 while the engine does not answer."""
        client = self._connected()
        try:
            return int(client.command("pulse")["events"]) if client else -1
        except SocTuiError:
            self._drop()
            return -1

    def _drop(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            client.close()

    def kill(self) -> None:
        self._drop()
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        self._drop()
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


@dataclass
class Outcome:
    """What a campaign came to."""

    written: int
    stored: int
    rejected: int
    wrong: list[dict[str, object]]
    """Records stored twice, and events without a number."""
    missing: list[int]
    kills: int
    restart_seconds: list[float]
    operations: dict[str, int]

    @property
    def exact(self) -> bool:
        """Every record once, and nothing else."""
        return self.written == self.stored and not (self.rejected or self.wrong or self.missing)


def campaign(
    folder: Path, *, kills: int, seed: int, say: Callable[[str], None] = print, minutes: float = math.inf
) -> Outcome:
    """Run one campaign in an empty folder and compare the store with the ledger.

    It ends with fewer kills after ``minutes``, and as soon as more is stored than was written: the trace is fresh then.
    """
    ends = time.monotonic() + minutes * 60
    rng = random.Random(seed)
    logs = folder / "logs"
    logs.mkdir()
    engine = Engine(folder / "workspace", logs)

    def caught_up(seconds: float = 60.0) -> bool:
        if engine.process is None:
            return False
        deadline = time.monotonic() + seconds
        if repeated():  # a record stored twice stands for one that is not stored: nothing may be destroyed any more
            return False
        while engine.stored() < writer.written - len(writer.halves):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def repeated() -> bool:
        return engine.stored() > writer.written

    writer = Writer(logs, rng, caught_up)
    restarts: list[float] = []
    engine.start()
    for kill in range(kills):
        began = time.monotonic()
        while engine.stored() < 0:
            writer.step()
            time.sleep(0.02)
        restarts.append(time.monotonic() - began)
        for _ in range(rng.randrange(1, 25)):
            writer.step()
            time.sleep(rng.random() * 0.05)
        engine.kill()
        for _ in range(rng.randrange(4)):
            writer.step()
        engine.start()
        if kill % 20 == 19:
            say(f"{kill + 1} kills, {writer.written} records written")
        if time.monotonic() > ends or repeated():
            break
    for kind in KINDS:
        writer.complete(kind)
    caught_up(120)
    time.sleep(4)  # a repeated record would come with the next scans
    try:
        return _compare(engine, writer, restarts)
    finally:
        engine.stop()


def _compare(engine: Engine, writer: Writer, restarts: list[float]) -> Outcome:
    with Client(engine.workspace) as client:
        wrong = client.query("hunt", sql=COUNT).to_pylist()
        missing = client.query(
            "hunt",
            sql=f"SELECT seq FROM range(1, {writer.written + 1}) r(seq) WHERE seq NOT IN "
            f"(SELECT try_cast({SEQ} AS BIGINT) FROM events WHERE {SEQ} <> '')",
        )
        sources = client.query("sources").to_pylist()
        stored = int(client.command("pulse")["events"])
    for source in sources:
        assert source["records_read"] == source["records_stored"] + source["records_rejected"], source
    return Outcome(
        writer.written, stored, sum(source["records_rejected"] for source in sources), wrong,
        missing.column("seq").to_pylist(), len(restarts), restarts, writer.operations,
    )  # fmt: skip


def report(outcome: Outcome, seed: int) -> str:
    """The result as docs/robustness.md."""
    verdict = "exact" if outcome.exact else "NOT EXACT"
    rows = {
        "kills (SIGKILL at a random moment)": outcome.kills,
        "records written whole": f"{outcome.written:,}",
        "records stored": f"{outcome.stored:,}",
        "records rejected": outcome.rejected,
        "stored twice, or by nobody written": len(outcome.wrong),
        "missing": len(outcome.missing),
        "seconds from a kill to the first answer of the next engine": f"median {statistics.median(outcome.restart_seconds):.1f}, "
        f"worst {max(outcome.restart_seconds):.1f}",
        "verdict": f"**{verdict}**",
    }
    table = "\n".join(f"| {what} | {value} |" for what, value in rows.items())
    done = ", ".join(f"{name} {count:,}" for name, count in sorted(outcome.operations.items()))
    return (
        f"# Robustness\n\n{(__doc__ or '').strip()}\n\n## Result (seed {seed})\n\n| what | measured |\n|---|---|\n{table}\n\n"
        f"Operations of the writer: {done}.\n"
    )


def main() -> None:
    """Run a campaign and write its result down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after that time with fewer kills")
    parser.add_argument("--keep", type=Path, help="a folder to work in, kept afterwards")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "robustness.md")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="soc-tui-crash-"))
    folder.mkdir(exist_ok=True)
    outcome = campaign(folder, kills=options.kills, seed=options.seed, minutes=options.minutes)
    text = report(outcome, options.seed)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    print(f"stored twice or unnumbered: {outcome.wrong[:10]}; missing: {outcome.missing[:10]}")
    if not options.keep:
        shutil.rmtree(folder)
    sys.exit(0 if outcome.exact else 1)


if __name__ == "__main__":
    main()
