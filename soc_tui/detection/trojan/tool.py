"""Trojan horses among files: what the rules know, and what the ``code`` network thinks of server-side source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from soc_tui.core.settings import ScanSettings
from soc_tui.core.text import safe
from soc_tui.detection.files.judging import Judge, Judged, Queue
from soc_tui.detection.files.lines import evidence_of
from soc_tui.detection.files.tool import FileTool, found_in
from soc_tui.detection.files.walking import File
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.trojan.rulebook import Rulebook, RuleMatch, confidence_of, seen_key, severity_of, techniques_of

GATE = "gate"
"""The tag of rules that say what the network shall read."""
SURE = 0.99
"""The network alone makes a high finding from this score on: administration tools reach its threshold now and then."""
_BROWSER_ONLY = frozenset({".js", ".mjs", ".cjs", ".ts", ".css", ".map"})
_REMEDY = "Keep a copy with its hash, quarantine the file, and find out how it came here."
_WEAKNESS = "CWE-506"  # embedded malicious code


class RuleTool(FileTool):
    """What the tools share that use rules and the network: a rule's ``tool`` says whose finding it is.

    Args:
        settings: rules and limits.
        judge: the ``code`` network; None: rules only.
    """

    takes_users: ClassVar[bool] = False
    """The rules of the user's own, which name no tool, are this one's."""
    weakness: ClassVar[str] = _WEAKNESS
    remedy: ClassVar[str] = _REMEDY

    def __init__(self, settings: ScanSettings, judge: Judge | None = None) -> None:
        super().__init__(settings)
        self._queue = Queue(judge)
        self._rules: Rulebook | None = None
        self._seen = seen_key(settings.yara_rules)

    @property
    def rules(self) -> Rulebook:
        """The compiled rules, made when first needed."""
        if self._rules is None:
            self._rules = Rulebook(self.settings.yara_rules)
        return self._rules

    def begin(self, target: str, watch: Watch) -> None:  # noqa: ARG002
        """Compile the rules; those that are damaged are told of by the tool that the user's rules belong to."""
        if self.takes_users:
            for problem in self.rules.problems:
                watch.note(f"YARA rules: {problem}")

    def look(self, file: File, watch: Watch) -> Iterable[Finding]:
        """Findings of the rules; what a gate lets through waits for the network."""
        found = []
        for match in self._matches(file, watch):
            if not self._mine(match):
                continue
            if GATE in match.tags and match.ours:
                if self.wanted(file, match.rule):
                    self._queue.add(file, match.spans)
            else:
                found.append(self._of_rule(file, match))
        return found

    def wanted(self, file: File, rule: str) -> bool:  # noqa: ARG002
        """Whether what a gate let through is for the network."""
        return True

    def again(self, file: File) -> None:
        """A copy of a content that may still wait for the network."""
        self._queue.again(file)

    def ready(self, watch: Watch, *, end: bool = False) -> Iterator[tuple[File, Finding]]:
        """Verdicts of the network, when a batch of files has come together."""
        if not end and not self._queue.full:
            return
        for places, judged in self._queue.judged(watch.note):
            for file in places:
                yield file, self.of_network(file, judged)

    def of_network(self, file: File, judged: Judged) -> Finding:
        """The finding of a verdict."""
        raise NotImplementedError

    def _matches(self, file: File, watch: Watch) -> list[RuleMatch]:
        known: list[RuleMatch] | None = file.seen.get(self._seen)
        return self.rules.matches(file, watch.note) if known is None else known

    def _mine(self, match: RuleMatch) -> bool:
        if match.ours:
            return bool(match.meta.get("tool") == self.name)
        return self.takes_users

    def _of_rule(self, file: File, match: RuleMatch) -> Finding:
        meta = match.meta
        said = safe(meta.get("description") or f"matches the rule {match.rule}", limit=160)
        more: dict[str, Any] = {"rule": match.rule, "author": str(meta.get("author", ""))[:200]}
        if meta.get("reference"):
            more["reference"] = str(meta["reference"])[:300]
        if not match.ours:
            more["rule file"] = match.namespace
            more["licence"] = str(meta.get("license") or meta.get("licence") or "")[:100]
        return found_in(
            file, match.rule, said, severity_of(meta), confidence_of(meta), match.spans,
            techniques=techniques_of(meta), weaknesses=(self.weakness,), remedy=self.remedy, **more,
        )  # fmt: skip


class TrojanTool(RuleTool):
    """Web shells, droppers, back doors, stealers of credentials, miners and bots."""

    name = "trojan"
    risk_type = "trojan"
    takes_users = True

    def wanted(self, file: File, rule: str) -> bool:
        """Scripts for browsers are another tool's, whatever templates they hold."""
        return rule == "server_source" and file.suffix not in _BROWSER_ONLY

    def of_network(self, file: File, judged: Judged) -> Finding:
        """Server-side source that the network calls malicious."""
        return network_finding(
            file, judged, "code-network-server", "Server-side code that reads like a web shell or dropper",
            "high" if judged.score >= SURE else "medium", ("T1505.003",), self.remedy,
        )  # fmt: skip


def network_finding(
    file: File, judged: Judged, check: str, title: str, severity: str, techniques: tuple[str, ...],
    remedy: str,
) -> Finding:  # fmt: skip
    """A verdict of the ``code`` network as a finding; its places are those that weighed most."""
    place = {}
    if judged.lines:
        place = {
            "line": str(judged.lines[0]),
            "lines": ", ".join(str(line) for line in sorted(set(judged.lines))),
            "spans": " ".join(f"{begin}-{end}" for begin, end in sorted(judged.spans)),
        }
    return Finding(
        check, title, severity, round(judged.score, 4), f"{file.shown}:{place['line']}" if place else file.shown,
        evidence_of(judged.evidence, (0, len(judged.evidence))), techniques=techniques, weaknesses=(_WEAKNESS,),
        remedy=remedy, file_path=file.path, file_hash=file.sha256,
        fields={**place, "network": "code", "label": judged.label, "why": judged.reasons},
    )  # fmt: skip
