"""Malicious code in website trees: hidden parts of pages, obfuscation, misplaced files, and the benign like of each."""

from __future__ import annotations

import base64
import random
import shutil
import zlib
from pathlib import Path

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.lines import marked, spans_of
from soc_tui.detection.malicious_files.tool import MaliciousFileTool
from soc_tui.detection.tools import Watch
from tests.detection.trojan.conftest import load_samples

ELF = load_samples().ELF
NOISE = random.Random(5).randbytes(3000)
TOOL = MaliciousFileTool(ScanSettings())


def found(name: str, content: bytes | str) -> list[tuple[str, str, str]]:
    """(check, severity, place) of each finding."""
    raw = content.encode() if isinstance(content, str) else content
    return [(f.check, f.severity, f.target.removeprefix(name)) for f in TOOL.look_at_content(name, raw)]


HIDDEN = [
    ("x.html", '<p>\n<ifr~ame src="http://bad.example/in.php" width=1 height=1></iframe>', [("hidden-iframe", "high", ":2")]),
    ("x.php", "<?php ?>\n\n<IFRAME SRC=//bad.example/x STYLE='visibility: hidden'>", [("hidden-iframe", "high", ":3")]),
    ("x.html", "<iframe style='position:absolute;left:-1000px' src='https://bad.example'>", [("hidden-iframe", "high", ":1")]),
    ("x.js", "document.body.innerHTML += '<iframe src=\"https://bad.example\" width=\"0\" height=\"0\">';", [("hidden-iframe", "high", ":1")]),
    ("x.html", "<script src=http://203.0.113.9/a.js></script>", [("script-from-address", "high", ":1")]),
    ("x.html", "<script src='data:text/javascript;base64,YWxlcnQoMSk='></script>", [("script-in-data", "medium", ":1")]),
    ("x.html", "<html></html>\n<script src='https://bad.example/a.js'></script>", [("script-after-end", "medium", ":2")]),
    ("x.html", "<div style='display:none'>" + "".join(f"<a href='http://pills{n}.example/'>x</a>" for n in range(6)) + "</div>",
     [("hidden-links", "medium", ":1")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), HIDDEN)
def test_what_hides_in_a_page(name: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(name, text.replace("~", "")) == expected


VISIBLE = [
    '<iframe src="https://www.youtube.com/embed/x" width="560" height="315"></iframe>',
    '<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-X" height="0" width="0" style="display:none;'
    'visibility:hidden"></iframe></noscript>',
    '<iframe src="/own/page" style="display:none"></iframe><iframe name="upload" width="0" height="0"></iframe>',
    '<iframe src="http://localhost:8080/" width="0" height="0">',
    "<script src='https://cdn.example.org/jquery.js'></script></body></html>",
    "<script src='/js/app.js'></script><script src='http://10.1.2.3/dev.js'></script>",
    "<div style='display:none'><a href='https://one.example'>1</a><a href='https://one.example/2'>2</a></div>",
    "<div style='display:none'>" + "<a href='/menu'>x</a>" * 20 + "</div>",
    "<div>" + "".join(f"<a href='http://partner{n}.example/'>x</a>" for n in range(20)) + "</div>",
]


@pytest.mark.parametrize("text", VISIBLE)
def test_ordinary_pages_are_silent(text: str) -> None:
    assert found("index.html", f"<html><body>{text}") == []


def test_a_frame_of_a_million_characters_is_read_in_time() -> None:
    assert found("x.html", b"<iframe " + b"a" * 1_000_000) == []
    assert found("x.html", b"<iframe src=//a" * 50_000) == []
    assert found("x.html", b'<div style="' * 50_000) == []


BLOCK = base64.b64encode(zlib.compress(NOISE)).decode()
OBFUSCATED = [
    ("a.php", f"<?php\n$x = '{BLOCK}';\n$f = $g($x); @ev~al($f);", "medium", {"encoded-block"}),
    ("a.js", f"var x = '{BLOCK}';\nnew Function(at~ob(x))();", "low", {"encoded-block"}),
    ("a.php", "<?php $a = \"" + "".join(f"\\x{c:02x}" for c in b"file_get_contents_and_more" * 6) + "\"; ev~al($a);", "medium", {"escapes"}),
    ("a.js", "".join(f"var _0x{n:04x}='a';" for n in range(4096, 4196)) + "ev~al(_0x1000);", "low", {"meaningless-names"}),
    ("a.php", "<?php $f = " + " . ".join(f"chr({n})" for n in range(60, 90)) + "; $f = 'a'; ev~al($f);", "medium", {"character-codes"}),
    ("a.php", "<?php $f = " + ";$f = ".join(["'a'.'b'.'c'.'d'.'e'.'f'.'g'.'h'.'i'.'j'"] * 5) + f"; $z='{BLOCK}'; ev~al($f($z));", "high",
     {"encoded-block", "cut-words"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "severity", "marks"), OBFUSCATED)
def test_obfuscation_is_measured(name: str, text: str, severity: str, marks: set[str]) -> None:
    content = text.replace("~", "").encode()
    (one,) = [f for f in TOOL.look_at_content(name, content) if f.check == "obfuscated-source"]
    assert (one.severity, one.techniques) == (severity, ("T1027", "T1140"))
    assert marks <= set(one.fields)
    spans = spans_of(one.fields)
    assert spans
    assert any(line.marks for line in marked(content, spans))


PLAIN = [
    ("a.php", f"<?php\nconst LOGO = '{BLOCK}';\necho LOGO;"),  # nothing runs it
    ("a.css", f"body {{ background: url(data:image/png;base64,{BLOCK}) }}"),
    ("a.html", f"<img src='data:image/png;base64,{BLOCK}'>"),
    ("a.js", "var a=1;" * 3000 + "eval('1')"),  # minified, one long line
    ("a.js", "var table = [" + ",".join(f"'\\u{n:04x}'" for n in range(0x100, 0x400)) + "]; eval('1');"),
    ("a.php", '<?php $t = "' + "".join(f"\\x{n:02x}" for n in range(128, 256)) * 3 + "\"; eval('1');"),
    ("a.php", "<?php eval($template);"),
]


@pytest.mark.parametrize(("name", "text"), PLAIN)
def test_long_and_odd_but_ordinary_source_is_silent(name: str, text: str) -> None:
    assert found(name, text) == []


PLACES = [
    ("wp-content/uploads/2026/01/x.php", b"<?php echo 1;", ("executable-among-uploads", "critical")),
    ("public/uploads/x.phtml", b"<?php echo 1;", ("executable-among-uploads", "critical")),
    ("site/userfiles/tool", ELF, ("executable-among-uploads", "high")),
    ("site/uploads/run.sh", b"#!/bin/bash\nid\n", ("executable-among-uploads", "high")),
    ("site/uploads/index.php", b"<?php if ($_GET) { echo 1; }", ("executable-among-uploads", "critical")),
    ("img/cat.jpg.php", b"<?php echo 1;", ("double-extension", "high")),
    ("img/cat.jpg", b"\xff\xd8\xff\xe0 some picture <?php echo 1; ?>", ("code-in-media-file", "high")),
    ("css/site.css", b"/* x */ <?php echo 1; ?>", ("code-in-media-file", "high")),
]


@pytest.mark.parametrize(("name", "content", "expected"), PLACES)
def test_files_in_the_wrong_place(name: str, content: bytes, expected: tuple[str, str]) -> None:
    assert expected in [one[:2] for one in found(f"/srv/www/{name}", content)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wp-content/uploads/cat.jpg", b"\xff\xd8\xff\xe0picture"), ("wp-content/uploads/index.php", b"<?php\n// Silence is golden.\n"),
        ("uploads/index.php", b"<?php die('no'); ?>\n"), ("wp-content/plugins/x/a.php", b"<?php echo 1;"),
        ("vendor/a/src/upload/Upload.php", b"<?php class Upload {}"), ("includes/upload/UploadBase.php", b"<?php class U {}"),
        ("images/ghost.svg.php", b"<?php echo 1;"), ("js/app.min.js", b"var a=1"), ("uploads/report.pdf", b"%PDF-1.4"),
        ("uploads/notes.txt", b"#!shebang in prose"), ("img/a.svg", b"<?xml version='1.0'?><svg></svg>"),
    ],
)  # fmt: skip
def test_files_in_their_place_are_silent(name: str, content: bytes) -> None:
    assert found(f"/srv/www/{name}", content) == []


def test_rules_of_pages_are_this_tools_and_not_the_trojans(tmp_path: Path) -> None:
    from soc_tui.detection.trojan.tool import TrojanTool

    content = load_samples().made(load_samples().TEXTS["skimmer_checkout_loader"][0])
    assert [f.check for f in TOOL.look_at_content("/w/a.js", content)] == ["skimmer_checkout_loader"]
    assert TrojanTool(ScanSettings()).look_at_content("/w/a.js", content) == []


def test_a_tree_is_told_of_with_exact_lines(tmp_path: Path) -> None:
    tree = tmp_path / "www"
    (tree / "uploads").mkdir(parents=True)
    (tree / "index.html").write_text("<html>\n<body>\n<iframe src='//bad.example/x' width=0 height=0>\n</html>")
    (tree / "uploads" / "a.php").write_text("<?php\n\necho 1;")
    shutil.copy(tree / "uploads" / "a.php", tree / "b.php")
    results = sorted(MaliciousFileTool(ScanSettings()).check(str(tree), Watch()), key=lambda f: f.target)
    assert [(f.target.removeprefix(str(tree)), f.check) for f in results] == [
        ("/index.html:3", "hidden-iframe"), ("/uploads/a.php:1", "executable-among-uploads"),
    ]  # fmt: skip
    frame = results[0]
    assert frame.evidence == b"<iframe src='//bad.example/x' width=0 height=0>"
    assert (frame.fields["line"], frame.fields["leads to"]) == ("3", "//bad.example/x")
    (line,) = marked((tree / "index.html").read_bytes(), spans_of(frame.fields), around=0)
    assert (line.number, line.content[slice(*line.marks[0])]) == (3, b"<iframe src='//bad.example/x' width=0 height=0")


def test_only_what_is_new_in_a_page_is_told() -> None:
    old = b"<iframe src='//known.example' width=0 height=0>\n"
    new = old + b"<script src='http://203.0.113.9/x.js'></script>"
    assert [f.check for f in TOOL.look_at_content("/w/i.html", new, old)] == ["script-from-address"]
    assert TOOL.look_at_content("/w/i.html", old + b"<p>", old) == []
