"""A fuzzing campaign over every parser, guided by coverage (Atheris): no crash, no hang, no row lost.

    python -m benchmarks.fuzz --minutes 60 --jobs 2 --out docs/fuzzing.md

The first byte of an input chooses the format, the rest is a block of bytes for it: cut into records, normalised, checked:
rows out = rows in, every record in its place, no record slower than a second of CPU time. A record on which the query
itself fails is a reject by the last resort: counted, since the parser should have told what is wrong with it. Inputs begin
as the records of benchmarks/samples.py and are mutated. What breaks a promise is kept, and the campaign goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SLOWEST = 1.0
MODIFIED = datetime(2026, 5, 17)


def one(name: str, data: bytes, tally: dict[str, Any]) -> None:
    """Put one block through a format and check what every format promises."""
    from soc_tui.acquisition.formats import FORMATS, Origin, recognise

    form = FORMATS[name]
    cut = form.framing.cut(data, 0, 1 << 20, final=True)
    if not cut.records.num_rows:  # nothing that the reader would hand over
        return
    began = time.process_time()  # other work of the machine is no hang
    made = form.normalise(cut.records, {}, Origin("fuzz.log", MODIFIED))
    spent = time.process_time() - began
    rows = cut.records.num_rows
    assert spent < SLOWEST * max(rows, 1), f"{name}: {spent:.2f} s for {rows} records"
    kept = made.events.num_rows + made.rejects.num_rows
    header = name == "csv"  # whose first record names the columns
    assert kept == rows or (kept < rows and (form.skips or header)), f"{name}: {rows} records became {kept}"
    places = set(cut.records["source_offset"].to_pylist())
    assert places >= {*made.events["source_offset"].to_pylist(), *made.rejects["source_offset"].to_pylist()}, name
    fallen = sum("cannot be normalised" in reason for reason in made.rejects["reason"].to_pylist())
    recognise(data[:65536])
    tally["executions"] += 1
    tally["records"] += rows
    tally["fallen"] += fallen
    tally["slowest"] = max(tally["slowest"], spent / max(rows, 1))


def child(names: list[str], seconds: int, work: Path, number: int) -> None:
    """Fuzz in this process until the time is over; ``work/NUMBER.json`` tells how far it came."""
    import atheris

    tallies: dict[str, dict[str, Any]] = {
        name: {"executions": 0, "records": 0, "slowest": 0.0, "fallen": 0, "broken": 0} for name in names
    }
    report = work / f"{number}.json"
    began = noted = time.monotonic()
    seen: Counter[str] = Counter()

    def save() -> None:
        report.write_text(json.dumps({"seconds": time.monotonic() - began, "formats": tallies}))

    def test(data: bytes) -> None:
        nonlocal noted
        if not data:
            return
        name = names[data[0] % len(names)]
        try:
            one(name, data[1:], tallies[name])
        except Exception as error:  # the campaign goes on; what broke is kept
            tallies[name]["broken"] += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{name}:{type(error).__name__}:{place.filename}:{place.lineno}"
            seen[kind] += 1
            if seen[kind] <= 3:
                broken = work / "broken" / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
                broken.write_bytes(data[1:])
                broken.with_suffix(".txt").write_text(traceback.format_exc())
        if time.monotonic() - noted > 2:
            noted = time.monotonic()
            save()

    save()
    arguments = [
        f"-max_total_time={seconds}",
        "-max_len=8192",
        "-len_control=0",
        "-timeout=3600",
        f"-seed={number + 1}",
    ]
    atheris.Setup([sys.argv[0], *arguments, f"-artifact_prefix={work}/broken/", str(work / f"corpus{number}")], test)
    atheris.Fuzz()


def main() -> None:
    """Fuzz every format and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="of all processes together")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time, each with its share of the formats")
    parser.add_argument("--only", nargs="*", help="these formats alone")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "fuzzing.md")
    parser.add_argument("--work", type=Path, default=Path(".fuzz"))
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:  # before anything imports the parsers: only then their branches are seen
        import atheris

        with atheris.instrument_imports(include=["soc_tui.acquisition"]):
            import soc_tui.acquisition.formats

        assert soc_tui.acquisition.formats.FORMATS
    from benchmarks.samples import samples, seeds

    every = options.only or list(samples())
    shares = [every[number :: options.jobs] for number in range(options.jobs)]
    seconds = int(options.minutes * 60 / options.jobs)
    if options.child is not None:
        child(shares[options.child], seconds, options.work, options.child)
        return
    (options.work / "broken").mkdir(parents=True, exist_ok=True)
    running = []
    for number, names in enumerate(shares):
        corpus = options.work / f"corpus{number}"
        corpus.mkdir(exist_ok=True)
        for place, name in enumerate(names):
            for at, seed in enumerate(seeds(name)):
                (corpus / f"{name}-{at}").write_bytes(bytes([place]) + seed[:8000])
        with (options.work / f"{number}.log").open("wb") as log:
            command = [sys.executable, "-m", "benchmarks.fuzz", *sys.argv[1:], "--child", str(number)]
            running.append(
                subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
            )
    codes = [process.wait() for process in running]
    text = report(options.work, len(shares), codes)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(any(codes))


def report(work: Path, jobs: int, codes: list[int]) -> str:
    """What the campaign came to, as docs/fuzzing.md."""
    rows, minutes = [], 0.0
    for number in range(jobs):
        found = json.loads((work / f"{number}.json").read_text())
        minutes += found["seconds"] / 60
        for name, tally in found["formats"].items():
            rows.append(
                f"| {name} | {tally['executions']:,} | {tally['records']:,} | {tally['slowest'] * 1000:.0f} ms "
                f"| {tally['fallen']:,} | {tally['broken']:,} |"
            )
    head = (
        "| format | inputs | records | slowest record (CPU of its input, shared out) | rejects by the last resort | promises broken |\n"
        "|---|---|---|---|---|---|\n"
    )
    ended = "all processes ended well" if not any(codes) else f"exit codes {codes}"
    about = (__doc__ or "").strip()
    return (
        f"# Fuzzing\n\n{about}\n\n{minutes:.0f} minutes in {jobs} processes; {ended}.\n\n{head}"
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    main()
