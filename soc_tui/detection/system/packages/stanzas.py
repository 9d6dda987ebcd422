"""Databases of blocks of ``Name: value`` lines: those of dpkg (deb-control(5)) and, without the space, of apk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from soc_tui.detection.rooted import lines_of

MAX_LINE = 4096
"""Longer values are cut: no name or version is as long."""


@dataclass
class Stanza:
    """One block."""

    line: int
    """Its first line, counted from 1."""
    values: dict[str, str] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    """The exact lines of the names that were asked for."""
    damage: str = ""
    """Why it cannot be trusted; empty while all is well."""

    def evidence(self, *names: str) -> bytes:
        """Their exact lines."""
        return b"\n".join(self.raw[name] for name in names if name in self.raw)


def stanzas(data: bytes, wanted: frozenset[str]) -> Iterator[Stanza]:
    """The blocks of a database, each with the values of the names that are wanted.

    Lines that go on with the one before (they begin with a blank) are passed over. A name that is given twice makes the
    block a damaged one, and so does a line that is none.
    """
    raw = data.split(b"\n")
    stanza: Stanza | None = None
    for number, text in lines_of(data):
        if not text.strip():
            if stanza is not None:
                yield stanza
            stanza = None
            continue
        stanza = stanza or Stanza(number)
        if text[0] in " \t":
            continue
        name, colon, value = text[:MAX_LINE].partition(":")
        if not colon or not name.isascii() or not name.replace("-", "").isalnum():
            stanza.damage = stanza.damage or f"line {number} is no field"
        elif name in wanted:
            if name in stanza.values:
                stanza.damage = stanza.damage or f"line {number} gives {name} again"
            stanza.values[name] = value.strip()
            stanza.raw[name] = raw[number - 1][:MAX_LINE]
    if stanza is not None:
        yield stanza
