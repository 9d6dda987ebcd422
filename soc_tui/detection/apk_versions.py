"""Versions of Alpine packages, compared as ``apk version -t`` does.

A version is numbers joined by dots, a letter, suffixes (``_alpha _beta _pre _rc`` come before the bare version,
``_cvs _svn _git _hg _p`` after it) with numbers, and ``-r`` with the package's revision (apk-package(5)). A number
after a dot that begins with zeros is a fraction: ``1.05`` is before ``1.1`` and after ``1.01``.
"""

from __future__ import annotations

import re
from functools import total_ordering

_FORM = re.compile(r"(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:~[0-9a-f]+)?(?:-r(\d+))?")
_SUFFIX = re.compile(r"_([a-z]+)(\d*)")
_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_RANK = {word: at - len(_BEFORE) for at, word in enumerate(_BEFORE)} | {word: at + 1 for at, word in enumerate(_AFTER)}
# What follows when two versions agree so far; the version that goes on with the smaller of two different parts is the
# greater one, unless it goes on with a suffix that means "before".
_Value = tuple[int, str]
"""Compared first as a number, then as text: fractions (0 and their digits) come before whole numbers (one more)."""
_DIGIT, _LETTER, _SUFFIXES, _NUMBER, _REVISION, _END = 1, 2, 3, 4, 5, 6


@total_ordering
class ApkVersion:
    """A version of an Alpine package.

    Args:
        text: e.g. ``1.2.3a_rc1-r4``.

    Raises:
        ValueError: that is none.
    """

    __slots__ = ("_parts",)

    def __init__(self, text: str) -> None:
        found = _FORM.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no version of apk")
        numbers, letter, suffixes, revision = found.groups()
        parts: list[tuple[int, _Value]] = []
        for at, number in enumerate(numbers.split(".")):
            fraction = at > 0 and number.startswith("0")
            parts.append((_DIGIT, (0, number) if fraction else (int(number) + 1, "")))
        if letter:
            parts.append((_LETTER, (ord(letter), "")))
        for word, number in _SUFFIX.findall(suffixes):
            if word not in _RANK:
                raise ValueError(f"{text!r}: no suffix {word!r} is known")
            parts.append((_SUFFIXES, (_RANK[word], "")))
            if number:
                parts.append((_NUMBER, (int(number), "")))
        if revision is not None:
            parts.append((_REVISION, (int(revision), "")))
        parts.append((_END, (0, "")))
        self._parts = tuple(parts)

    def _compare(self, other: ApkVersion) -> int:
        for (kind, value), (other_kind, other_value) in zip(self._parts, other._parts, strict=False):
            if kind == other_kind:
                if value != other_value:
                    return -1 if value < other_value else 1
                continue
            if kind == _SUFFIXES and value[0] < 0:
                return -1
            if other_kind == _SUFFIXES and other_value[0] < 0:
                return 1
            return 1 if kind < other_kind else -1
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApkVersion) and self._compare(other) == 0

    def __lt__(self, other: ApkVersion) -> bool:
        return self._compare(other) < 0

    def __hash__(self) -> int:
        return hash(self._parts)
