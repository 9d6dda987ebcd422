"""Sample records of every format, and how DuckDB's own reader takes them: what the benchmarks and the fuzzer start from.

Nothing is needed but the repository: records come from ``sample_data/`` as they are, from the fixtures of the tests,
or are those of ``sample_data/`` written the way another server writes the same request, flow or login.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "acquisition" / "formats" / "middleware" / "data"
COUNT = 300_000
"""Records of a benchmark's file."""
_SEED_RECORDS = 12
"""Records of one seed of the fuzzer."""


@dataclass(frozen=True)
class Sample:
    """Records of one format."""

    format: str
    records: Sequence[bytes]
    """Whole records with their line ends; one may be of several lines."""
    head: bytes = b""
    """Header lines, which are no records."""
    native: str = ""
    """DuckDB's reader of the fields themselves, as SQL over ``{log}`` that yields columns of ``events``.

    Empty where DuckDB has no reader of such fields: it then reads lines and runs the format's own SQL over them.
    """
    count: int = COUNT

    def write(self, path: Path) -> Path:
        """A file of the head and ``count`` records, repeated."""
        whole, rest = divmod(self.count, len(self.records))
        block = b"".join(self.records)
        with path.open("wb") as out:
            out.write(self.head)
            for _ in range(whole):
                out.write(block)
            out.writelines(self.records[:rest])
        return path

    def write_for_duckdb(self, path: Path) -> Path:
        """The same records for DuckDB's reader of lines: as they are, or quoted where one has several lines.

        Records of several lines are handed to it already joined, which is work that it is spared.
        """
        if not self.quoted:
            return self.write(path)
        from soc_tui.acquisition.formats import FORMATS

        block = self.head + b"".join(self.records)
        cut = FORMATS[self.format].framing.cut(block, 0, 1 << 20, final=True)
        texts = [[line] for line in cut.records["line"].to_pylist()]
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            for start in range(0, self.count, len(texts)):
                writer.writerows(texts[: self.count - start])
        return path

    @property
    def quoted(self) -> bool:
        """True when some record has several lines."""
        return any(record.rstrip(b"\r\n").count(b"\n") for record in self.records)

    def reader(self, log: Path) -> str:
        """DuckDB's reader of lines, as SQL: one column ``line``. It reads line breaks within quotes by one thread only."""
        quote = "'\"'" if self.quoted else "''"
        skip = 0 if self.quoted else self.head.count(b"\n")
        return (
            f"read_csv('{log}', columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, delim = '\x01', "
            f"quote = {quote}, escape = {quote}, skip = {skip}, max_line_size = 16777216, nullstr = '\x02', "
            f"parallel = {str(not self.quoted).lower()})"
        )


def packed(name: str) -> list[bytes]:
    """The lines of a compressed log of ``sample_data/``."""
    return gzip.decompress((ROOT / "sample_data" / name).read_bytes()).splitlines(keepends=True)


def zeek(name: str) -> tuple[bytes, list[bytes]]:
    """Header and records of a Zeek log of ``sample_data/``."""
    lines = (ROOT / "sample_data" / "zeek" / f"{name}.log").read_bytes().splitlines(keepends=True)
    head = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
    return b"".join(head), [line for line in lines if not line.startswith(b"#")]


# -- the same requests, as other servers write them -----------------------------------------------------------------


class Request(NamedTuple):
    """One line of the sample access log."""

    client: str
    user: str
    at: datetime
    method: str
    path: str
    query: str
    version: str
    status: int
    size: int
    referrer: str
    agent: str

    @property
    def uri(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def line(self) -> str:
        return f"{self.method} {self.uri} {self.version}"


@cache
def requests() -> list[Request]:
    """The requests of the sample access log that any server could have written."""
    found = []
    for raw in packed("web/access.log.gz"):
        parts = raw.decode().split('"')
        words = parts[1].split(" ")
        if len(parts) != 7 or len(words) != 3:
            continue
        client, _, user, stamp, zone = parts[0].split()
        at = datetime.strptime(f"{stamp} {zone}", "[%d/%b/%Y:%H:%M:%S %z]").astimezone(UTC)
        path, _, query = words[1].partition("?")
        status, size = parts[2].split()
        size = "0" if size == "-" else size
        found.append(
            Request(client, user, at, words[0], path, query, words[2], int(status), int(size), parts[3], parts[5])
        )
    return found[:4000]


def _each_request(write: Callable[[Request, random.Random], str]) -> list[bytes]:
    rng = random.Random(7)
    return [write(one, rng).encode() + b"\n" for one in requests()]


def _access_stamp(at: datetime) -> str:
    return at.strftime("%d/%b/%Y:%H:%M:%S +0000")


def _haproxy(one: Request, rng: random.Random) -> str:
    stamp = one.at.strftime("%b %e %H:%M:%S"), one.at.strftime("%d/%b/%Y:%H:%M:%S")
    return (
        f"{stamp[0]} lb1 haproxy[14389]: {one.client}:{rng.randrange(1024, 65536)} [{stamp[1]}.{rng.randrange(1000):03d}] "
        f"http-in static/srv{rng.randrange(4)} 10/0/30/69/{rng.randrange(109, 900)} {one.status} {one.size} - - ---- "
        f'1/1/1/1/0 0/0 {{{one.agent[:40]}}} {{}} "{one.line}"'
    )


def _traefik_clf(one: Request, rng: random.Random) -> str:
    return (
        f'{one.client} - {one.user} [{_access_stamp(one.at)}] "{one.line}" {one.status} {one.size} "{one.referrer}" '
        f'"{one.agent}" {rng.randrange(10**6)} "web@docker" "http://10.0.0.2:80" {rng.randrange(900)}ms'
    )


def _nginx_json(one: Request, rng: random.Random) -> str:
    return json.dumps({
        "time_local": _access_stamp(one.at), "remote_addr": one.client, "remote_user": one.user, "request": one.line,
        "status": str(one.status), "body_bytes_sent": str(one.size), "request_time": f"{rng.random():.3f}",
        "http_referer": one.referrer, "http_user_agent": one.agent,
    })  # fmt: skip


def _caddy(one: Request, rng: random.Random) -> str:
    return json.dumps({
        "level": "info", "ts": one.at.timestamp() + rng.random(), "logger": "http.log.access", "msg": "handled request",
        "request": {"remote_ip": one.client, "remote_port": str(rng.randrange(1024, 65536)), "proto": "HTTP/2.0",
                    "method": one.method, "host": "shop.example", "uri": one.uri,
                    "headers": {"User-Agent": [one.agent], "Referer": [one.referrer]},
                    "tls": {"resumed": False, "version": 772, "proto": "h2", "server_name": "shop.example"}},
        "bytes_read": 0, "user_id": "", "duration": rng.random() / 100, "size": one.size, "status": one.status,
        "resp_headers": {"Server": ["Caddy"]},
    })  # fmt: skip


def _traefik(one: Request, rng: random.Random) -> str:
    port = str(rng.randrange(1024, 65536))
    return json.dumps({
        "ClientAddr": f"{one.client}:{port}", "ClientHost": one.client, "ClientPort": port, "ClientUsername": one.user,
        "DownstreamContentSize": one.size, "DownstreamStatus": one.status, "Duration": rng.randrange(10**9),
        "RequestContentSize": 0, "RequestHost": "shop.example", "RequestMethod": one.method, "RequestPath": one.uri,
        "RequestProtocol": one.version, "RouterName": "web@docker", "StartUTC": one.at.isoformat().replace("+00:00", "Z"),
        "level": "info", "msg": "", "request_User-Agent": one.agent,
    })  # fmt: skip


_IIS_HEAD = (
    b"#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2015-05-17 10:05:03\r\n#Fields: "
    b"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
    b"sc-substatus sc-win32-status time-taken\r\n"
)


def _iis(one: Request, rng: random.Random) -> str:
    return (
        f"{one.at:%Y-%m-%d %H:%M:%S} 192.168.1.1 {one.method} {one.path} {one.query or '-'} 443 {one.user} {one.client} "
        f"{one.agent.replace(' ', '+')} {one.referrer.replace(' ', '+')} {one.status} 0 0 {rng.randrange(900)}\r"
    )


def _alb(one: Request, rng: random.Random) -> str:
    return (
        f"https {one.at:%Y-%m-%dT%H:%M:%S}.{rng.randrange(10**6):06d}Z app/lb/50dc6c495c0c9188 "
        f"{one.client}:{rng.randrange(1024, 65536)} 10.0.0.1:80 0.086 {rng.random():.3f} 0.037 {one.status} {one.status} 7 "
        f'{one.size} "{one.method} https://shop.example:443{one.uri} HTTP/1.1" "{one.agent}" ECDHE-RSA-AES128-GCM-SHA256 '
        'TLSv1.2 arn:x "Root=1-58337281-1d84f3d73c47ec4e58577259" "shop.example" 1'
    )


def _s3(one: Request, rng: random.Random) -> str:
    return (
        f"79a59df900b949e5 bucket1 [{_access_stamp(one.at)}] {one.client} 79a59df900b949e5 {rng.randrange(16**9):016X} "
        f'REST.{one.method}.OBJECT {one.path[1:] or "-"} "{one.line}" {one.status} - {one.size} {one.size} '
        f'{rng.randrange(99)} 7 "{one.referrer}" "{one.agent}" - s9lzHYrFp76ZVxRcpX9 SigV4'
    )


def _json_lines(one: Request, rng: random.Random) -> str:
    return json.dumps({
        "@timestamp": one.at.isoformat(), "log.level": rng.choice(["info", "warn"]), "message": f"served {one.uri}",
        "service.name": "shop", "host": {"name": f"web{rng.randrange(4)}"}, "trace": {"id": f"{rng.randrange(16**9):x}"},
        "http": {"status": one.status}, "source.ip": one.client, "took_ms": rng.randrange(900),
    })  # fmt: skip


# -- the same flows, as other sensors write them -----------------------------------------------------------------------


@cache
def flows() -> list[dict[str, str]]:
    """The records of the sample conn.log by their Zeek names, numbers set."""
    head, lines = zeek("conn")
    names = next(line for line in head.decode().splitlines() if line.startswith("#fields")).split("\t")[1:]
    numbers = ("duration", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts")
    found = []
    for line in lines:
        flow = dict(zip(names, line.decode().rstrip("\n").split("\t"), strict=True))
        found.append({**flow, **{name: "0" if flow[name] == "-" else flow[name] for name in numbers}})
    return found


def _each_flow(write: Callable[[dict[str, str], datetime], str]) -> list[bytes]:
    return [write(one, datetime.fromtimestamp(float(one["ts"]), UTC)).encode() + b"\n" for one in flows()]


_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
_CIC_HEAD = (
    b"Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,"
    b"TotLen Bwd Pkts,Flow Byts/s,FIN Flag Cnt,SYN Flag Cnt,RST Flag Cnt,ACK Flag Cnt,Idle Min,Label\n"
)
_NFDUMP_HEAD = (
    b"ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,"
    b"idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr\n"
)
_NFDUMP_TAIL = ",".join(["00:00:00:00:00:00"] * 4 + ["0-0-0"] * 10 + ["    0.000"] * 3)
_ARGUS_HEAD = b"StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"


def _cic(one: dict[str, str], at: datetime) -> str:
    ends = one["id.orig_h"], one["id.orig_p"], one["id.resp_h"], one["id.resp_p"]
    protocol = _PROTOCOLS[one["proto"]]
    return (
        f"{ends[0]}-{ends[2]}-{ends[1]}-{ends[3]}-{protocol},{','.join(ends)},{protocol},{at:%d/%m/%Y %H:%M:%S},"
        f"{int(float(one['duration']) * 1e6)},{one['orig_pkts']},{one['resp_pkts']},{one['orig_bytes']},{one['resp_bytes']},"
        "613.6,2,2,0,1,0,Benign"
    )


def _nfdump(one: dict[str, str], at: datetime) -> str:
    return (
        f"{at:%Y-%m-%d %H:%M:%S},{at:%Y-%m-%d %H:%M:%S},{float(one['duration']):.3f},{one['id.orig_h']},{one['id.resp_h']},"
        f"{one['id.orig_p']},{one['id.resp_p']},{one['proto'].upper()},...AP.SF,0,0,{one['orig_pkts']},{one['orig_bytes']},"
        f"{one['resp_pkts']},{one['resp_bytes']},1,2,65001,65002,0,0,0,0,0.0.0.0,0.0.0.0,0,0,{_NFDUMP_TAIL},127.0.0.1,0/0,1,"
        f"{at:%Y-%m-%d %H:%M:%S}.175"
    )


def _argus(one: dict[str, str], at: datetime) -> str:
    packets, size = (int(one[f"orig_{n}"]) + int(one[f"resp_{n}"]) for n in ("pkts", "bytes"))
    return (
        f"{at:%Y/%m/%d %H:%M:%S.%f},{one['duration']},{one['proto']},{one['id.orig_h']},{one['id.orig_p']},   ->,"
        f"{one['id.resp_h']},{one['id.resp_p']},SRPA_FSPA,0,,{packets},{size},{one['orig_bytes']},flow=Background"
    )


def _vpc(one: dict[str, str], at: datetime) -> str:
    start = int(at.timestamp())
    return (
        f"2 123456789010 eni-1235b8ca123456789 {one['id.orig_h']} {one['id.resp_h']} {one['id.orig_p']} {one['id.resp_p']} "
        f"{_PROTOCOLS[one['proto']]} {one['orig_pkts']} {one['orig_bytes']} {start} {start + 60} ACCEPT OK"
    )


def _zeek_conn_select() -> str:
    head, _ = zeek("conn")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in head.decode().splitlines()}
    kinds = {"time": "DOUBLE", "interval": "DOUBLE", "count": "BIGINT", "port": "INTEGER"}
    columns = {
        name.replace("id.", ""): kinds.get(kind, "VARCHAR")
        for name, kind in zip(rows["#fields"], rows["#types"], strict=True)
    }
    named = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    return f"""
        SELECT make_timestamp((ts * 1000000)::BIGINT) AS time, 4001 AS class_uid, 'traffic' AS activity, 'zeek' AS product,
            'conn' AS log_name, 0 AS source_offset, 0 AS source_length, orig_h AS src_ip, orig_p AS src_port,
            resp_h AS dst_ip, resp_p AS dst_port, proto AS protocol, service,
            CASE WHEN conn_state IN ('SF', 'S1', 'S2', 'S3') THEN 'success' WHEN conn_state = 'OTH' THEN 'unknown'
                ELSE 'failure' END AS status, 'info' AS severity, uid AS session_uid, duration, orig_bytes AS bytes_out,
            resp_bytes AS bytes_in, orig_pkts AS packets_out, resp_pkts AS packets_in, conn_state,
            json_object('local_orig', local_orig, 'missed_bytes', missed_bytes, 'history', history, 'orig_ip_bytes',
                orig_ip_bytes, 'resp_ip_bytes', resp_ip_bytes, 'tunnel_parents', tunnel_parents)::VARCHAR AS extra
        FROM read_csv('{{log}}', delim = '\t', header = false, comment = '#', nullstr = '-', quote = '', escape = '',
            auto_detect = false, columns = {{{{{named}}}}})
    """


# -- the operating system ------------------------------------------------------------------------------------------------


def sshd() -> list[bytes]:
    """The lines of sshd in the sample auth.log."""
    return [line for line in packed("host/auth.log.gz") if b"sshd[" in line]


def _entries() -> Iterator[dict[str, str]]:
    for number, line in enumerate(sshd()[:4000]):
        head, _, message = line.decode().rstrip("\n").partition("]: ")
        yield {
            "__CURSOR": f"s=739ad463348b4ceca5a9e69c95a3c93f;i={number:x}", "_PID": head.partition("[")[2],
            "__REALTIME_TIMESTAMP": str(1_427_461_616_000_000 + number * 1_000_000), "_HOSTNAME": head.split()[3],
            "PRIORITY": "6", "SYSLOG_FACILITY": "10", "SYSLOG_IDENTIFIER": "sshd", "_COMM": "sshd", "_UID": "0",
            "_SYSTEMD_UNIT": "ssh.service", "MESSAGE": message,
        }  # fmt: skip


def _journal_export() -> list[bytes]:
    return [("".join(f"{name}={value}\n" for name, value in one.items()) + "\n").encode() for one in _entries()]


def _auditd() -> list[bytes]:
    made = []
    for number, one in enumerate(requests()[:2000]):
        head = f"msg=audit({one.at.timestamp():.3f}:{24287 + number}):"
        made.append(
            f"type=SYSCALL {head} arch=c000003e syscall=2 success=no exit=-13 a0=7fffd19c5592 a1=0 a2=7fffd19c4b50 a3=a "
            f"items=1 ppid=2686 pid={3000 + number} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 "
            'sgid=1000 fsgid=1000 tty=pts0 ses=1 comm="cat" exe="/bin/cat" key="sshd_config"\n'
            f'type=CWD {head}  cwd="/home/shadowman"\n'
            f'type=PATH {head} item=0 name="/srv{one.path.replace(chr(34), "")}" inode=409248 dev=fd:00 mode=0100600 ouid=0 '
            "ogid=0 rdev=00:00 objtype=NORMAL cap_fp=none cap_fi=none cap_fe=0 cap_fver=0\n"
            f"type=PROCTITLE {head} proctitle=636174002F6574632F7373682F737368645F636F6E666967\n".encode()
        )
    return made


def _utmpdump() -> list[bytes]:
    return [
        f"[7] [{1000 + number:05d}] [ts/{number % 9}] [{f'user{number % 90}':<8}] [pts/{number % 9:<8}] "
        f"[{'client.example.org':<20}] [{one.client:<15}] [{one.at:%Y-%m-%dT%H:%M:%S},123456+00:00]\n".encode()
        for number, one in enumerate(requests()[:2000])
    ]


def _windows() -> list[bytes]:
    return [
        json.dumps({
            "@timestamp": one.at.isoformat().replace("+00:00", "Z"), "host": {"name": "w1"}, "log": {"level": "information"},
            "message": "An account was logged on.\n\nSubject:\n\tSecurity ID:\t\tS-1-5-18",
            "winlog": {"event_id": "4624", "channel": "Security", "computer_name": "W1", "event_data": {
                "TargetUserName": f"user{number % 90}", "IpAddress": one.client, "IpPort": str(5000 + number),
                "LogonType": "3", "SubjectUserSid": "S-1-5-18"}},
        }).encode() + b"\n"
        for number, one in enumerate(requests()[:2000])
    ]  # fmt: skip


def _csv() -> list[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in requests():
        writer.writerow([one.at.isoformat(), one.client, "shop.example", one.user, "Allowed", one.size, one.agent])
    return out.getvalue().encode().splitlines(keepends=True)


# -- all of them -----------------------------------------------------------------------------------------------------------


def _fixture(name: str) -> list[bytes]:
    """The records of a fixture, cut by the format's own framing."""
    from soc_tui.acquisition.formats import FORMATS

    data = (FIXTURES / f"{name}.log").read_bytes()
    framing = FORMATS[name].framing
    starts = [*framing.cut(data, 0, 1 << 20, final=True).records["source_offset"].to_pylist(), len(data)]
    found = [data[a:b] for a, b in pairwise(starts)]
    again = framing.cut(data * 2, 0, 1 << 20, final=True).records.num_rows
    return found if again == 2 * len(found) else found[1:]  # a rest without a head would go on with another record


def _made() -> Iterator[Sample]:
    from soc_tui.acquisition.formats.middleware import FORMATS as MIDDLEWARE

    yield Sample("zeek-tsv", zeek("conn")[1], zeek("conn")[0], _zeek_conn_select())
    yield Sample("suricata-eve", [line for line in packed("suricata/eve.json.gz") if b'"event_type":"flow"' in line])
    yield Sample("zeek-json", [line for line in packed("zeek/apt29-day1.log.gz") if b'"@stream":"conn"' in line])
    yield Sample("cicflowmeter", _each_flow(_cic), _CIC_HEAD)
    yield Sample("nfdump", _each_flow(_nfdump), _NFDUMP_HEAD)
    yield Sample("argus", _each_flow(_argus), _ARGUS_HEAD)
    yield Sample("aws-vpc", _each_flow(_vpc))
    for name, write in {
        "haproxy": _haproxy, "traefik-clf": _traefik_clf, "nginx-json": _nginx_json, "caddy": _caddy, "traefik": _traefik,
        "aws-alb": _alb, "aws-s3": _s3, "json": _json_lines,
    }.items():  # fmt: skip
        yield Sample(name, _each_request(write))
    yield Sample("access", packed("web/access.log.gz"))
    yield Sample("iis", _each_request(_iis), _IIS_HEAD)
    for one in MIDDLEWARE:
        yield Sample(one.name, _fixture(one.name))
    yield Sample("auditd", _auditd())
    yield Sample("journald-export", _journal_export())
    yield Sample("journald-json", [json.dumps(one).encode() + b"\n" for one in _entries()])
    yield Sample("utmpdump", _utmpdump())
    yield Sample("windows-json", _windows())
    yield Sample("syslog", packed("host/auth.log.gz"))
    yield Sample("csv", _csv(), b"timestamp,src_ip,host,user,status,bytes,user_agent\n")
    yield Sample("text", [line[16:] for line in packed("host/auth.log.gz")])


@cache
def samples() -> dict[str, Sample]:
    """A sample of every built-in format, by its name."""
    return {sample.format: sample for sample in _made()}


def seeds(name: str) -> list[bytes]:
    """Blocks of a format to begin fuzzing with: the first, some from the middle, and other Zeek and EVE records too."""
    sample = samples()[name]
    step = max(1, len(sample.records) // 5)
    blocks = [
        sample.head + b"".join(sample.records[at : at + _SEED_RECORDS]) for at in range(0, len(sample.records), step)
    ]
    if name == "zeek-tsv":
        for other in ("dns", "http", "files", "ssl", "notice", "weird"):
            head, lines = zeek(other)
            blocks.append(head + b"".join(lines[:_SEED_RECORDS]))
    if name in {"suricata-eve", "zeek-json"}:
        lines = packed("suricata/eve.json.gz" if name == "suricata-eve" else "zeek/apt29-day1.log.gz")
        kinds: dict[Any, bytes] = {}
        for line in lines:
            record = json.loads(line)
            kinds.setdefault(record.get("event_type") or record.get("@stream"), line)
        blocks += list(kinds.values())
    return blocks
