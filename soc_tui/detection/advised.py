"""What the advisories say of versions that were found: which store counts, what is exploited, what is affected."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from soc_tui.core.errors import KnowledgeError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Watch
from soc_tui.detection.versions import affected
from soc_tui.knowledge.advisories.store import Advisory, AdvisoryStore, Exploited

_MOST_NOTES = 20


class Installed(Protocol):
    """Something of which advisories may speak."""

    @property
    def version(self) -> str:
        """As its ecosystem writes it."""

    @property
    def target(self) -> str:
        """What it is called in a note."""


_One = TypeVar("_One", bound=Installed)


@dataclass(frozen=True)
class Advised:
    """The advisories and the catalogue of what is exploited, as one scan uses them."""

    store: AdvisoryStore
    exploited: Mapping[str, Exploited]
    """CISA's catalogue by CVE id; empty where it is damaged or was never loaded."""

    def known(self, cves: Iterable[str]) -> list[Exploited]:
        """Those of some vulnerabilities that are exploited in the wild, by CVE id."""
        return [self.exploited[cve] for cve in sorted(set(cves)) if cve in self.exploited]

    def hits(
        self, base: str, installed: Mapping[str, Sequence[_One]], watch: Watch,
        speaks: Callable[[str], bool] | None = None,
    ) -> Iterator[tuple[_One, Advisory, str]]:  # fmt: skip
        """What is affected, by which advisory, and the first version that is not (empty: unknown).

        Args:
            base: an OSV ecosystem without what follows a colon, one of ``versions.ECOSYSTEMS``.
            installed: what was found, by the name that advisories use.
            watch: takes notes of versions that cannot be read, and of advisories that are damaged.
            speaks: whether an ecosystem as an advisory names it (``Debian:12``) is about what was found; None: always.
        """
        unreadable: set[str] = set()
        try:
            for number, advisory in enumerate(self.store.about(base, installed)):
                if number % 256 == 0 and watch.stopping():
                    break
                for one in installed.get(advisory.name, ()) if not speaks or speaks(advisory.ecosystem) else ():
                    try:
                        hit, fixed = affected(base, one.version, advisory.ranges, advisory.versions)
                    except (ValueError, TypeError) as error:
                        # the version of one of the two is none; a list of versions can still name it as it is written
                        hit, fixed = one.version in advisory.versions, ""
                        unreadable.add(f"{advisory.id} and {one.target}: {error}")
                    if hit:
                        yield one, advisory, fixed
        except KnowledgeError as error:
            watch.note(str(error))
        for said in sorted(unreadable)[:_MOST_NOTES]:
            watch.note(f"versions cannot be compared: {said}")
        if len(unreadable) > _MOST_NOTES:
            watch.note(f"versions cannot be compared for {len(unreadable)} pairs of packages and advisories")


@contextmanager
def advice(settings: ScanSettings, knowledge: Path | None, watch: Watch, only: str = "") -> Iterator[Advised]:
    """Open the advisories: those of the user's folder (``scan.advisories``), else what ``knowledge update`` has loaded.

    The catalogue of what is exploited is the loaded one in both cases.

    Args:
        settings: name the folder.
        knowledge: ``knowledge`` in the workspace; None: nothing was loaded.
        watch: takes notes of what is damaged.
        only: the one ecosystem that is asked for: where the folder has a subfolder of that name, as OSV's own export
            has it, the others are not read.
    """
    with tempfile.TemporaryDirectory(prefix="soc-tui-advisories-") as scratch:
        loaded = AdvisoryStore(knowledge or Path(scratch, "none"))
        store = loaded
        if settings.advisories:
            store = AdvisoryStore(Path(scratch))
            _read(store, Path(settings.advisories).expanduser(), only, watch)
        try:
            exploited = loaded.exploited()
        except KnowledgeError as error:
            watch.note(str(error))
            exploited = {}
        yield Advised(store, exploited)


def _read(store: AdvisoryStore, folder: Path, only: str, watch: Watch) -> None:
    part = folder / only
    done = store.update([part if part.is_dir() else folder])
    for damage in done.damages[:_MOST_NOTES]:
        watch.note(f"{damage.source}:{damage.line}: {damage.message}; {damage.remedy}")
    if done.damaged > _MOST_NOTES:
        watch.note(f"{folder}: {done.damaged} advisories cannot be read")


def exploited_fields(known: Sequence[Exploited]) -> dict[str, str]:
    """What the catalogue says of a vulnerability, as fields of a finding; empty: it is not in there."""
    if not known:
        return {}
    first = known[0]
    told = {"exploited since": first.added, "patch due": first.due, "used by ransomware": first.ransomware}
    return {name: value for name, value in told.items() if value}
