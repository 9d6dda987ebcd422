"""SQL in sections: what all records of a format share, and what each kind of record says otherwise or besides.

A query made for one kind is a tenth of one that asks of every record which kind it is, to plan as well as to run.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from soc_tui.acquisition.formats.sql import load_sql

OTHER = "other"
"""The section of kinds that have none of their own."""

_SECTION = re.compile(r"^-- \[(\w+)\](.*)\n((?:(?!^-- \[).*\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"(.+?) AS (\w+),\n", re.DOTALL)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)


class Section(NamedTuple):
    """One kind of record."""

    names: tuple[str, ...]
    """What the heads of ``every`` and of the section name."""
    columns: dict[str, str]
    """Column of the event: the SQL that yields it."""


@cache
def _sections(file: str) -> dict[str, Section]:
    return {
        name: Section(
            tuple(head.split()),
            {column: sql.strip() for sql, column in _ENTRY.findall(_COMMENT.sub("", body.lstrip("\n")))},
        )
        for name, head, body in _SECTION.findall(load_sql(file))
    }


@cache
def kinds(file: str) -> tuple[str, ...]:
    """The kinds that have a section of their own in ``formats/FILE.sql``."""
    return tuple(name for name in _sections(file) if name not in {"every", OTHER})


@cache
def section(file: str, kind: str) -> Section:
    """What holds for a kind: ``every``, overruled by its own section, or by :data:`OTHER`."""
    every, own = _sections(file)["every"], _sections(file)[kind if kind in kinds(file) else OTHER]
    return Section(every.names + own.names, every.columns | own.columns)
