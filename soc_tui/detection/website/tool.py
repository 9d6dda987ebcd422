"""The tool ``website-vulnerability``: looks at one owned website with read-only requests.

Nothing is sent to a site that ``scan.websites`` does not name, nothing that changes anything, and never faster than
``scan.requests_per_second``. One object is one scan: its id is in the User-Agent of every request, so the owner finds
the scan in the access log, and :meth:`WebsiteTool.requests` tells exactly what :meth:`WebsiteTool.check` will send.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Iterator
from pathlib import Path

from soc_tui.core.clock import Clock, SystemClock
from soc_tui.core.errors import UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding, Watch
from soc_tui.detection.website import cookies, nuclei, tls
from soc_tui.detection.website.asking import Answer, Asker, Request
from soc_tui.detection.website.matching import facts_shown, shown
from soc_tui.detection.website.origins import Origin, owned, resolve
from soc_tui.detection.website.probing import Probe, ask_about, probe_requests
from soc_tui.detection.website.template import FOLDER, MARKER, Template, load


class WebsiteTool:
    """Website vulnerability verification; one object is one scan.

    Args:
        settings: what is owned, and how hard it may be asked.
        clock: against which certificates are judged.
        templates: the folder of templates.
        scan_id: names the scan in every request; letters and digits, chosen by chance when empty.
    """

    name, risk_type = "website-vulnerability", "web-attack"

    def __init__(
        self, settings: ScanSettings, *, clock: Clock | None = None, templates: Path = FOLDER, scan_id: str = ""
    ) -> None:
        self._settings, self._clock = settings, clock or SystemClock()
        self.scan_id = scan_id or secrets.token_hex(4)
        self.marker = f"soctui{self.scan_id}"
        """The inert value that parameters are asked with."""
        self.agent = f"soc-tui website check (scan {self.scan_id}; read-only; by the owner of this site)"
        self._templates, self._problems = load(templates)

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at a website: ``https://www.example.org`` or, with its start page, ``https://www.example.org/en/``.

        Redirects are told and not followed. A site that hangs costs ``scan.timeout_seconds`` three times,
        with TLS four times.

        Raises:
            UsageError: it is no website, or none that ``scan.websites`` names.
            SocTuiError: its name has no address.
        """
        origin, start = owned(target, self._settings.websites)
        return self._check(origin, start, self._asker(origin, watch), watch)

    def requests(self, target: str) -> list[str]:
        """Every request that :meth:`check` would send, in order: method, URL, headers. Nothing is sent, not even DNS.

        The handshakes of the TLS check and the command line of nuclei, where it is installed, are told as well.

        Raises:
            UsageError: as :meth:`check`.
        """
        origin, start = owned(target, self._settings.websites)
        tls_line = f"TLS handshakes with {origin.host}:{origin.port}, without a request"
        lines = [tls_line] if origin.scheme == "https" else []
        lines += self._told(origin, self._planned(origin, start))
        program = nuclei.program()
        if program:
            command = nuclei.command(program, origin, "ADDRESS", self.agent, self._settings.requests_per_second)
            lines.append(" ".join(command))
        return lines

    def probe(self, target: str, path: str, parameter: str, watch: Watch) -> Probe:
        """Whether an attacked page exists and what it does with an inert value of the attacked parameter.

        Args:
            target: an owned website.
            path: the attacked path as it was logged.
            parameter: the attacked parameter as it was logged; empty: only the page.
            watch: is told what got no answer.

        Raises:
            UsageError: as :meth:`check`, or the path or parameter cannot be asked for.
            SocTuiError: the site's name has no address.
        """
        origin, _ = owned(target, self._settings.websites)
        probe_requests(path, parameter, self.marker)  # refused before anything is resolved
        return ask_about(self._asker(origin, watch), path, parameter, self.marker)

    def probe_requests(self, target: str, path: str, parameter: str) -> list[str]:
        """Every request that :meth:`probe` would send, as :meth:`requests` tells them."""
        origin, _ = owned(target, self._settings.websites)
        return self._told(origin, probe_requests(path, parameter, self.marker))

    # -- asking --------------------------------------------------------------------------------------------------

    def _asker(self, origin: Origin, watch: Watch, address: str = "") -> Asker:
        settings = self._settings
        if not settings.requests_per_second or not settings.timeout_seconds:
            raise UsageError(
                "scan.requests_per_second and scan.timeout_seconds must be above 0", remedy="see docs/settings.md"
            )
        address = address or resolve(origin, settings.timeout_seconds)
        return Asker(origin, address, self.agent, settings.requests_per_second, settings.timeout_seconds, watch)

    def _told(self, origin: Origin, requests: list[Request]) -> list[str]:
        asker = self._asker(origin, Watch(), address="-")
        return [
            " | ".join(
                [f"{one.method} {origin}{one.path}", *(f"{name}: {value}" for name, value in asker.sent_headers(one))]
            )
            for one in requests
        ]

    def _planned(self, origin: Origin, start: str) -> list[Request]:
        """Every request of a scan once: paths that do not exist, the start page, then the templates', gravest first."""
        templates = self._applicable(origin)
        planned = [Request(self._unknown("/x"))]
        planned += [Request(self._unknown(path)) for one in templates if one.baseline for path in one.paths]
        planned += [Request(start)]
        planned += [self._request(one, path) for one in templates for path in one.paths]
        return list(dict.fromkeys(planned))

    def _applicable(self, origin: Origin) -> list[Template]:
        return [one for one in self._templates if one.scheme in {"", origin.scheme}]

    def _request(self, template: Template, path: str) -> Request:
        headers = tuple((name.title(), value.replace(MARKER, self.marker)) for name, value in template.headers.items())
        return Request(path.replace(MARKER, self.marker), template.method, headers)

    def _unknown(self, path: str) -> str:
        """A path that surely does not exist and that a server treats like the given one: hidden, folder, extension."""
        plain = path.split("?", 1)[0]
        hidden = "." if "/." in plain else ""
        return f"/{hidden}{self.marker}{posixpath.splitext(plain)[1]}{'/' if plain.endswith('/') else ''}"

    # -- judging -------------------------------------------------------------------------------------------------

    def _check(self, origin: Origin, start: str, asker: Asker, watch: Watch) -> Iterator[Finding]:
        for problem in self._problems:
            watch.note(f"a template is left out: {problem}")
        if origin.scheme == "https":
            facts = tls.look(asker, self._clock.now(), watch)
            yield from self._of_facts("tls", facts, asker, "/")
        answers: dict[Request, Answer] = {}
        planned = self._planned(origin, start)
        waiting = [(one, path) for one in self._applicable(origin) for path in one.paths]
        for number, request in enumerate(planned):
            watch.progress(f"{origin}{request.path}", number, len(planned))
            if asker.gave_up:
                break
            answer = asker.ask(request)
            if answer is None:
                continue
            answers[request] = answer
            if request == Request(start):
                self._tell_redirect(origin, answer, watch)
                yield from self._of_facts("cookies", cookies.look(answer.values("set-cookie")), asker, start)
                yield from self._of_page("start", answer, asker, start)
            if request == Request(self._unknown("/x")):
                yield from self._of_page("unknown", answer, asker, request.path)
            for template, path in waiting:
                if self._request(template, path) == request:
                    yield from self._of_path(template, answer, answers, asker, path)
        watch.progress(str(origin), len(planned), len(planned))
        if not asker.gave_up:
            yield from nuclei.look(asker, self.agent, self._settings.requests_per_second, watch)

    def _of_facts(self, on: str, facts: dict[str, str], asker: Asker, path: str) -> Iterator[Finding]:
        for template in self._applicable(asker.origin):
            if template.on == on and (proof := facts_shown(template, facts)) is not None:
                yield self._finding(template, asker, path, proof)

    def _of_page(self, on: str, answer: Answer, asker: Asker, path: str) -> Iterator[Finding]:
        for template in self._applicable(asker.origin):
            if template.on == on and (proof := shown(template, answer, self.marker)) is not None:
                yield self._finding(template, asker, path, proof)

    def _of_path(
        self, template: Template, answer: Answer, answers: dict[Request, Answer], asker: Asker, path: str
    ) -> Iterator[Finding]:
        proof = shown(template, answer, self.marker)
        if proof is None:
            return
        if template.baseline:
            unknown = answers.get(Request(self._unknown(path)))
            if unknown is None or shown(template, unknown, self.marker) is not None:
                return  # what does not exist is answered in the same way, or that could not be found out
        yield self._finding(template, asker, self._request(template, path).path, proof)

    def _finding(self, template: Template, asker: Asker, path: str, proof: bytes) -> Finding:
        origin = asker.origin
        # Without the marker: found again by the next scan it is the same finding.
        place = path.replace(self.marker, "MARKER")
        if template.on in {"tls", "unknown"}:
            place = ""
        return Finding(
            check=template.id, title=template.title, severity=template.severity, confidence=template.confidence,
            target=f"{origin}{place}", evidence=proof[:EVIDENCE_BYTES], kind=template.kind,
            techniques=template.techniques, weaknesses=template.weaknesses, remedy=template.remedy,
            ip=asker.address, port=origin.port, url_host=origin.host, url_path=path.split("?", 1)[0],
            fields={"scan": self.scan_id},
        )  # fmt: skip

    def _tell_redirect(self, origin: Origin, answer: Answer, watch: Watch) -> None:
        if answer.status in {301, 302, 303, 307, 308}:
            goal = (answer.values("location") or [""])[0][:200]
            watch.note(f"{origin} redirects to {goal}; redirects are not followed: name that page if it is yours")
