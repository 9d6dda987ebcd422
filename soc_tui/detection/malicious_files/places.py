"""What lies where it should not: programs among uploads, code that calls itself a picture."""

from __future__ import annotations

import re

from soc_tui.detection.files.walking import File
from soc_tui.detection.malicious_files.obfuscation import SERVER
from soc_tui.detection.malicious_files.suspicion import Suspicion

UPLOADS = re.compile(
    r"(?i)(?:^|/)(?:uploads?|uploaded|userfiles?|user[_-]uploads?|attachments?|avatars?|pub/media|images/stories"
    r"|sites/[^/]+/files|storage/app/public|wp-content/(?:uploads|cache))/"
)
"""Folders that applications let visitors write to."""
_PROGRAM = re.compile(
    r"(?i)(?:^|/)(?:vendor|node_modules|libraries|includes|src|lib|classes|tests?|maintenance|docs?)/"
)
"""An ``upload`` below one of these is a part of a program's own source."""
MEDIA = frozenset({
    ".jpg", ".jpeg", ".png", ".gif", ".ico", ".bmp", ".webp", ".svg", ".pdf", ".doc", ".docx", ".xls", ".zip", ".mp3",
    ".mp4", ".css", ".woff", ".woff2", ".ttf", ".log",
})  # fmt: skip
_DOUBLE = re.compile(
    r"(?i)\.(?:jpe?g|png|gif|ico|bmp|webp|pdf|docx?|xlsx?|zip)\.(?:php\d?|phtml|phar|jspx?|aspx?|ashx|pl|cgi)$"
)
_SCRIPT = re.compile(rb"#!\s{0,4}/\S{0,60}\b(?:sh|bash|dash|zsh|perl|python\d?|ruby|php|node)\b")
_CODE = re.compile(rb"(?i)<\?(?:php\b|=)|<%[@!=\s]|<jsp:")
_STUB_BYTES = 300
"""An ``index.php`` up to this size that runs nothing only forbids listing its folder."""
_STUB = re.compile(
    rb"(?is)\s*<\?php\s*(?:(?://|#)[^\n]*\s*|/\*.*?\*/\s*|(?:die|exit)\s?(?:\(\s?[^)$]{0,80}\))?\s?;\s*|header\s?\([^)$]{0,80}\)\s?;\s*)*(?:\?>)?\s*"
)


def misplaced(file: File) -> Suspicion | None:
    """What its place and name say against a file; None for nothing."""
    kind = _kind(file)
    if not kind:
        return None
    name = file.below.rpartition("/")[2].rpartition("!")[2]
    code = _CODE.search(file.content, 0, 65_536)
    spans = [code.span() if code else (0, min(len(file.content), 64))]
    path = file.path if file.member == "" else file.below
    upload = UPLOADS.search(path)
    if (
        upload
        and not _PROGRAM.search(path, 0, upload.start() + 1)
        and not (file.suffix == ".php" and _is_stub(file.content))
    ):
        severity = "critical" if kind == "server code" and file.suffix in SERVER else "high"
        return Suspicion(
            "executable-among-uploads",
            f"Executable file among uploads: {kind}",
            severity,
            0.85,
            spans,
            ("T1505.003", "T1105"),
        )
    if _DOUBLE.search(name):
        return Suspicion(
            "double-extension", f"Executable file under two name endings: {kind}", "high", 0.8, spans, ("T1036.007",)
        )
    if kind == "server code" and file.suffix in MEDIA and code is not None:
        return Suspicion(
            "code-in-media-file", "Server code in a file that should be media", "high", 0.7, spans, ("T1036.008",)
        )
    return None


def _kind(file: File) -> str:
    """``program``, ``script`` or ``server code`` for what could run; else empty."""
    if file.content.startswith((b"\x7fELF", b"MZ")) and len(file.content) >= 64:
        return "program"
    if file.suffix in SERVER:
        return "server code"
    if file.content.startswith(b"#!") and _SCRIPT.match(file.content):
        return "script"
    if file.suffix in MEDIA and any(
        one in file.content for one in (b"<?php ", b"<?php\n", b"<?php\r", b"<?= $", b"<?=$", b"<?=`")
    ):
        return "server code"
    return ""


def _is_stub(content: bytes) -> bool:
    return len(content) <= _STUB_BYTES and _STUB.fullmatch(content) is not None
