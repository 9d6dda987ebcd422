"""The tool for the trees of websites: rules, the ``code`` network for scripts, and what no string can say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from soc_tui.detection.files.judging import Judged
from soc_tui.detection.files.tool import found_in
from soc_tui.detection.files.walking import File
from soc_tui.detection.malicious_files.obfuscation import BROWSER, Measure, measures, side_of
from soc_tui.detection.malicious_files.pages import hidden
from soc_tui.detection.malicious_files.places import misplaced
from soc_tui.detection.malicious_files.suspicion import Suspicion
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.trojan.tool import GATE, RuleTool, network_finding


class MaliciousFileTool(RuleTool):
    """Malicious code in the files of websites."""

    name = "malicious-file"
    risk_type = "malicious-code"
    remedy: ClassVar[str] = (
        "Compare the file with the release it belongs to, restore it, and find out who wrote it and how."
    )

    def look(self, file: File, watch: Watch) -> Iterable[Finding]:
        """Rules, hidden parts of pages, and obfuscation."""
        found = [*super().look(file, watch)]
        gates = {match.rule for match in self._matches(file, watch) if match.ours and GATE in match.tags}
        side = side_of(file.suffix, file.content)
        if not side:
            return found
        if "markup_to_read" in gates:
            found += [_finding(file, one, self.weakness, self.remedy) for one in hidden(file.content)]
        marks = measures(file.content) if "runs_what_it_decodes" in gates else []
        if marks:
            found.append(self._obfuscated(file, side, marks))
        return found

    def wanted(self, file: File, rule: str) -> bool:
        """Only scripts and pages go to the network: it does not know other languages."""
        return rule == "page_script" and (file.suffix in BROWSER or not file.suffix)

    def _obfuscated(self, file: File, side: str, marks: list[Measure]) -> Finding:
        strong = len(marks) > 1
        severity = "high" if side == "server" and strong else "medium" if side == "server" or strong else "low"
        return found_in(
            file, "obfuscated-source", "Obfuscated source that runs what it hides", severity, 0.7 if strong else 0.5,
            marks[0].spans, techniques=("T1027", "T1140"), weaknesses=(self.weakness,), remedy=self.remedy,
            **{mark.name: f"{mark.value:g}" for mark in marks},
        )  # fmt: skip

    def place(self, file: File) -> Iterable[Finding]:
        """What the file's place and name say against it."""
        one = misplaced(file)
        remedy = "Move it away, keep a copy, and forbid scripts in this folder."
        return () if one is None else (_finding(file, one, "CWE-434", remedy),)

    def of_network(self, file: File, judged: Judged) -> Finding:
        """A script that the network calls malicious."""
        return network_finding(
            file, judged, "code-network-browser", "Script that reads like malicious code", "medium",
            ("T1059.007",), self.remedy,
        )  # fmt: skip


def _finding(file: File, one: Suspicion, weakness: str, remedy: str) -> Finding:
    more = {"leads to": one.address} if one.address else {}
    return found_in(
        file, one.check, one.title, one.severity, one.confidence, one.spans, techniques=one.techniques,
        weaknesses=(weakness,), remedy=remedy, **more,
    )  # fmt: skip
