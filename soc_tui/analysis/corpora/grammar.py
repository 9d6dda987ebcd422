r"""Random values from a small text grammar: ``ordinary.txt`` for what people and programs send, ``attacks.txt``.

A file holds sections ``[name]`` with one alternative a line. In an alternative ``«name»`` is a random alternative of
another section; ``«n»`` is a number, ``«w»`` and ``«r»`` a word of random letters, ``«x»`` hexadecimal and ``«b»``
base64 of random bytes; ``«n1»``, ``«w1»`` and ``«w2»`` are drawn once and stay the same throughout a value;
``«N»text«.»`` repeats the text two to nine times. ``\s \t \n \r \x0b \0`` are those characters; a line that would look
like a section's name starts with ``\[``. An empty line is an empty alternative, except at the end of a section. Attack
values are text only: nothing here is ever run.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np

Grammar = dict[str, list[str]]

_ESCAPES = {"\\s": " ", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\x0b": "\x0b", "\\0": "\0"}
_KEPT = {"n1", "w1", "w2"}


def read_grammar(name: str) -> Grammar:
    """Section -> alternatives of a file in this folder; what stands before the first section is a comment.

    Raises:
        ValueError: a section stands there twice: its first alternatives would be lost.
    """
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    sections: Grammar = {}
    for block in re.split(r"^(?=\[\w+\]$)", text, flags=re.MULTILINE)[1:]:
        title, *lines = block.split("\n")
        while lines and not lines[-1]:
            lines.pop()
        if (section := title.strip("[]")) in sections:
            raise ValueError(f"{name} has the section {section} twice")
        lines = [line.removeprefix("\\") if line.startswith("\\[") else line for line in lines]
        sections[section] = [re.sub(r"\\(?:x0b|[stnr0])", lambda m: _ESCAPES[m[0]], line) for line in lines]
    return sections


def expand(sections: Grammar, name: str, rng: np.random.Generator) -> str:
    """One random value of a section."""
    kept: dict[str, str] = {}

    def replaced(found: re.Match[str]) -> str:
        key = found[1]
        if key in _KEPT:
            return kept.setdefault(key, _atom(key[0], rng))
        return drawn(key) if key in sections else _atom(key, rng)

    def drawn(section: str) -> str:
        alternatives = sections[section]
        line = alternatives[int(rng.integers(len(alternatives)))]
        line = re.sub("«N»(.*?)«\\.»", lambda m: m[1] * int(rng.integers(2, 10)), line, flags=re.DOTALL)
        return re.sub(r"«(\w+)»", replaced, line)

    return drawn(name)


def _atom(kind: str, rng: np.random.Generator) -> str:
    if kind == "n":
        return str(int(rng.integers(10 ** int(rng.integers(1, 6)))))
    if kind in {"w", "r"}:
        return "".join(chr(97 + int(c)) for c in rng.integers(0, 26, int(rng.integers(1, 9))))
    raw = rng.bytes(int(rng.integers(3, 50)))
    return raw.hex() if kind == "x" else base64.b64encode(raw).decode()
