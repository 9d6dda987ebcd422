"""The system tool: a root folder in, what is vulnerable or set up wrongly out."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from soc_tui.core.settings import SEVERITIES, ScanSettings
from soc_tui.detection.advised import advice
from soc_tui.detection.rooted import Root, shown
from soc_tui.detection.system import checks as configuration_checks
from soc_tui.detection.system import debsecan, lynis, matching
from soc_tui.detection.system.checks import Check
from soc_tui.detection.system.configuration import (
    Kernel,
    Setting,
    Sshd,
    is_named,
    lines,
    modes,
    programs,
    sudoers,
)  # fmt: skip
from soc_tui.detection.system.packages import apk, dpkg, npm, python, rpm
from soc_tui.detection.system.packages.distribution import Distribution, distribution
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.walking import Walked, walk
from soc_tui.knowledge.advisories.store import Exploited

_MOST = 200_000
"""Files of interest that are kept of one walk, of each kind."""


class SystemTool:
    """System vulnerability verification: a :class:`soc_tui.detection.tools.Tool`.

    Args:
        settings: ``advisories``, ``checks`` and ``programs`` are ours.
        knowledge_dir: ``knowledge`` in the workspace, where ``knowledge update`` keeps advisories.
    """

    name = "system-vulnerability"
    risk_type = "intrusion"

    def __init__(self, settings: ScanSettings, knowledge_dir: Path) -> None:
        self._settings = settings
        self._knowledge = knowledge_dir

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at a machine: its packages first, the exploited and gravest before others, then how it is set up.

        Args:
            target: the root folder, ``/`` for this machine. Nothing in it is changed.
            watch: is told what cannot be looked at.

        Raises:
            SourceError: the target is no folder that can be read.
        """
        root = Root(target)
        found = _Found(root, watch)
        yield from self._vulnerable(found, watch)
        if not watch.stopping():
            yield from self._configured(found, watch)
        if not watch.stopping() and Path(target).resolve() == Path("/") and self._settings.programs:
            yield from _gravest(lynis.findings(watch))

    def _vulnerable(self, found: _Found, watch: Watch) -> list[Finding]:
        made: list[Finding] = []
        with advice(self._settings, self._knowledge, watch) as known:
            for base, packages in matching.grouped(found.packages(), found.distribution.base):
                watch.progress(f"{base} packages", 0, len(packages))
                if known.store.knows(base):
                    made += matching.findings(packages, base, known, found.distribution.speaks, watch)
                else:
                    watch.note(
                        f"{len(packages)} {base} packages are not looked up: there are no advisories about {base}; "
                        "load some with `soc-tui knowledge update --advisories DIR`"
                    )
            if self._settings.programs and found.distribution.base("deb") == "Debian":
                made += self._debsecan(found, known.exploited, made, watch)
        return list(_gravest(made))

    @staticmethod
    def _debsecan(
        found: _Found, exploited: Mapping[str, Exploited], made: list[Finding], watch: Watch
    ) -> list[Finding]:
        told = {(one.fields.get("package"), one.check) for one in made}
        told |= {(part, one.check) for one in made for part in one.fields.get("binary packages", "").split(", ")}
        extra = debsecan.findings(found.root, found.distribution.codename, exploited, watch)
        return [one for one in extra if (one.fields.get("package"), one.check) not in told]

    def _configured(self, found: _Found, watch: Watch) -> Iterator[Finding]:
        loaded, problems = configuration_checks.load(Path(one).expanduser() for one in self._settings.checks)
        for problem in problems:
            watch.note(f"{problem}; this check is left out")
        made: list[Finding] = []
        for check in loaded:
            if watch.stopping():
                break
            if check.reader != "setuid":
                made += [check.finding(setting) for setting in _settings(check, found, watch)]
        made += _setuid([one for one in loaded if one.reader == "setuid"], found)
        yield from _gravest(made)


class _Found:
    """What one look at a machine's files has found, each part when it is first asked for."""

    def __init__(self, root: Root, watch: Watch) -> None:
        self.root = root
        self._watch = watch
        self.distribution: Distribution = distribution(root, watch)
        self.owned = Owned(root, watch)
        self.sshd = Sshd(root, watch)
        self.kernel = Kernel(root, watch)
        self.sudoers = sudoers(root, watch)
        self.setuid: list[Walked] = []
        self._metadata: list[Walked] = []
        self._locks: list[Walked] = []
        self._walk()

    def _walk(self) -> None:
        full = False
        for file in walk(self.root.folder, self._watch):
            for kept, wanted in (
                (self.setuid, bool(file.mode & stat.S_ISUID)),
                (self._metadata, python.is_metadata(file)),
                (self._locks, npm.is_lock(file)),
            ):
                if wanted and len(kept) < _MOST:
                    kept.append(file)
                elif wanted:
                    full = True
        if full:
            self._watch.note(f"more than {_MOST} files of one kind; the rest is not looked at")

    def packages(self) -> Iterator[Package]:
        """Everything that is installed."""
        watch, name = self._watch, self.distribution.id
        yield from dpkg.packages(self.root, name or "debian", watch)
        yield from apk.packages(self.root, name or "alpine", watch)
        yield from rpm.packages(self.root, name, watch)
        for file in self._metadata:
            if watch.stopping():
                return
            # what the distribution packages, it patches without a new version, and its own advisories tell of it
            if not self.owned.has(file.path) and not python.of_the_system(self.root, file):
                one = python.package(self.root, file, watch)
                if one is not None:
                    yield one
        for file in npm.chosen(self._locks):
            if watch.stopping():
                return
            yield from npm.packages(self.root, file, watch)


def _settings(check: Check, found: _Found, watch: Watch) -> Iterable[Setting]:
    """The settings that a check finds wrong."""
    if check.reader == "sshd":
        return check.fails(found.sshd.of(check.subject, check.default))
    if check.reader == "sudoers":
        return check.fails(found.sudoers)
    if check.reader == "kernel":
        return check.fails(found.kernel.of(check.subject))
    if check.reader == "lines":
        return check.fails(lines(found.root, check.files, check.comment, watch))
    read = modes if check.reader == "mode" else programs
    return read(found.root, check.files, check.bits, owner=check.owner, watch=watch)


def _setuid(checks: list[Check], found: _Found) -> Iterator[Finding]:
    for file in found.setuid:
        owned = found.owned.has(file.path)
        for check in checks:
            if is_named(file.path, check.names) and not is_named(file.path, check.known) and (check.owned or not owned):
                said = f"{stat.filemode(file.mode)} {file.uid}:{file.gid} {shown(file.path)}"
                brought = "a package" if owned else "no package that is known"
                yield check.finding(Setting(said, shown(file.path), 0, said.encode(), f"brought by {brought}"))
                break


def _gravest(findings: Iterable[Finding]) -> list[Finding]:
    """The exploited first, then by severity; what is equal stays in its order."""
    return sorted(chain(findings), key=lambda one: (not one.exploited, -SEVERITIES.index(one.severity)))
