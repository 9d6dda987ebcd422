"""How fast files are looked through: YARA-X and the code network on distinct files.

    python -m benchmarks.files [--megabytes N] [--runs N] [--from FOLDER ...]

fills docs/tools/files.md. Real source files are copied until they make up so many megabytes, each with a line of its own
at the end, so that no two are equal and nothing is judged only once. Every run begins with nothing remembered. CPU
time is told beside the time on the clock: the machine may be shared.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.documents import ROOT, fill, table
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.scanning import FilesScan
from soc_tui.detection.files.tool import FileTool
from soc_tui.detection.malicious_files.tool import MaliciousFileTool
from soc_tui.detection.tools import Watch
from soc_tui.detection.trojan.tool import TrojanTool
from soc_tui.detection.virus.tool import VirusTool

GOAL = 50
"""Megabytes a second."""
DOCUMENT = ROOT / "docs" / "tools" / "files.md"
SOURCE = {
    ".py": "#", ".pyi": "#", ".js": "//", ".mjs": "//", ".ts": "//", ".php": "//", ".inc": "//", ".html": "", ".htm": "", ".css": "",
    ".jsp": "", ".c": "//", ".h": "//", ".cpp": "//", ".hpp": "//", ".sh": "#", ".pl": "#", ".json": "", ".xml": "", ".sql": "--",
    ".yaml": "#", ".yml": "#", ".md": "", ".rst": "", ".txt": "", ".toml": "#", ".cfg": "#",
}  # fmt: skip
"""Ends of the names of source files, and what begins a comment in them."""
LARGEST = 4 * 1024 * 1024


def corpus(sources: Sequence[Path], target: Path, size: int) -> Counter[str]:
    """Copy source files, made distinct, until they have ``size`` bytes; bytes by end of name."""
    made: Counter[str] = Counter()
    number = 0
    while made.total() < size:
        before = made.total()
        for path in _sources(sources):
            content = path.read_bytes()
            content += f"\n{SOURCE[path.suffix.lower()]} {number}\n".encode()
            folder = target / str(number // 500)
            folder.mkdir(exist_ok=True)
            (folder / f"{number}{path.suffix.lower()}").write_bytes(content)
            made[path.suffix.lower()] += len(content)
            number += 1
            if made.total() >= size:
                return made
        if made.total() == before:
            raise SystemExit("no source files there: name other folders with --from")
    return made


def _sources(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            known = path.suffix.lower() in SOURCE and path.is_file() and not path.is_symlink()
            if known and 0 < path.stat().st_size <= LARGEST:
                yield path


class Network:
    """The ``code`` network as the tools' judge, with the time it takes."""

    def __init__(self) -> None:
        from soc_tui.analysis.prediction import Predictor

        self.predictor = Predictor.load(None, "code", threads=1)
        self.seconds, self.parts, self.bytes = 0.0, 0, 0

    def __call__(self, contents: Sequence[tuple[str, bytes]]) -> list[tuple[float, str, str]]:
        import pyarrow as pa

        from soc_tui.analysis.encoding.lexer import decode

        began = time.process_time()
        texts = pa.table({"value": pa.array([decode(c) for _, c in contents], pa.string())})
        rows = self.predictor.score(texts, reasons=len(contents)).to_pylist()
        self.seconds += time.process_time() - began
        self.parts += len(contents)
        self.bytes += sum(len(c) for _, c in contents)
        return [(row["score"], row["label"], row["explanation"]) for row in rows]


def run(folder: Path, tools: Callable[[Network], Sequence[FileTool]], network: Network) -> dict[str, Any]:
    """One pass: megabytes a second by the clock and by CPU time, and what the network had of it."""
    network.predictor.forget()
    network.seconds, network.parts, network.bytes = 0.0, 0, 0
    scan = FilesScan(tools(network))
    began, cpu = time.perf_counter(), time.process_time()
    found = sum(1 for _ in scan.check(str(folder), Watch()))
    clock, cpu = time.perf_counter() - began, time.process_time() - cpu
    megabytes = scan.bytes / 1e6
    return {
        "files": scan.files, "megabytes": megabytes, "clock": megabytes / clock, "cpu": megabytes / cpu, "found": found,
        "network": network.seconds / cpu, "parts": network.parts, "judged": network.bytes,
    }  # fmt: skip


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--from", dest="sources", type=Path, nargs="+", default=[
        Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"]), Path("/usr/share"), Path("/usr/lib/node_modules"),
    ])  # fmt: skip
    parser.add_argument("--part", default="files", help="which figures of the document: files or web")
    chosen = parser.parse_args()
    settings = ScanSettings()
    works: dict[str, Callable[[Network], Sequence[FileTool]]] = {
        "YARA-X and the code network": lambda network: [TrojanTool(settings, network)],
        "the same and malicious code: obfuscation, pages, places": lambda network: [
            TrojanTool(settings, network), MaliciousFileTool(settings, network)],
        "the same and hash lists (no clamd)": lambda network: [
            VirusTool(settings, clamscan=("none",)), TrojanTool(settings, network), MaliciousFileTool(settings, network)],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        made = corpus(chosen.sources, Path(name), chosen.megabytes * 1_000_000)
        network = Network()
        runs: dict[str, list[dict[str, Any]]] = {work: [] for work in works}
        for _ in range(chosen.runs):  # in turns, so that a busy minute slows all of them
            for work, tools in works.items():
                runs[work].append(run(Path(name), tools, network))
    rows = []
    for work, done in runs.items():
        clock = statistics.median(one["clock"] for one in done)
        cpu = statistics.median(one["cpu"] for one in done)
        goal = (f"at least {GOAL} MB/s", "yes" if clock >= GOAL else "no") if not rows else ("", "")
        share = f"{done[0]['parts']} parts, {done[0]['judged'] / done[0]['megabytes'] / 1e4:.2f} % of the bytes"
        rows.append([work, f"{clock:.0f} MB/s", f"{cpu:.0f} MB/s", share, *goal])
    first = runs[next(iter(runs))][0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kinds = ", ".join(f"{suffix} {size / 1e6:.0f}" for suffix, size in made.most_common(8))
    text = (
        f"{first['files']:,} distinct source files, {first['megabytes']:.0f} MB ({kinds} MB ...), medians of {chosen.runs}; one process, "
        f"one thread; {memory:.0f} MB at most.\n\n"
        + table(["what looks", "by the clock", "by CPU time", "what the network reads", "goal", "met"], rows)
    )  # fmt: skip
    print(text)
    fill(DOCUMENT, chosen.part, text)


if __name__ == "__main__":
    main()
