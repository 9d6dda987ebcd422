"""The Linux audit log: ``audit.log`` raw or enriched, and what ``ausearch --raw`` gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.framing import AuditEvents

_LINE = re.compile(r"(?:node=\S+ )?type=[A-Z0-9_\[\]]+ msg=audit\(\d+\.\d{3}:\d+\) ?:")

_CALLS = """
    0:read 1:write 2:open 3:close 4:stat 9:mmap 10:mprotect 16:ioctl 21:access 22:pipe 41:socket 42:connect
    43:accept 44:sendto 45:recvfrom 49:bind 50:listen 56:clone 57:fork 58:vfork 59:execve 61:wait4 62:kill
    76:truncate 77:ftruncate 80:chdir 82:rename 83:mkdir 84:rmdir 85:creat 86:link 87:unlink 88:symlink 90:chmod
    91:fchmod 92:chown 93:fchown 94:lchown 101:ptrace 105:setuid 106:setgid 113:setreuid 114:setregid 117:setresuid
    119:setresgid 126:capset 133:mknod 155:pivot_root 157:prctl 159:adjtimex 161:chroot 164:settimeofday 165:mount
    166:umount2 169:reboot 170:sethostname 171:setdomainname 175:init_module 176:delete_module 188:setxattr
    189:lsetxattr 190:fsetxattr 197:removexattr 198:lremovexattr 199:fremovexattr 200:tkill 227:clock_settime
    231:exit_group 234:tgkill 246:kexec_load 257:openat 258:mkdirat 259:mknodat 260:fchownat 263:unlinkat
    264:renameat 265:linkat 266:symlinkat 268:fchmodat 272:unshare 285:fallocate 288:accept4 304:open_by_handle_at
    305:clock_adjtime 308:setns 310:process_vm_readv 311:process_vm_writev 313:finit_module 316:renameat2
    317:seccomp 319:memfd_create 320:kexec_file_load 321:bpf 322:execveat 323:userfaultfd 435:clone3 437:openat2
"""
"""Names of system calls on x86_64 (arch=c000003e), by number (Linux, arch/x86/entry/syscalls/syscall_64.tbl)."""
_NAMES = dict(item.split(":") for item in _CALLS.split())
_CALLS_BY_NUMBER = [_NAMES.get(str(number)) for number in range(450)]


_KEYS = (
    "res", "success", "syscall", "arch", "uid", "auid", "pid", "ppid", "ses", "exit", "op", "unit", "saddr", "hostname",
    "terminal", "tty", "exe", "comm", "acct", "cwd", "cmd", "key", "AUID", "UID", "SYSCALL", "proctitle",
)  # fmt: skip


def _raw(key: str) -> str:
    # DuckDB's names do not differ in case alone
    name = f"raw_{key}" if key.islower() else f"raw_name_of_{key}"
    return f"regexp_extract(t, ' {key}=(\"[^\"]*\"|[^ ''\\n]*)', 1) AS {name}"


def _decoded(value: str) -> str:
    r"""Quotes off, hex digits decoded; bytes that are not UTF-8 stay visible as ``\xNN``."""
    pairs = f"regexp_full_match({value}, '(?:[0-9A-F][0-9A-F])+')"
    return (
        f"CASE WHEN {value}[1] = '\"' THEN {value}[2:-2] WHEN {value} IN ('', '(null)', '(none)', '?') THEN NULL "
        f"WHEN {pairs} THEN coalesce(try(decode(unhex({value}))), unhex({value})::VARCHAR) ELSE {value} END"
    )


@cache
def _sql() -> str:
    sql = load_sql("system/auditd")
    sql = sql.replace("{raws}", ", ".join(_raw(key) for key in _KEYS))
    return re.sub(r"\{decoded ([^{}]+)\}", lambda found: f"({_decoded(f'({found[1]})')})", sql)


class Auditd(Format):
    """``type=SYSCALL msg=audit(1364481363.243:24287): ...``; the lines of one event are one record."""

    name = "auditd"
    framing = AuditEvents()

    def confidence(self, lines: Sequence[str]) -> float:
        """Certain when most of the first lines have an audit id."""
        head = lines[:50]
        share = sum(bool(_LINE.match(line[:256])) for line in head) / max(len(head), 1)
        return 1.0 if share > 0.5 else share

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:  # noqa: ARG002
        """Every event with an id is an event; names, commands and paths decoded."""
        return Normalised(*normalise(_sql(), lines, {"calls": _CALLS_BY_NUMBER}), header)
