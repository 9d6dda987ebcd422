"""The packaged cases of ``soc-tui selftest``: for every detector something to be found, and something not to be.

A case file is YAML::

    detector: ssh-brute-force
    cases:
      - name: one source, forty failures   # optional
        format: syslog                     # as `soc-tui ingest --as`
        title: SSH brute force             # optional: words that the title of the finding must hold
        true: |                            # the log that must fire
          Mar 27 13:06:01 web1 sshd[1]: Failed password for root from 203.0.113.9 port 40000 ssh2
        false: |                           # the log that must stay silent
          Mar 27 13:06:01 web1 sshd[1]: Accepted publickey for root from 203.0.113.10 port 40000 ssh2

With one case only, its keys may stand beside ``detector``. Two formats are no logs: ``website`` is a source tree and
``followed`` a log that is watched; both give ``before`` and ``after``, a mapping of file names to contents for the
first and a text for the second. ``indicators`` is a list of known-bad values that is loaded before the log is read,
``settings`` a mapping of what must be set (``detection.own_domains: [example.org]``); it holds for all cases. A
detector's cases must differ in addresses, machines or days: they are replayed in one workspace, and a finding that
rests on two of them is a mistake of the case file.

Tools do not look at logs: what they are tried on is in :mod:`soc_tui.detection.trials`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.core.errors import UsageError

FOLDERS = (Path(__file__).parent,)
"""Where case files are looked for."""
TREE, FOLLOWED = "website", "followed"
_MOST_BYTES = 4 * 1024 * 1024
_KEYS = {"name", "format", "title", "true", "false", "indicators", "settings"}


@dataclass(frozen=True)
class Case:
    """One log, tree or course of events, and whether it must be found."""

    detector: str
    name: str
    format: str
    fires: bool
    """True: the detector must find something in it; False: it must not."""
    text: str = ""
    """The log; empty for the formats that change."""
    before: Any = None
    after: Any = None
    title: str = ""
    """Words that the title of what is found must hold."""
    indicators: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What must be set, by ``section.name``."""


@dataclass(frozen=True)
class Trial:
    """What a tool's own test has done."""

    name: str
    fires: bool
    """Whether the tool had to find something."""
    found: int
    """How much it found."""
    problems: tuple[str, ...] = field(default_factory=tuple)


def load_cases(folders: Iterable[Path] = FOLDERS) -> list[Case]:
    """Every packaged case, in order of detector.

    Raises:
        UsageError: a case file is damaged; names the file and what is wrong.
    """
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*.yml"))]
    return sorted((case for file in files for case in read_cases(file)), key=lambda case: case.detector)


def read_cases(file: Path) -> Iterator[Case]:
    """The cases of one file; each of its cases is one that fires, one that does not, or both.

    Raises:
        UsageError: as :func:`load_cases`.
    """
    import yaml

    if file.stat().st_size > _MOST_BYTES:
        raise _wrong(file, f"is larger than {_MOST_BYTES} bytes")
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(file, "is no YAML", mark.line + 1 if mark else None) from error
    if not isinstance(read, dict) or not isinstance(read.get("detector"), str):
        raise _wrong(file, "names no detector")
    whole = {_word(key): value for key, value in read.items()}
    detector = whole.pop("detector")
    parts = whole.pop("cases", None) if "cases" in whole else [whole]
    if not isinstance(parts, list) or not parts or ("cases" in read and whole):
        raise _wrong(file, "cases: must be a list, with nothing beside it but detector:")
    for number, part in enumerate(parts, 1):
        yield from _case(file, detector, number, part)


def _case(file: Path, detector: str, number: int, part: Any) -> Iterator[Case]:
    if not isinstance(part, dict):
        raise _wrong(file, f"case {number} is no mapping")
    given = {_word(key): value for key, value in part.items()}
    if unknown := sorted(set(given) - _KEYS):
        raise _wrong(file, f"case {number} has the unknown key {unknown[0]!r}")
    form = given.get("format")
    if not isinstance(form, str):
        raise _wrong(file, f"case {number} has no format")
    if not {"true", "false"} & set(given):
        raise _wrong(file, f"case {number} has neither true: nor false:")
    name = str(given.get("name") or f"case {number}")
    title, indicators = str(given.get("title") or ""), str(given.get("indicators") or "")
    settings = given.get("settings") or {}
    if not isinstance(settings, dict) or not all(isinstance(key, str) and key.count(".") == 1 for key in settings):
        raise _wrong(file, f"settings: of case {number} must map section.name to values")
    for word, fires in (("true", True), ("false", False)):
        if word not in given:
            continue
        content = given[word]
        if form in {TREE, FOLLOWED}:
            if not isinstance(content, dict) or not _fits(form, content):
                raise _wrong(file, f"{word}: of case {number} must have before: and after: as a {form} has them")
            yield Case(
                detector, name, form, fires, "", content["before"], content["after"], title, indicators, settings
            )
        elif isinstance(content, str) and content.strip():
            yield Case(detector, name, form, fires, content, None, None, title, indicators, settings)
        else:
            raise _wrong(file, f"{word}: of case {number} is no text")


def _fits(form: str, content: dict[Any, Any]) -> bool:
    if set(content) != {"before", "after"}:
        return False
    if form == FOLLOWED:
        return all(isinstance(text, str) for text in content.values())
    return all(
        isinstance(tree, dict) and all(_inside(name) and isinstance(text, str) for name, text in tree.items())
        for tree in content.values()
    )


def _inside(name: Any) -> bool:
    """A file's place below a folder, and nowhere else."""
    return isinstance(name, str) and bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts


def _word(key: Any) -> str:
    """YAML 1.1 reads the bare keys ``true`` and ``false`` as truth values."""
    return {True: "true", False: "false"}.get(key, str(key)) if isinstance(key, bool) else str(key)


def _wrong(file: Path, what: str, line: int | None = None) -> UsageError:
    return UsageError(f"the case file {what}", source=file, line=line, remedy="see docs/quality.md")
