"""Sessions of real logs, read as the engine reads them, with labels by stated rules; and labelled alert sequences.

None of the logs is labelled. What a session is follows from rules that leave the doubtful out:

- ``takeover``: a log-in succeeds behind at least 8 failures of the same source in the session;
- ``brute`` / ``spray``: at least 8 failures and no success, by at most 2 users / by at least 5 users with at most 4
  failures each on average; in between either;
- ``scan``: at least 8 different paths that the server does not have (400, 403, 404, 405), at least half of all
  requests, or 3 requests for well-known leftovers (``PROBES``); ``brute`` also: at least 10 posts to a log-in path;
- ``benign``: a success with at most 3 failures; requests of which less than 3 and less than three tenths miss, and no
  probe among them.

The alerts of AIT-ADS are labelled by event; those that stand for a log-in or a request become events again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.analysis.features.sessions import GAP_SECONDS
from soc_tui.core.clock import SystemClock
from soc_tui.core.errors import SourceError
from soc_tui.core.schema import NORMALISED, OcsfClass
from soc_tui.core.settings import AcquisitionSettings

CLASSES = ("benign", "brute", "spray", "scan", "takeover")
"""What a session can be. brute: T1110.001; spray: T1110.003; scan: T1595; takeover: T1078 after guessing."""

BENIGN, BRUTE, SPRAY, SCAN, TAKEOVER = (1 << i for i in range(len(CLASSES)))
UNKNOWN = 0

Event = dict[str, object]
Session = list[Event]

_MISSING = frozenset({400, 403, 404, 405})
PROBES = re.compile(
    r"(?i)/\.(?:env|git|aws|svn|ssh)|/wp-(?:login|admin|config)|phpmyadmin|/pma/|xmlrpc\.php|/admin\.php|setup\.php"
    r"|/cgi-bin/|/manager/html|/actuator|phpunit|/shell|eval-stdin|/boaform|/HNAP1|\.\./|/etc/passwd|/owa/"
)
"""Paths that nobody asks for who does not look for a way in."""
_LOGIN = re.compile(r"(?i)log-?in|sign-?in|session|/auth")

_FORBIDDEN: Event = {"kind": "web", "http_method": "GET", "http_status": 403}
_AIT: dict[str, Event] = {
    "Wazuh: Web server 400 error code.": {"kind": "web", "http_method": "GET", "http_status": 404},
    "Wazuh: Apache: Attempt to access forbidden file or directory.": _FORBIDDEN,
    "Wazuh: Apache: Attempt to access forbidden directory index.": _FORBIDDEN,
    "Wazuh: Suspicious URL access.": {"kind": "web", "http_method": "GET", "http_status": 200},
    "Wazuh: Common web attack.": {"kind": "web", "http_method": "GET", "http_status": 404},
    "Wazuh: CMS (WordPress or Joomla) login attempt.": {
        "kind": "web", "http_method": "POST", "http_status": 200, "url_path": "/wp-login.php",
    },
    "Wazuh: Dovecot Authentication Success.": {"kind": "logon", "status": "success"},
    "Wazuh: Dovecot Invalid User Login Attempt.": {"kind": "logon", "status": "failure"},
    "Wazuh: PAM: User login failed.": {"kind": "logon", "status": "failure"},
    "Wazuh: syslog: User authentication failure.": {"kind": "logon", "status": "failure"},
}  # fmt: skip
_AIT_CLASSES = {"dirb": SCAN, "wpscan": SCAN | BRUTE, "service_scan": SCAN, "online_cracking": BRUTE | TAKEOVER}


def read_log(path: Path) -> pa.Table:
    """The events of a log file (``core.schema.NORMALISED``), as the engine would store them."""
    settings = AcquisitionSettings()
    state = open_source(path, [], settings)
    chunks = [chunk.events for chunk in read_chunks(state, settings, final=True, clock=SystemClock())]
    return pa.concat_tables(chunks) if chunks else NORMALISED.empty_table()


def events_of(table: pa.Table) -> list[tuple[str, Event]]:
    """Log-ins and requests with their source, in order of time: what ``features/session_events.sql`` takes."""
    web = pc.equal(table["class_uid"], OcsfClass.HTTP_ACTIVITY)
    asked = pc.or_(pc.is_valid(table["url_path"]), pc.is_valid(table["http_status"]))
    logon = pc.and_(pc.equal(table["class_uid"], OcsfClass.AUTHENTICATION), pc.equal(table["activity"], "logon"))
    zeek = pc.and_(pc.equal(table["class_uid"], OcsfClass.SSH_ACTIVITY), pc.equal(table["log_name"], "ssh"))
    kept = pc.or_(pc.and_(web, asked), pc.or_(pc.fill_null(logon, False), pc.fill_null(zeek, False)))
    kept = pc.and_(kept, pc.and_(pc.is_valid(table["src_ip"]), pc.is_valid(table["time"])))
    out = []
    for row in table.filter(kept).sort_by("time").to_pylist():
        repeat = re.search(r'"repeat": ?"?(\d+)', row["extra"] or "")
        out.append((row["src_ip"], {
            "time": row["time"].replace(tzinfo=UTC).timestamp(),
            "kind": "web" if row["class_uid"] == OcsfClass.HTTP_ACTIVITY else "logon", "status": row["status"],
            "user_name": row["user_name"], "target": row["dst_ip"] or row["host"],
            "http_method": row["http_method"], "http_status": row["http_status"], "url_path": row["url_path"],
            "referrer": row["referrer"], "repeat": int(repeat[1]) if repeat else None,
        }))  # fmt: skip
    return out


def sessions(events: Iterable[tuple[str, Event]]) -> list[Session]:
    """Events in order of time, cut into the sessions of each source; in order of their beginnings."""
    running: dict[str, Session] = {}
    out: list[Session] = []
    for source, event in events:
        session = running.get(source)
        if session is None or float(str(event["time"])) - float(str(session[-1]["time"])) > GAP_SECONDS:
            session = running[source] = []
            out.append(session)
        session.append(event)
    return out


def label(session: Session) -> int:
    """The classes that the rules above permit; ``UNKNOWN`` where they do not decide."""
    logons = [event for event in session if event["kind"] == "logon"]
    requests = [event for event in session if event["kind"] == "web"]
    if logons and requests:
        return UNKNOWN
    return _logons(logons) if logons else _requests(requests)


def _logons(session: Session) -> int:
    failures, behind, failing = 0, 0, []
    for event in session:
        if event["status"] == "failure":
            failures += int(str(event["repeat"] or 1))
            failing.append(event["user_name"])
        elif event["status"] == "success":
            behind = max(behind, failures)
    succeeded = any(event["status"] == "success" for event in session)
    users = len({user for user in failing if user})
    if succeeded:
        return TAKEOVER if behind >= 8 else BENIGN if failures <= 3 else UNKNOWN
    if failures < 8:
        return UNKNOWN
    if users <= 2:
        return BRUTE
    return SPRAY if users >= 5 and failures <= 4 * users else BRUTE | SPRAY


def _requests(session: Session) -> int:
    missed = {event["url_path"] for event in session if event["http_status"] in _MISSING}
    misses = sum(event["http_status"] in _MISSING for event in session)
    probes = sum(bool(PROBES.search(str(event["url_path"] or ""))) for event in session)
    posts = sum(
        event["http_method"] == "POST" and bool(_LOGIN.search(str(event["url_path"] or ""))) for event in session
    )
    if posts >= 10:
        return BRUTE
    if probes >= 3 or (len(missed) >= 8 and 2 * misses >= len(session)):
        return SCAN
    return BENIGN if not probes and misses < 3 and misses < 0.3 * len(session) else UNKNOWN


def labelled(found: Sequence[Session]) -> tuple[list[Session], list[int]]:
    """The sessions that the rules decide, and their classes."""
    judged = [(session, label(session)) for session in found]
    return [session for session, bits in judged if bits], [bits for _, bits in judged if bits]


def ait_sessions(data: Path) -> tuple[list[Session], list[int]]:
    """Sessions made of the AIT-ADS alerts, and their classes by the alerts' own event labels.

    A session with an alert of a web scan or of online cracking is one; all others are benign. Equal alerts of one
    second count once (several sensors report the same event). Only sources with at least two events.
    """
    path = data / "hostlogs/ait_ads_alerts.parquet"
    try:
        table = pq.read_table(path, columns=["time", "name", "ip", "host", "event_label", "scenario"])
    except OSError as error:
        raise SourceError(f"cannot be read: {error}", source=path, remedy="give --data the data folder") from error
    table = table.filter(pc.is_in(table["name"], pa.array(list(_AIT))))
    table = (
        table.group_by(table.column_names)
        .aggregate([])
        .sort_by([(n, "ascending") for n in ("scenario", "time", "name")])
    )
    events: list[tuple[str, Event]] = []
    for row in table.to_pylist():
        if row["ip"]:
            event = {"time": float(row["time"]), "target": row["host"], "repeat": None, **_AIT[row["name"]]}
            events.append((f"{row['scenario']} {row['ip']}", {**event, "label": row["event_label"]}))
    found = [session for session in sessions(events) if len(session) > 1]
    return found, [_ait_class(session) for session in found]


def _ait_class(session: Session) -> int:
    bits = 0
    for event in session:
        bits |= _AIT_CLASSES.get(str(event["label"]), 0)
    return bits or BENIGN


def began(session: Session) -> datetime:
    """When a session began, UTC."""
    return datetime.fromtimestamp(float(str(session[0]["time"])), UTC)
