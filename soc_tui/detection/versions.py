"""Versions by the rules of their ecosystem, and whether one lies in the ranges of an advisory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

MAX_LENGTH = 200
"""Longer versions are refused: comparing takes some libraries the square of the length."""
_DIGITS = 18  # of one number; int() of a longer one costs, and no version needs it
_LONG_NUMBER = re.compile(rf"[0-9]{{{_DIGITS + 1},}}")


def _debian(text: str) -> Any:
    from debian.debian_support import NativeVersion

    if not text.isascii():
        raise ValueError("not ASCII")
    version = NativeVersion(text)
    if not (version.upstream_version or "")[:1].isdigit():
        raise ValueError("does not begin with a digit")  # Debian policy 5.6.12; dpkg warns
    return version


def _pypi(text: str) -> Any:
    from packaging.version import Version

    return Version(text)


def _semver(text: str) -> Any:
    from semantic_version import Version

    text = text.strip().removeprefix("v").removeprefix("=").partition("+")[0]  # npm orders builds as equal
    try:
        version = Version(text)
    except ValueError:
        version = Version.coerce(text)
    return version.precedence_key


def _rpm(text: str) -> Any:
    from univers.rpm import RpmVersion

    epoch, colon, rest = text.rpartition(":")
    if not text.isascii() or not rest or (colon and not epoch.isdigit()):
        raise ValueError("is no [epoch:]version[-release]")
    version, _, release = rest.partition("-")
    return RpmVersion(int(epoch or 0), version, release)


def _apk(text: str) -> Any:
    from soc_tui.detection.apk_versions import ApkVersion

    return ApkVersion(text)


_RULES: dict[str, Callable[[str], Any]] = {
    "Debian": _debian, "Ubuntu": _debian, "Echo": _debian, "MinimOS": _apk,
    "Alpine": _apk, "Wolfi": _apk, "Chainguard": _apk, "Alpaquita": _apk, "BellSoft Hardened Containers": _apk,
    "PyPI": _pypi, "npm": _semver, "Bitnami": _semver,
    "Red Hat": _rpm, "Rocky Linux": _rpm, "AlmaLinux": _rpm, "SUSE": _rpm, "openSUSE": _rpm, "Mageia": _rpm,
    "openEuler": _rpm, "Photon OS": _rpm, "Azure Linux": _rpm,
}  # fmt: skip
ECOSYSTEMS = frozenset(_RULES)
"""The OSV ecosystems whose versions can be compared (what stands before a colon in their names)."""


@lru_cache(maxsize=65536)
def version(ecosystem: str, text: str) -> Any:
    """A value that compares as versions of this ecosystem do.

    Args:
        ecosystem: one of :data:`ECOSYSTEMS`.
        text: the version.

    Raises:
        ValueError: that is no version there.
    """
    if ecosystem not in _RULES:
        raise ValueError(f"versions of {ecosystem} cannot be compared")
    if not 0 < len(text) <= MAX_LENGTH or _LONG_NUMBER.search(text):
        raise ValueError(f"{text[:40]!r}... is too long for a version")
    return _RULES[ecosystem](text)


def compare(ecosystem: str, left: str, right: str) -> int:
    """Less than, equal to or greater than 0 as ``left`` is before, the same as or after ``right``.

    Raises:
        ValueError: one of them is no version there.
    """
    first, second = version(ecosystem, left), version(ecosystem, right)
    return -1 if first < second else int(second < first)


def affected(
    ecosystem: str, installed: str, ranges: Iterable[Sequence[Sequence[str]]], listed: Iterable[str]
) -> tuple[bool, str]:
    """Whether a version is affected, by the algorithm of the OSV schema (ossf.github.io/osv-schema, Evaluation).

    Args:
        ecosystem: whose rules hold.
        installed: the version.
        ranges: lists of events, each ``(introduced | fixed | last_affected | limit, version)``.
        listed: affected versions that are listed by name.

    Returns:
        Whether it is, and the first version after it that is not (empty: unknown or none).

    Raises:
        ValueError: a version cannot be read.
    """
    mine = version(ecosystem, installed)
    hit, fixed_in = installed in listed, ""
    for events in ranges:
        limits = [value for kind, value in events if kind == "limit" and value != "*"]
        if limits and not any(mine < version(ecosystem, value) for value in limits):
            continue
        inside = False
        for kind, value in sorted(events, key=lambda event: _Key(ecosystem, event)):
            before = value == "0" or not mine < version(ecosystem, value)  # the event is not after us
            if kind == "introduced":
                inside = inside or before
            elif kind == "fixed":
                inside = inside and not before
            elif kind == "last_affected":
                inside = inside and not (before and version(ecosystem, value) != mine)
            if inside and kind == "fixed":
                fixed_in = min(fixed_in or value, value, key=lambda text: version(ecosystem, text))
        hit = hit or inside
    return hit, fixed_in if hit else ""


class _Key:
    """Sorts events: 0 before everything, else by version, and equal ones as they are listed (a stable sort).

    So ``fixed 3.1.1, introduced 3.1.1`` goes on at 3.1.1, and ``introduced 1, fixed 1`` is empty.
    """

    def __init__(self, ecosystem: str, event: Sequence[str]) -> None:
        self._zero = event[0] == "introduced" and event[1] == "0"
        self._version: Any = None if self._zero else version(ecosystem, event[1])

    def __lt__(self, other: _Key) -> bool:
        if self._zero or other._zero:
            return self._zero and not other._zero
        return bool(self._version < other._version)
