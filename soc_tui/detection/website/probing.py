"""Inert probes: whether an attacked page exists and what it does with a harmless value of the attacked parameter.

After an attack nothing hostile is sent again. A probe asks for the page, for one that does not exist beside it, and for
the page with a marker of letters, digits, a quote and a tag that does nothing as the parameter's value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from soc_tui.core.errors import UsageError
from soc_tui.detection.website.asking import Answer, Asker, Request

_PLAIN = re.compile(r"/[A-Za-z0-9._~/+,@-]{0,500}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")
_GONE = (404, 410)


@dataclass(frozen=True)
class Probe:
    """What a probe has found out."""

    url_path: str
    parameter: str
    page: str
    """``exists``, ``missing`` (404 or 410), ``any`` (the server answers what does not exist in the same way) or
    ``unknown`` (no answer)."""
    reflected: str
    """Whether the parameter's value comes back in the page: ``raw``, ``escaped`` or ``no``."""
    evidence: bytes = b""

    def stored(self) -> dict[str, str]:
        """What ``store.casework.save_probe`` keeps."""
        return {
            "url_path": self.url_path, "parameter": self.parameter, "page": self.page, "reflected": self.reflected
        }  # fmt: skip


def probe_requests(path: str, parameter: str, marker: str) -> list[Request]:
    """The two or three requests of a probe: a page that does not exist, the page, the page with the marker.

    Raises:
        UsageError: the path or the parameter's name is itself the attack, which asking for it would repeat.
    """
    # `..` is walked away with by no server that we ask, and `%` may hide anything.
    if not _PLAIN.fullmatch(path) or ".." in path or "//" in path:
        raise UsageError("the path is itself the attack and is not sent again", remedy="judge it by the stored answers")
    if parameter and not _PARAMETER.fullmatch(unquote(parameter)):
        raise UsageError("the parameter is itself the attack and is not sent again", remedy="probe the page only")
    folder, _, name = path.rpartition("/")
    ending = f".{name.rsplit('.', 1)[1]}" if "." in name else ""
    asked = [Request(f"{folder}/{marker}{ending}"), Request(path)]
    if parameter:
        value = quote(f'{marker}v"<z>')
        asked.append(Request(f"{path}?{quote(unquote(parameter), safe='')}={value}"))
    return asked


def ask_about(asker: Asker, path: str, parameter: str, marker: str) -> Probe:
    """Send the requests of a probe and judge the answers."""
    unknown, page, *more = (asker.ask(request) for request in probe_requests(path, parameter, marker))
    with_value = more[0] if more else None
    reflected, evidence = _reflected(with_value, f'{marker}v"<z>') if with_value else ("no", b"")
    return Probe(path, parameter, _page(page, unknown), reflected, evidence)


def _page(page: Answer | None, unknown: Answer | None) -> str:
    if page is None:
        return "unknown"
    if page.status in _GONE:
        return "missing"
    if page.status // 100 == 2 and unknown is not None and unknown.status == page.status and _alike(page, unknown):
        return "any"
    return "exists"


def _alike(one: Answer, other: Answer) -> bool:
    """The same page but for what changes with every answer: a token, the time, the path repeated."""
    if one.body == other.body:
        return True
    first, second = set(_words(one.body)), set(_words(other.body))
    return len(first & second) >= 0.9 * max(len(first | second), 1)


def _words(body: bytes) -> list[bytes]:
    return re.findall(rb"[A-Za-z]{2,}", body)[:20_000]


def _reflected(answer: Answer, value: str) -> tuple[str, bytes]:
    at = answer.body.find(value.encode())
    if at >= 0:
        kind = " ".join(answer.values("content-type")).lower()
        # Text or JSON is not rendered, so an unescaped tag in it does nothing.
        rendered = not kind or "html" in kind or "xml" in kind
        return "raw" if rendered else "escaped", answer.body[max(0, at - 80) : at + 120]
    at = answer.body.find(value.partition('"')[0].encode())
    return ("escaped", answer.body[max(0, at - 80) : at + 120]) if at >= 0 else ("no", b"")
