"""Printing of results: a table for people, JSON, JSON lines or CSV for programs. Every cell passes ``safe``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_CELL = 80
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def emit(rows: Iterable[Mapping[str, Any]], form: str, columns: Sequence[str] = ()) -> None:
    """Print rows.

    Args:
        rows: the rows, JSON-ready or with datetimes.
        form: table, json, jsonl or csv.
        columns: the columns of a table or CSV, in order; all of the first row's when empty.
    """
    items = list(rows)
    if form == "json":
        print(_json(items, indent=2))
    elif form == "jsonl":
        for item in items:
            print(_json(item))
    elif form == "csv":
        _csv(items, columns)
    else:
        _table(items, columns)


def emit_one(item: Mapping[str, Any], form: str) -> None:
    """Print one object: as JSON, or as ``key  value`` lines."""
    if form in {"json", "jsonl"}:
        print(_json(item, indent=2 if form == "json" else None))
    elif form == "csv":
        _csv([item], list(item))
    else:
        width = max((len(key) for key in item), default=0)
        for key, value in item.items():
            print(f"{key.replace('_', ' ').ljust(width)}  {cell(value)}")


def talk(text: str) -> None:
    """Say something that is not a result."""
    from soc_tui.core.text import safe

    print(safe(text, multiline=True), file=sys.stderr)


def cell(value: Any) -> str:
    """One value as inert text on one line."""
    from datetime import datetime

    from soc_tui.core.clock import iso
    from soc_tui.core.text import safe

    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple):
        return safe(", ".join(str(item) for item in value))
    if isinstance(value, dict):
        return safe(_json(value))
    return safe(value)


def _json(value: Any, indent: int | None = None) -> str:
    """ASCII only, so that neither control nor bidirectional characters of a log reach the terminal."""
    import json

    from soc_tui.management.wire import plain

    return json.dumps(plain(value), indent=indent, ensure_ascii=True, allow_nan=False)


def _csv(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    import csv

    names = list(columns) or (list(items[0]) if items else [])
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for item in items:
        writer.writerow([_guarded(item.get(name)) for name in names])


def _guarded(value: Any) -> str:
    """A spreadsheet runs a cell that starts like a formula; a leading apostrophe makes it text."""
    text = cell(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


def _table(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if not items:
        talk("nothing found")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(columns) or list(items[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        number = any(isinstance(item.get(name), int | float) for item in items)
        table.add_column(
            Text(name.replace("_", " ")), justify="right" if number else "left", overflow="ellipsis", no_wrap=True
        )
    for item in items:
        table.add_row(*(Text(_short(cell(item.get(name)))) for name in names))
    # Piped output is not cut to a width that nobody chose.
    Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False).print(table)


def _short(text: str) -> str:
    """A table is to be read; what is longer than a cell is in ``show`` and in the other forms."""
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
