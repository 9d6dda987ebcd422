"""Measured figures in documents: each part stands between two marks and is written by the command that measured it.

    <!-- figures:NAME -->
    ...
    <!-- /figures:NAME -->

What stands outside the marks is written by hand and is left alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DETECTION = ROOT / "docs" / "detection"
RESULTS = DETECTION / "results"
"""What the commands measured, as JSON: the tables are made from it."""
GAP = "not measured"
"""What a table says where a command has not run."""


def fill(document: Path, part: str, text: str) -> None:
    """Put measured text between the marks of a part.

    Raises:
        ValueError: the document has no such part, or has it twice.
    """
    begin, end = f"<!-- figures:{part} -->", f"<!-- /figures:{part} -->"
    whole = document.read_text(encoding="utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise ValueError(f"{document} needs the marks {begin} and {end} once each")
    before, _, rest = whole.partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def parts(document: Path) -> dict[str, str]:
    """The measured parts of a document."""
    found = re.findall(
        r"<!-- figures:(\S+) -->\n(.*?)\n?<!-- /figures:\1 -->", document.read_text(encoding="utf-8"), re.DOTALL
    )
    return {name: text.strip() for name, text in found}


def read_result(name: str) -> dict[str, Any]:
    """A result that a command kept; empty when it has not run."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def keep_result(name: str, found: dict[str, Any]) -> None:
    """Keep a result for the tables of later runs."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
