"""The rules of a workspace, compiled once: the result is kept beside them and used until a file changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.detection.sigma.documents import SUFFIXES

SHIPPED = Path(__file__).parent / "rules"
"""The rules of the package."""
SHIPPED_NAME = "shipped"
SHIPPED_COMPILED = Path(__file__).parent / "shipped.json"
"""What they come to; ``python -m soc_tui.detection.sigma.loading`` writes it, and a test holds it against them."""
COMPILED = ".compiled.json"
"""What the rules of a workspace came to, in their folder."""
_HERE = Path(__file__).parent


def folders_of(home: Path) -> list[tuple[str, Path]]:
    """The sets of rules in order: ours, then each folder of the workspace's ``knowledge/sigma``, a later one wins."""
    own = sorted(path for path in home.iterdir() if path.is_dir() and not path.is_symlink()) if home.is_dir() else []
    return [(SHIPPED_NAME, SHIPPED), *((path.name, path) for path in own)]


def stamp(folders: Sequence[tuple[str, Path]]) -> str:
    """Changes when a file of the folders, pySigma or the compiler changes. Reads names, sizes and times only."""
    digest = hashlib.sha256(f"{version('pysigma')}|{version('duckdb')}|{_compiler()}".encode())
    for name, folder in folders:
        for base, below, files in os.walk(folder, followlinks=False):
            below.sort()
            for file in sorted(files):
                if file.endswith(SUFFIXES):
                    with contextlib.suppress(OSError):
                        info = (Path(base) / file).lstat()
                        digest.update(f"{name}|{base}|{file}|{info.st_size}|{info.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _compiler() -> str:
    sizes = ((path.name, path.stat()) for path in sorted(_HERE.glob("*.py")))
    return "|".join(f"{name}:{info.st_size}:{info.st_mtime_ns}" for name, info in sizes)


def load(home: Path) -> Ruleset:
    """The compiled rules of a workspace.

    Args:
        home: its ``knowledge/sigma``; one that does not exist holds no rules beside ours.

    Raises:
        SourceError: a folder holds more than the limits allow.
    """
    folders = folders_of(home)
    now = stamp(folders)
    if len(folders) == 1:
        return replace(Ruleset.from_json(SHIPPED_COMPILED.read_text(encoding="utf-8")), stamp=now)
    kept = home / COMPILED
    with contextlib.suppress(OSError, ValueError):
        known = Ruleset.from_json(kept.read_text(encoding="utf-8"))
        if known.stamp == now:
            return known
    from soc_tui.detection.sigma.compiling import compile_folders

    made = replace(compile_folders(folders), stamp=now)
    keep(home, made)
    return made


def compile_shipped() -> str:
    """The rules of the package, compiled, as the text of :data:`SHIPPED_COMPILED`."""
    from soc_tui.detection.sigma.compiling import compile_folders

    return replace(compile_folders([(SHIPPED_NAME, SHIPPED)], replacing=False), checked=True).to_json() + "\n"


def keep(home: Path, rules: Ruleset) -> None:
    """Keep compiled rules; a workspace that cannot be written compiles them again next time."""
    with contextlib.suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = home / f"{COMPILED}.part"
        part.write_text(rules.to_json(), encoding="utf-8")
        part.replace(home / COMPILED)


if __name__ == "__main__":
    SHIPPED_COMPILED.write_text(compile_shipped(), encoding="utf-8")
