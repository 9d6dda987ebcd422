"""Labelled parameter values, paths and headers: attack lists, test suites, and what real access logs hold.

Many lists are noisy: half of one "command injection" set's attacks are English prose, one SQL set calls a whole
``SELECT ... FROM ...`` benign. What a person could not decide from the value alone is left out of both sides.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import numpy as np
import pyarrow.parquet as pq

from soc_tui.analysis.corpora.page import real_pages
from soc_tui.analysis.encoding import query
from soc_tui.analysis.encoding.decoding import decode
from soc_tui.core.errors import SourceError

CLASSES = ("benign", "sqli", "xss", "traversal", "command", "code", "inclusion", "template", "lookup", "other")
"""What a value can be. inclusion: wrappers, remote files, addresses only the server reaches; lookup: JNDI and the like;
other: LDAP, XPath, NoSQL, XXE, server-side includes, header splitting, formulas."""

BENIGN, SQLI, XSS, TRAVERSAL, COMMAND, CODE, INCLUSION, TEMPLATE, LOOKUP, OTHER = (1 << i for i in range(len(CLASSES)))
ANY_RISK = (1 << len(CLASSES)) - 1 - BENIGN

Labelled = dict[str, int]
"""Distinct value (as sent) -> classes its label permits."""

_STATEMENT = re.compile(
    r"^\s*(select|insert|update|delete|create|drop|alter|truncate|merge|exec|with)\b.*\b(from|into|set|table|where|values|view|index|database|join)\b",
    re.I | re.S,
)
_FRAGMENT = re.compile(r"^\W*(?:select|from|where|show)\s+\S", re.I)
_PROSE = re.compile(r"^[\w\s.,;:!?'’\"()&/%+-]*$")
_MARKS = re.compile(r"[<>`|;$(){}\[\]%=\\]|\.\./|--|&&|\|\|")
_PATT = {
    "SQL Injection": SQLI, "XSS Injection": XSS, "Directory Traversal": TRAVERSAL,
    "File Inclusion": TRAVERSAL | INCLUSION, "Command Injection": COMMAND | CODE, "LDAP Injection": OTHER,
    "NoSQL Injection": OTHER, "XXE Injection": OTHER, "Server Side Include Injection": OTHER, "CRLF Injection": OTHER,
}  # fmt: skip
_FUZZDB = {
    "sql-injection": SQLI, "xss": XSS, "lfi": TRAVERSAL | INCLUSION, "path-traversal": TRAVERSAL,
    "os-cmd-execution": COMMAND | CODE,
    "ldap": OTHER, "no-sql-injection": OTHER, "xml": OTHER, "xpath": OTHER | SQLI, "server-side-include": OTHER,
}  # fmt: skip
_HTTPPARAMS = {"norm": BENIGN, "sqli": SQLI, "xss": XSS, "cmdi": COMMAND | CODE, "path-traversal": TRAVERSAL,
               "sql-syntax": ANY_RISK, "js-syntax": ANY_RISK}  # fmt: skip


_LOOKUP = re.compile(
    r"\$\{(?:jndi|\$\{|(?:env|sys|lower|upper|date|ctx|java|k8s|docker|script|dns|url|base64\w*):)", re.I
)
_TEMPLATE = re.compile(r"\{\{.+\}\}|\{%.+%\}|<%=.+%>|\$\{T\(|#\{.+\}|#set\s?\(|<#assign", re.S)
_INCLUSION = re.compile(
    r"^(?:php|zip|phar|expect|data|glob|jar|netdoc|compress\.\w+|gopher|dict|file)://?", re.IGNORECASE
)


def narrowed(value: str, bits: int) -> int:
    """Fewer classes where a source permits several and the value's own shape names one of them."""
    if bits & (bits - 1) == 0:
        return bits
    text = decode(value).text
    for kind, pattern in ((LOOKUP, _LOOKUP), (TEMPLATE, _TEMPLATE), (INCLUSION, _INCLUSION)):
        if bits & kind and pattern.search(text):
            return kind
    return bits


def known_by(value: str) -> str:
    """What two values share when only encoding, case or outer blanks differ."""
    return decode(value).text.lower().strip()


def _rows(path: Path, *columns: str) -> Iterator[tuple[str | int, ...]]:
    try:
        table = pq.read_table(path, columns=list(columns))
    except OSError as error:
        raise SourceError(f"cannot be read: {error}", source=path, remedy="give --data the data folder") from error
    return zip(*(table[c].to_pylist() for c in columns), strict=True)


def _lines(path: Path) -> list[str]:
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines()
    except (OSError, EOFError) as error:
        raise SourceError(f"cannot be read: {error}", source=path, remedy="give --data the data folder") from error


def count_rows(path: Path) -> int:
    """Rows of a Parquet file, lines of anything else."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    return len(_lines(path)) if path.suffix == ".gz" else path.read_bytes().count(b"\n")


def _dubious_attack(value: str) -> bool:
    """An attack label on what a person would call a word, a number or a sentence."""
    lower = value.lower()
    telling = _MARKS.search(value) or " or " in lower or "'" in value or "union" in lower
    return len(value) < 3 or (_PROSE.match(value) is not None and not telling)


def httpparams(data: Path, split: str) -> Labelled:
    """HttpParamsDataset; its benign values come from CSIC."""
    rows = _rows(data / "web/httpparams.parquet", "split", "payload", "attack_type")
    return {str(v): _HTTPPARAMS[str(kind)] for part, v, kind in rows if part == split and v}


def csic(data: Path) -> Labelled:
    """Parameter values of CSIC 2010's normal requests."""
    values: Labelled = {}
    for label, body, raw in _rows(data / "web/csic2010.parquet", "label", "body", "raw"):
        if label == 0:
            asked = re.match(r"\w+ \S*?\?(\S*) HTTP", str(raw))
            for text in (str(body or ""), asked[1] if asked else ""):
                values.update({v: BENIGN for _, v in query.parameters(text) if v})
    return values


def kaggle_sqli(data: Path) -> Labelled:
    """SQL injections, and benign words; SQL that it calls benign, whole or in part, is left out."""
    rows = _rows(data / "web/kaggle_sqli_modified.parquet", "payload", "label")

    def dubious(value: str, label: object) -> bool:
        sql = _STATEMENT.search(value) or _FRAGMENT.search(value)
        return _dubious_attack(value) if label else sql is not None

    return {str(v): SQLI if label else BENIGN for v, label in rows if v and not dubious(str(v), label)}


def kaggle_xss(data: Path) -> Labelled:
    """Script injections, and harmless HTML."""
    return {
        str(v): XSS if label else BENIGN for v, label in _rows(data / "web/kaggle_xss.parquet", "payload", "label") if v
    }


def websec(data: Path) -> tuple[Labelled, Labelled]:
    """Its SQL, script and command injections; and, apart, its English sentences.

    The labels of its command part are wrong on both sides (prose as attack, ``$(echo ...)`` as benign): an attack there
    is what has a shell's marks and no sentence around it, benign what has none of them.
    """
    kinds = {"sqli.csv.csv": SQLI, "datasetCD.csv": ANY_RISK & ~SQLI, "x.csv": XSS | SQLI}
    attacks: Labelled = {}
    sentences: Labelled = {}
    for file, raw, label in _rows(data / "web/websec_ext.parquet", "file", "payload", "label"):
        value = str(raw or "")
        marks = len(_MARKS.findall(re.sub(r"&\w+;|&#\d+;", "", value)))
        if label and not _dubious_attack(value) and (file != "datasetCD.csv" or marks >= 3):
            attacks[value] = kinds[str(file)]
        elif not label and not marks and not _STATEMENT.search(value) and value.count(" ") >= 2:
            sentences[value] = BENIGN
    return attacks, sentences


def technical_prose(data: Path) -> Labelled:
    """Sentences of ATT&CK and CWE: people write about paths, commands and code without attacking anything."""
    values: Labelled = {}
    for name in ("attack_enterprise_objects", "cwe", "d3fend"):
        for line in _lines(data / f"knowledge/{name}.jsonl.gz"):
            for text in re.findall(r'"(?:description|definition|comment)": ?"((?:[^"\\]|\\.)*)"', line):
                plain = re.sub(
                    r"\(Citation:[^)]*\)|\[([^\]]*)\]\([^)]*\)|</?code>",
                    r"\1",
                    text.replace("\\n", " ").replace('\\"', '"'),
                )
                for sentence in re.split(r"(?<=[.!?])\s+", plain):
                    if 20 < len(sentence) < 400 and not re.search(
                        r"<script|' or |\.\./|<!|\$\(|\bunion select|%[0-9a-f]{2}", sentence, re.I
                    ):
                        values[sentence] = BENIGN
    return values


def payloads(data: Path) -> Labelled:
    """PayloadsAllTheThings, the categories whose lines are attacks by themselves."""
    rows = _rows(data / "web/payloads_all_the_things.parquet", "category", "payload")
    return {str(v): _PATT[str(kind)] for kind, v in rows if kind in _PATT and v and _attack_by_itself(str(v))}


def fuzzdb(data: Path) -> Labelled:
    """fuzzdb, the categories whose lines are attacks by themselves."""
    rows = _rows(data / "web/fuzzdb_attack.parquet", "category", "payload")
    cut = ((kind, re.sub(r"^Exploit String: ", "", str(v or ""))) for kind, v in rows)
    return {v: _FUZZDB[str(kind)] for kind, v in cut
            if kind in _FUZZDB and _attack_by_itself(v) and not v.startswith("Exploit ")}  # fmt: skip


def _attack_by_itself(value: str) -> bool:
    decoded = decode(value).text
    telling = _MARKS.search(decoded) or re.search(r"(/etc/|/proc/|/var/|/usr/|\.ini\b|\.\.|'|\")", decoded)
    return not _dubious_attack(value) and not value.startswith("#") and telling is not None


def fwaf_bad(data: Path) -> Labelled:
    """Scanner requests: of each, the part with the most marks, if it has any."""
    values: Labelled = {}
    for line in _lines(data / "web/fwaf_badqueries.txt.gz"):
        path, _, asked = line.partition("?")
        parts = [path, *(v or n for n, v in query.parameters(asked))]
        best = max(parts, key=lambda p: len(_MARKS.findall(decode(p).text)))
        if _attack_by_itself(best) and len(_MARKS.findall(decode(best).text)) >= 2:
            values[best] = ANY_RISK
    return values


def fwaf_good(data: Path) -> Labelled:
    """Ordinary paths (a few are scanner leftovers: those with marks are left out)."""
    return {v: BENIGN for v in _lines(data / "web/fwaf_goodqueries_subset.txt.gz") if v and not _MARKS.search(v)}


def _url_parts(url: str) -> Iterator[str]:
    path, _, asked = url.partition("?")
    if len(path) > 1:
        yield path
    for _, value in query.parameters(asked):
        if len(value) > 1:
            yield value


def zeek_uris(data: Path, pattern: str, *fields: str) -> Labelled:
    """Paths and parameter values of Zeek http logs, presumed benign (browsing seen by a sensor)."""
    values: Labelled = {}

    def parts(record: dict[str, object]) -> Iterator[str]:
        for field in fields:
            text = str(record.get(field) or "").replace("\\x", "%")
            if field != "uri" and len(text) > 1:
                yield text  # headers are judged whole
            if field != "user_agent":
                yield from _url_parts(text)

    for path in sorted(data.glob(pattern)):
        names: list[str] = []
        lines = _lines(path) if path.suffix == ".gz" else path.read_text("utf-8", "replace").splitlines()
        for line in lines:
            if line.startswith("#fields"):
                names = line.split("\t")[1:]
            elif line.startswith("{"):
                record = json.loads(line)
                values.update(dict.fromkeys(parts(record), BENIGN))
            elif line and not line.startswith("#"):
                record = dict(zip(names, line.split("\t"), strict=False))
                values.update(dict.fromkeys(parts(record), BENIGN))
    return values


_SCRIPTED = re.compile(r"<script\b[^>]*>.*?</script\s*>|<style\b[^>]*>.*?</style\s*>|<!--.*?-->", re.I | re.S)
_ACTIVE = re.compile(r"\bon\w+\s*=|javascript:|data:|<(?:iframe|object|embed|script|svg|base|form)\b|\{[{%]", re.I)


def markup(rng: np.random.Generator, most: int) -> Labelled:
    """Pieces of real pages that carry no script, handler, frame or form: what an editor sends, harmless HTML.

    Args:
        rng: where a piece begins and ends; it begins at a tag or after one.
        most: how many pieces at most.
    """
    values: Labelled = {}
    for page in (page for pages in real_pages().values() for page in pages):
        parts = re.split(r"(?=<)" if rng.random() < 0.7 else r"(?<=>)", _SCRIPTED.sub("", page))
        at = 0
        while at < len(parts):
            count = 1 + int(rng.integers(6))
            piece = "".join(parts[at : at + count])[:300]
            if len(piece) > 3 and "<" in piece and not _ACTIVE.search(piece):
                values[piece] = BENIGN
            at += count
    texts = sorted(values)
    return {texts[i]: BENIGN for i in sorted(rng.permutation(len(texts))[:most])}


_STAMP = re.compile(r"^(?:\w{3} +\d+ [\d:]+ \S+ |[\d-]+ [\d:,.]+ ?|\S+\.log\S* )+")


def log_messages(data: Path) -> Labelled:
    """Messages of operating systems and services, without their times: punctuation that nobody meant as an attack."""
    values: Labelled = {}
    for name in ("Linux", "Mac", "Windows", "OpenStack", "OpenSSH", "Apache"):
        for line in _lines(data / f"hostlogs/loghub_{name}_2k.log.gz"):
            text = _STAMP.sub("", line).strip()
            if len(text) > 8:
                values[text[:300]] = BENIGN
    return values


_ACCESS = re.compile(r'^\S+ \S+ \S+ \[[^\]]*\] "\S+ (\S+)[^"]*" (\d{3}) \S+(?: "([^"]*)")?')


def access_log(data: Path, name: str, answered: bool) -> Labelled:
    """Paths, parameter values, referrers (whole and their parameter values) and agents of an access log.

    They are presumed benign.

    Args:
        data: the data folder.
        name: the log, below it.
        answered: only requests the server answered (2xx, 3xx): on exposed servers the others are mostly scans.
    """
    values: Labelled = {}
    for line in _lines(data / name):
        found = _ACCESS.match(line)
        if not found or (answered and found[2][0] not in "23"):
            continue
        referrer = (found[3] or "").partition("?")[2]
        agent = line.rsplit('"', 2)[1] if line.endswith('"') else ""
        parts = [
            *_url_parts(found[1]),
            agent,
            found[3] or "",
            *(v for _, v in query.parameters(referrer) if len(v) > 1),
        ]
        values.update({v: BENIGN for v in parts if len(v) > 1})
    return values


def libinjection(data: Path) -> Labelled:
    """Libinjection's own cases: attacks by kind, and shop searches it once took for attacks."""
    values: Labelled = {}
    for line in _lines(data / "peer-suites/libinjection.jsonl.gz"):
        case = json.loads(line)
        tag = str(case["tags"][-1])
        if case["expected"] is False:
            values[case["input"]] = BENIGN
        elif case["expected"] and tag != "sqli-forums":  # the peer notes that forum lines are noisy
            values[case["input"]] = XSS if tag.startswith("xss") else SQLI
    return values


def waf_bypass(data: Path) -> Labelled:
    """Nemesida waf-bypass: cases that must be blocked and seven that must pass, cut into parameter values."""
    values: Labelled = {}
    kinds = {
        "XSS": XSS, "SQLi": SQLI, "LFI": TRAVERSAL | INCLUSION, "RCE": COMMAND | CODE | LOOKUP, "MFD": TRAVERSAL,
        "SSTI": TEMPLATE | CODE,
    }  # fmt: skip
    for line in _lines(data / "peer-suites/nemesida-waf-bypass.jsonl.gz"):
        case = json.loads(line)
        kind = str(case["tags"][0])
        if kind in {"UWA", "CM", "API", "GraphQL", "Misc", "OR", "RFI", "SSRF"}:
            continue  # wrong methods, open redirects, plain URLs: not decidable from a value
        for text in set(case["zones"].values()):
            clean = text.replace("%RND%", "1")
            if case["expected"] is False:
                values[clean] = BENIGN
                continue
            parts = [v for _, v in query.parameters(clean) if v] if re.match(r"^[\w%.\[\]-]+=", clean) else [clean]
            best = max(parts, key=lambda p: len(_MARKS.findall(decode(p).text)), default="")
            if best and not _dubious_attack(best):
                values[best] = kinds.get(kind, OTHER)
    return values


def crowdsec(data: Path) -> Labelled:
    """CrowdSec virtual-patch cases: parameter values of the request line that carry an injection."""
    values: Labelled = {}
    for line in _lines(data / "peer-suites/crowdsec-hub-appsec.jsonl.gz"):
        target = str(json.loads(line)["input"]).split("\n", 1)[0].split(" ")
        for part in _url_parts(target[1].replace("{{BaseURL}}", "")) if len(target) > 1 else ():
            if len(_MARKS.findall(decode(part).text)) >= 3 and "{{" not in part:
                values[part] = ANY_RISK
    return values


def unquoted(value: str) -> str:
    """The value as a person typed it, for making variants."""
    return unquote_plus(value, errors="replace")
