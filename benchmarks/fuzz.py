"""A fuzzing campaign over every parser, guided by coverage (Atheris): no crash, no hang, no row lost.

    python -m benchmarks.fuzz --minutes 60 --out docs/fuzzing.md

Each input is a block of bytes for one format: cut into records, normalised, checked: rows out = rows in, every record in
its place, no record slower than a second. Inputs begin as the real lines of benchmarks/samples.py and are mutated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from benchmarks.samples import seeds

ROOT = Path(__file__).resolve().parents[1]
SLOWEST = 1.0
MODIFIED = datetime(2026, 5, 17)


def one(name: str, data: bytes, tally: dict[str, float]) -> None:
    """Put one block through a format and check what every format promises."""
    from soc_tui.acquisition.formats import FORMATS, Origin, recognise

    form = FORMATS[name]
    cut = form.framing.cut(data, 0, 1 << 20, final=True)
    began = time.perf_counter()
    made = form.normalise(cut.records, {}, Origin("fuzz.log", MODIFIED))
    spent = time.perf_counter() - began
    rows = cut.records.num_rows
    assert spent < SLOWEST * max(rows, 1), f"{name}: {spent:.2f} s for {rows} records"
    kept = made.events.num_rows + made.rejects.num_rows
    assert kept == rows or (kept < rows and form.skips), f"{name}: {rows} records became {kept}"
    places = set(cut.records["source_offset"].to_pylist())
    assert places >= {*made.events["source_offset"].to_pylist(), *made.rejects["source_offset"].to_pylist()}, name
    recognise(data[:65536])
    tally["executions"] += 1
    tally["records"] += rows
    tally["slowest"] = max(tally["slowest"], spent / max(rows, 1))


def child(name: str, seconds: int, corpus: Path, report: Path) -> None:
    """Fuzz one format in this process until the time is over or something breaks."""
    import atheris

    with atheris.instrument_imports(include=["soc_tui.acquisition"]):
        import soc_tui.acquisition.formats

    assert soc_tui.acquisition.formats.FORMATS
    tally: dict[str, float] = {"executions": 0, "records": 0, "slowest": 0.0}
    noted = time.monotonic()

    def test(data: bytes) -> None:
        nonlocal noted
        one(name, data, tally)
        if time.monotonic() - noted > 1:
            noted = time.monotonic()
            report.write_text(json.dumps(tally))

    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-max_len=16384",
            "-timeout=30",
            "-print_final_stats=0",
            str(corpus),
        ],
        test,
    )
    atheris.Fuzz()


def main() -> None:
    """Share the time among the formats and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", nargs="*", help="these formats alone")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "fuzzing.md")
    parser.add_argument("--work", type=Path, default=Path(".fuzz"))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, seconds = options.child
        child(name, int(seconds), options.work / name, options.work / f"{name}.json")
        return
    from soc_tui.acquisition.formats import FORMATS

    names = options.only or list(FORMATS)
    share = max(10, int(options.minutes * 60 / len(names)))
    rows, failed = [], False
    for name in names:
        corpus = options.work / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed{number}").write_bytes(seed)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.fuzz", "--work", str(options.work), "--child", name, str(share)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        tally = json.loads((options.work / f"{name}.json").read_text())
        verdict = "clean" if done.returncode == 0 else "BROKEN"
        failed |= done.returncode != 0
        rows.append(
            f"| {name} | {time.monotonic() - began:.0f} s | {tally['executions']:,.0f} | {tally['records']:,.0f} "
            f"| {tally['slowest'] * 1000:.0f} ms | {verdict} |"
        )
        print(rows[-1], flush=True)
        if done.returncode:
            print(done.stderr[-3000:], flush=True)
    head = "| format | time | inputs | records | slowest record | result |\n|---|---|---|---|---|---|\n"
    options.out.write_text(
        f"# Fuzzing\n\n{(__doc__ or '').split(chr(10) * 2, 1)[1].strip()}\n\n{head}" + "\n".join(rows) + "\n",
        encoding="utf-8",
    )
    sys.exit(failed)


if __name__ == "__main__":
    main()
