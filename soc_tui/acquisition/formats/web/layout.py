"""Access log layouts: what Apache's ``LogFormat`` or nginx's ``log_format`` says, as one RE2 pattern and its fields.

Sources: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html and mod_logio;
https://nginx.org/en/docs/http/ngx_http_log_module.html and https://nginx.org/en/docs/varindex.html.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace

from soc_tui.core.errors import SettingsError

_CLF_TIME = r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}"
_ISO_TIME = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"
_WHOLE = r"-?\d+|-|"
_REAL = r"-?\d+(?:\.\d+)?|-|"
_STATUS = r"\d{3}|-|"
_TEXT = ""
_WORD = "word"
_LIST = r"(?:\S+?(?:(?:, | : )\S+?)*)|"
"""nginx's upstream variables name every server that was tried, separated by commas and colons."""

_MAX_FIELDS = 100


@dataclass(frozen=True)
class Field:
    """One value of a record."""

    name: str
    """Its name in ``extra`` where it gets no column."""
    role: str = ""
    """What it is, as custom.py reads it; empty: only for ``extra``."""
    pattern: str = _TEXT
    """What it looks like; empty: any text."""
    rank: int = 0
    """The lowest of a role gets its column, the others stay in ``extra``."""
    unit: str = "1"
    """Seconds in one unit, of durations and times."""
    stamp: str = ""
    """How a time is written, for ``strptime``; empty: a number."""


@dataclass(frozen=True)
class Layout:
    """A compiled layout."""

    pattern: str
    """RE2; its first group is the record, the others are the ``fields``."""
    fields: tuple[Field, ...]
    json: bool = False
    """Values are escaped as in JSON (nginx's ``escape=json``)."""


class LayoutError(ValueError):
    """A layout that cannot be compiled.

    Args:
        message: what is wrong.
        position: the character of the layout where it is wrong, from 0.
        remedy: how to write it.
    """

    def __init__(self, message: str, position: int, remedy: str) -> None:
        super().__init__(message)
        self.message, self.position, self.remedy = message, position, remedy


def compile_setting(name: str, text: str) -> Layout:
    """The layout of ``acquisition.access_formats.NAME``.

    Raises:
        SettingsError: it cannot be compiled; names the setting, the position (from 1) and the remedy.
    """
    setting = f"acquisition.access_formats.{name}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", name):
        raise SettingsError(f"{setting}: {name!r} is no name of a format", remedy="use letters, digits, _ . -")
    try:
        return compile_layout(text)
    except LayoutError as error:
        where = f"{setting}, position {error.position + 1}"
        raise SettingsError(f"{where}: {error.message}", remedy=error.remedy) from error


def compile_layout(text: str, *, more: bool = False, firm: Container[str] = ()) -> Layout:
    """Compile a layout of either server; which one shows by ``%`` and ``$``.

    Args:
        text: the format string without its name.
        more: further fields at the end are accepted and kept as ``more``.
        firm: names of fields that hold no quote, because no client writes them; that keeps a record of a server that
            does not escape quotes readable from its end.

    Raises:
        LayoutError: it names no field, an unknown conversion, or two texts with nothing between them.
    """
    escape = re.match(r"\s*escape=(default|json|none)\s+", text)
    start = escape.end() if escape else 0
    nginx = escape is not None or len(_NGINX.findall(text)) > len(_APACHE.findall(text))
    parts = _nginx_parts(text, start) if nginx else _apache_parts(text)
    parts = [
        replace(part, pattern='[^"]*') if isinstance(part, Field) and part.name in firm else part for part in parts
    ]
    fields = [part for part in parts if isinstance(part, Field)]
    if not fields:
        raise LayoutError(
            "names no field", 0, "write e.g. '%h %l %u %t \"%r\" %>s %b' or '$remote_addr [$time_local] ...'"
        )
    if len(fields) > _MAX_FIELDS:
        raise LayoutError(f"names over {_MAX_FIELDS} fields", 0, "leave some out")
    pattern = "".join(_pattern_of(parts, at) for at in range(len(parts)))
    if more:
        fields.append(Field("more"))
        pattern += r"(?: (.*))?"
    return Layout(
        rf"(?s)^({pattern})\s*$", tuple(_named_apart(fields)), escape is not None and escape.group(1) == "json"
    )


def _pattern_of(parts: list[str | Field], at: int) -> str:
    part = parts[at]
    if isinstance(part, str):
        return re.escape(part)
    before, after = (parts[at - 1] if at else ""), (parts[at + 1] if at + 1 < len(parts) else "")
    stop = after[0] if isinstance(after, str) and after else ""
    if isinstance(before, str) and before.endswith('"') and stop == '"' and part.pattern in {_TEXT, _WORD, _LIST}:
        # Both servers escape quotes; the second alternative is for those that are told to write them raw.
        return r'((?:[^"\\]|\\.)*|.*?)'
    if part.pattern == _WORD:
        return "([^\\s" + re.escape(stop.strip()) + "]*)"
    return f"({part.pattern or '.*?'})"


def _named_apart(fields: list[Field]) -> list[Field]:
    """The same with every name once."""
    seen: dict[str, int] = {}
    result = []
    for one in fields:
        seen[one.name] = seen.get(one.name, 0) + 1
        result.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name}_{seen[one.name]}"))
    return result


def _joined(parts: list[tuple[int, str | Field]]) -> list[str | Field]:
    """Neighbouring literals made one; two texts with nothing between them are refused."""
    result: list[str | Field] = []
    for position, part in parts:
        last = result[-1] if result else None
        if isinstance(part, str) and isinstance(last, str):
            result[-1] = last + part
        elif (
            isinstance(part, Field)
            and isinstance(last, Field)
            and {last.pattern, part.pattern} <= {_TEXT, _WORD, _LIST}
        ):
            raise LayoutError(
                "nothing separates this field from the one before it", position, "put a blank between them"
            )
        elif part != "":
            result.append(part)
    return result


# --- Apache ---------------------------------------------------------------------------------------------------------

_APACHE = re.compile(r"%(?:!?\d{3}(?:,\d{3})*)?[<>]*(?:\{([^{}]*)\})?(\^?[A-Za-z]{1,3}|%)")
_ESCAPE = re.compile(r"\\(.)", re.S)

_LETTERS: dict[str, Field] = {
    "a": Field("client_address", "client", _WORD, rank=1),
    "h": Field("client", "client", _WORD, rank=2),
    "A": Field("server_address", "server", _WORD),
    "B": Field("bytes", "bytes_in", _WHOLE, rank=1),
    "b": Field("bytes", "bytes_in", _WHOLE),
    "D": Field("duration_us", "duration", _WHOLE, unit="1e-6"),
    "f": Field("filename", "file_path"),
    "H": Field("http_version"),
    "I": Field("bytes_received", "bytes_out", _WHOLE),
    "k": Field("keepalive_requests", pattern=_WHOLE),
    "l": Field("ident", pattern=_WORD),
    "L": Field("log_id", pattern=_WORD),
    "m": Field("method", "verb", _WORD),
    "O": Field("bytes_sent", "bytes_in", _WHOLE, rank=2),
    "p": Field("port", "dst_port", _WHOLE),
    "P": Field("pid", pattern=_WHOLE),
    "q": Field("query", "query", r"\?.*?|"),
    "r": Field("request", "request"),
    "R": Field("handler"),
    "s": Field("status", "code", _STATUS, rank=1),
    "S": Field("bytes_total", pattern=_WHOLE),
    "t": Field("time", "time", _CLF_TIME, stamp="clf"),
    "T": Field("duration_s", "duration", _WHOLE, rank=2),
    "u": Field("user", "user"),
    "U": Field("path", "path", rank=1),
    "v": Field("server_name", "site", _WORD),
    "V": Field("server_name", "site", _WORD, rank=1),
    "X": Field("connection_status", pattern=r"[X+-]"),
}
"""Directives by letter. ``%h`` and ``%a`` are the peer (or what mod_remoteip was told to believe)."""

_PORTS = {"canonical": _LETTERS["p"], "local": Field("local_port", "dst_port", _WHOLE, rank=1),
          "remote": Field("remote_port", "src_port", _WHOLE)}  # fmt: skip
_TOOK = {"s": _LETTERS["T"], "ms": Field("duration_ms", "duration", _WHOLE, rank=1, unit="1e-3"), "us": _LETTERS["D"]}
_HEADERS = {"user-agent": Field("User-Agent", "agent"), "referer": Field("Referer", "referrer"),
            "host": Field("Host", "site", rank=2)}  # fmt: skip
_CONNECTION = Field("connection_client", "client", _WORD, rank=3)
_LONG = ("FU", "FB", "ti", "to")


def _apache_parts(text: str) -> list[str | Field]:
    parts: list[tuple[int, str | Field]] = []
    at = 0
    while at < len(text):
        escaped = _ESCAPE.match(text, at)
        if escaped:
            if escaped.group(1) == "n":
                raise LayoutError("a record of several lines", at, r"leave out \n")
            parts.append((at, "\t" if escaped.group(1) == "t" else escaped.group(1)))
            at = escaped.end()
        elif text[at] == "%":
            found = _APACHE.match(text, at)
            if not found:
                raise LayoutError(
                    f"{text[at : at + 12]!r} is no directive", at, "write %% for a percent sign, %{NAME}i for a header"
                )
            argument, letters = found.group(1), found.group(2)
            long = letters.startswith("^") and letters[1:3] in _LONG
            letter = letters[:3] if long else letters[:1]
            modifiers = text[at : found.start(2)]
            at_end = found.start(2) + len(letter)
            parts += [(at, made) for made in _directive(letter, argument, modifiers, at)]
            at = at_end
        else:
            parts.append((at, text[at]))
            at += 1
    return _joined(parts)


def _directive(letter: str, argument: str | None, modifiers: str, at: int) -> list[str | Field]:
    if letter == "%":
        return ["%"]
    if letter.startswith("^") and len(letter) < 3:
        raise LayoutError(f"{'%' + letter!r} is no directive", at, "the trailers are %{NAME}^ti and %{NAME}^to")
    if letter == "t":
        return _apache_time(argument, at)
    if letter == "T" and argument is not None and argument not in _TOOK:
        raise LayoutError(f"unknown unit {argument!r}", at, "write %{ms}T, %{us}T or %{s}T")
    return [_field(letter, argument, final=">" in modifiers)]


def _field(letter: str, argument: str | None, *, final: bool) -> Field:
    if argument is None:
        known = _LETTERS.get(letter, Field(letter))
        return replace(known, rank=0) if letter == "s" and final else known
    special = {
        "i": _HEADERS.get(argument.lower()),
        "a": _CONNECTION if argument == "c" else None,
        "h": _CONNECTION if argument == "c" else None,
        "p": _PORTS.get(argument),
        "T": _TOOK.get(argument),
        "P": Field(argument, pattern=_WORD),
    }
    return special.get(letter) or Field(argument)


_EPOCHS = {"sec": "1", "msec": "1e-3", "usec": "1e-6"}
_FRACTIONS = {"msec_frac": r"\d{3}", "usec_frac": r"\d{6}"}


def _apache_time(argument: str | None, at: int) -> list[str | Field]:
    if argument is None:
        return ["[", _LETTERS["t"], "]"]
    end = argument.startswith("end:")
    shape = argument.removeprefix("begin:").removeprefix("end:")
    name, role = ("time_end", "time_end") if end else ("time", "time")
    if shape in _EPOCHS:
        return [Field(name, role, r"\d+", unit=_EPOCHS[shape])]
    if shape in _FRACTIONS:
        return [Field(f"{name}_{shape}", role, _FRACTIONS[shape], stamp="%f")]
    if not shape:
        return ["[", replace(_LETTERS["t"], name=name, role=role), "]"]
    pattern, stamp = _strftime(shape, at)
    return [Field(name, role, pattern, stamp=stamp)]


_NAMES = r"[A-Za-z]{3,9}"
_CONVERSIONS: dict[str, tuple[str, str]] = {
    "a": (_NAMES, "%a"), "A": (_NAMES, "%A"), "b": (_NAMES, "%b"), "B": (_NAMES, "%B"), "h": (_NAMES, "%b"),
    "d": (r"\d\d", "%d"), "e": (r"[ \d]?\d", "%-d"), "H": (r"\d\d", "%H"), "I": (r"\d\d", "%I"), "j": (r"\d{3}", "%j"),
    "k": (r"[ \d]?\d", "%-H"), "l": (r"[ \d]?\d", "%-I"), "m": (r"\d\d", "%m"), "M": (r"\d\d", "%M"),
    "p": (r"[AaPp][Mm]", "%p"), "P": (r"[AaPp][Mm]", "%p"),
    "S": (r"\d\d", "%S"), "y": (r"\d\d", "%y"), "Y": (r"\d{4}", "%Y"),
    "z": (r"[+-]\d{4}", "%z"), "n": (r"\s", " "), "t": (r"\s", " "), "%": ("%", "%%"),
}  # fmt: skip
_COMPOSED = {"D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "r": "%I:%M:%S %p", "T": "%H:%M:%S",
             "c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S"}  # fmt: skip


def _strftime(shape: str, at: int) -> tuple[str, str]:
    """The pattern of a strftime(3) format in the C locale and the same for DuckDB's ``strptime``."""
    shape = re.sub(r"%[EO]?([DFRrTcxX])", lambda found: _COMPOSED[found.group(1)], shape)
    if shape == "%s":
        return r"\d+", ""
    pattern = stamp = ""
    for found in re.finditer(r"%[EO_^0-]?(.)|%|[^%]+", shape, re.S):
        letter = found.group(1)
        if (letter is None and found.group().startswith("%")) or (letter is not None and letter not in _CONVERSIONS):
            raise LayoutError(
                f"{found.group()!r} is a part of a time that cannot be read back",
                at,
                "use %d %b %m %Y %H %M %S %z, %T, %F or %s",
            )
        one = _CONVERSIONS[letter] if letter else (re.escape(found.group()), found.group())
        pattern, stamp = pattern + one[0], stamp + one[1]
    return pattern, stamp


# --- nginx ----------------------------------------------------------------------------------------------------------

_NGINX = re.compile(r"\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))", re.I)

_VARIABLES: dict[str, Field] = {
    "remote_addr": Field("remote_addr", "client", _WORD),
    "remote_port": Field("remote_port", "src_port", _WHOLE),
    "remote_user": Field("remote_user", "user"),
    "server_addr": Field("server_addr", "server", _WORD),
    "server_port": Field("server_port", "dst_port", _WHOLE),
    "server_protocol": Field("http_version"),
    "time_local": Field("time_local", "time", _CLF_TIME, rank=1, stamp="clf"),
    "time_iso8601": Field("time_iso8601", "time", _ISO_TIME, rank=2, stamp="iso"),
    "msec": Field("msec", "time", r"\d+\.\d+"),
    "request": Field("request", "request"),
    "request_method": Field("request_method", "verb", _WORD),
    "request_uri": Field("request_uri", "path"),
    "uri": Field("uri", "path", rank=1),
    "document_uri": Field("document_uri", "path", rank=2),
    "args": Field("args", "query"),
    "query_string": Field("query_string", "query", rank=1),
    "status": Field("status", "code", _STATUS),
    "body_bytes_sent": Field("body_bytes_sent", "bytes_in", _WHOLE),
    "bytes_sent": Field("bytes_sent", "bytes_in", _WHOLE, rank=1),
    "request_length": Field("request_length", "bytes_out", _WHOLE),
    "request_time": Field("request_time", "duration", _REAL),
    "http_user_agent": Field("http_user_agent", "agent"),
    "http_referer": Field("http_referer", "referrer"),
    "host": Field("host", "site"),
    "http_host": Field("http_host", "site", rank=1),
    "server_name": Field("server_name", "site", rank=2),
    "ssl_server_name": Field("ssl_server_name", "tls_server_name"),
    "request_filename": Field("request_filename", "file_path"),
    "connection": Field("connection", pattern=_WHOLE),
    "connection_requests": Field("connection_requests", pattern=_WHOLE),
    "connection_time": Field("connection_time", pattern=_REAL),
    "content_length": Field("content_length", pattern=_WHOLE),
    "gzip_ratio": Field("gzip_ratio", pattern=_REAL),
    "pid": Field("pid", pattern=_WHOLE),
    "pipe": Field("pipe", pattern=r"[p.]"),
    "request_id": Field("request_id", pattern=_WORD),
    "scheme": Field("scheme", pattern=_WORD),
}
"""Variables with a known shape. ``$realip_remote_addr`` is the peer where ``$remote_addr`` was taken from a header."""


def _nginx_parts(text: str, start: int) -> list[str | Field]:
    parts: list[tuple[int, str | Field]] = []
    at = start
    while at < len(text):
        found = _NGINX.match(text, at)
        if found:
            parts.append((at, _variable((found.group(1) or found.group(2)).lower())))
            at = found.end()
        elif text[at] == "$":
            raise LayoutError("a $ that begins no variable", at, "write $remote_addr or ${remote_addr}")
        else:
            escaped = _ESCAPE.match(text, at)
            parts.append((at, escaped.group(1) if escaped and escaped.group(1) in "\"'\\" else text[at]))
            at = escaped.end() if escaped and escaped.group(1) in "\"'\\" else at + 1
    return _joined(parts)


def _variable(name: str) -> Field:
    if name.startswith("upstream_") and not name.startswith(
        ("upstream_http_", "upstream_cookie_", "upstream_trailer_")
    ):
        return Field(name, pattern=_LIST)
    return _VARIABLES.get(name, Field(name))
