"""Each check that ships: what it finds, exactly where, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.system import checks
from soc_tui.detection.system.tool import SystemTool
from tests.detection.machine import DEBIAN, QUIET, Machine, told

CLEAN = {
    "etc/os-release": DEBIAN,
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\nPasswordAuthentication no\n"
    "Ciphers -3des-cbc,aes128-cbc\nMACs hmac-sha2-512-etm@openssh.com\n#PermitEmptyPasswords yes\n",
    "etc/sudoers": "Defaults\tenv_reset\nDefaults\tmail_badpass\nroot\tALL=(ALL:ALL) NOPASSWD: ALL\n%sudo\tALL=(ALL:ALL) ALL\n"
    "backup ALL=(root) NOPASSWD: /usr/bin/rsync-wrapper\n@includedir /etc/sudoers.d\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/pam.d/common-auth": "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\n",
    "etc/exports": "/srv 10.0.0.0/8(ro,root_squash)\n",
    "etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n# [trusted=yes]\n",
    "proc/sys/kernel/randomize_va_space": "2\n",
    "proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P\n",
    "proc/sys/kernel/modprobe": "/sbin/modprobe\n",
    "usr/lib/systemd/system/x.service": "[Service]\nExecStart=/usr/sbin/x --y\n",
    "usr/sbin/x": "x",
}


def build(machine: Machine, **files: str) -> None:
    for path, content in (CLEAN | {path.replace("__", "/"): text for path, text in files.items()}).items():
        machine.write(path, content, 0o640 if path.endswith("shadow") else 0o440 if "sudoers" in path else 0o644)


def look(machine: Machine, tmp_path: Path, settings: ScanSettings = QUIET) -> list[tuple[str, str, str]]:
    return told(SystemTool(settings, tmp_path / "knowledge").check(str(machine.root), machine.watch))


def test_a_machine_that_is_well_set_up_has_no_finding(machine: Machine, tmp_path: Path) -> None:
    build(machine)
    assert look(machine, tmp_path) == []
    assert machine.notes == []


def put(machine: Machine, path: str, content: str, mode: int = 0o644) -> None:
    build(machine)
    machine.write(path, content, mode)


SSHD, SUDO = "etc/ssh/sshd_config", "etc/sudoers.d/site"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (SSHD, "PasswordAuthentication no\npermitrootlogin=yes\n", ("medium", "sshd-permit-root-login", f"/{SSHD}:2")),
        (SSHD, "PermitRootLogin no\nPermitRootLogin yes\n", ("low", "sshd-password-authentication", f"/{SSHD}")),
        (SSHD, "PasswordAuthentication no\nMatch User guest\n  PermitEmptyPasswords yes\n", ("critical", "sshd-empty-passwords", f"/{SSHD}:3")),
        (SSHD, 'PasswordAuthentication "no"\nCiphers aes256-ctr,aes128-cbc\n', ("medium", "sshd-weak-ciphers", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nMACs hmac-md5\n", ("medium", "sshd-weak-macs", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nKexAlgorithms +diffie-hellman-group1-sha1\n", ("medium", "sshd-weak-key-exchange", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nProtocol 2,1\n", ("high", "sshd-protocol-1", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nHostbasedAuthentication yes\n", ("high", "sshd-host-based-authentication", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nIgnoreRhosts no\n", ("medium", "sshd-rhosts", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nPermitUserEnvironment LANG,LC_*\n", ("medium", "sshd-user-environment", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nStrictModes no\n", ("medium", "sshd-strict-modes", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nGatewayPorts yes\n", ("low", "sshd-gateway-ports", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nPermitTunnel point-to-point\n", ("low", "sshd-tunnels", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nMaxAuthTries 100\n", ("low", "sshd-many-tries", f"/{SSHD}:2")),
        (SSHD, "PasswordAuthentication no\nLogLevel QUIET\n", ("medium", "sshd-quiet", f"/{SSHD}:2")),
        (SUDO, "ALL ALL=(ALL) ALL\n", ("critical", "sudo-everybody", f"/{SUDO}:1")),
        (SUDO, "# x\nDefaults:www-data !authenticate\n", ("high", "sudo-no-authentication", f"/{SUDO}:2")),
        (SUDO, "deploy ALL=(ALL:ALL) SETENV: NOPASSWD: ALL\n", ("medium", "sudo-nopasswd-all", f"/{SUDO}:1")),
        (SUDO, "\nweb ALL=(root) NOPASSWD: /bin/ls, \\\n  /usr/bin/vim\n", ("high", "sudo-nopasswd-shell", f"/{SUDO}:2")),
        (SUDO, 'Defaults env_keep += "LD_PRELOAD"\n', ("high", "sudo-keeps-loader", f"/{SUDO}:1")),
        (SUDO, "Defaults !env_reset\n", ("medium", "sudo-keeps-environment", f"/{SUDO}:1")),
        (SUDO, "dba db1=(ALL, !root) /usr/bin/psql-wrapper\n", ("medium", "sudo-all-but-root", f"/{SUDO}:1")),
        (SUDO, "Defaults !syslog\n", ("medium", "sudo-no-log", f"/{SUDO}:1")),
        (SUDO, "Defaults timestamp_timeout=-1\n", ("low", "sudo-never-asks-again", f"/{SUDO}:1")),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n", ("critical", "account-second-root", "/etc/passwd:2")),
        ("etc/exports", "/srv *(rw,no_root_squash)\n", ("medium", "nfs-root", "/etc/exports:1")),
        ("etc/hosts.equiv", "trusted\n+\n", ("high", "trusted-hosts", "/etc/hosts.equiv:2")),
        ("home/eve/.rhosts", "+ +\n", ("high", "trusted-hosts", "/home/eve/.rhosts:1")),
        ("etc/inetd.conf", "#ftp\ntelnet stream tcp nowait root /usr/sbin/tcpd\n", ("medium", "old-services", "/etc/inetd.conf:2")),
        ("etc/pam.d/sshd", "auth sufficient pam_permit.so\n", ("critical", "pam-lets-everybody-in", "/etc/pam.d/sshd:1")),
        ("etc/pam.d/sshd", "auth optional pam_exec.so quiet expose_authtok /x.sh\n", ("high", "pam-hands-passwords-on", "/etc/pam.d/sshd:1")),
        ("etc/ld.so.conf.d/x.conf", "/tmp/lib\n", ("critical", "libraries-from-writable-folder", "/etc/ld.so.conf.d/x.conf:1")),
        ("etc/apt/sources.list", "deb [arch=amd64 trusted=yes] http://x y z\n", ("medium", "apt-unsigned", "/etc/apt/sources.list:1")),
        ("etc/yum.repos.d/x.repo", "[x]\ngpgcheck=0\n", ("medium", "yum-unsigned", "/etc/yum.repos.d/x.repo:2")),
        ("proc/sys/kernel/randomize_va_space", "0\n", ("medium", "kernel-address-randomisation", "/proc/sys/kernel/randomize_va_space")),
        ("proc/sys/kernel/core_pattern", "|/tmp/x %P\n", ("critical", "kernel-core-pattern", "/proc/sys/kernel/core_pattern")),
        ("proc/sys/kernel/modprobe", "/tmp/x\n", ("high", "kernel-modprobe-path", "/proc/sys/kernel/modprobe")),
        ("proc/sys/fs/suid_dumpable", "1\n", ("medium", "kernel-suid-dumpable", "/proc/sys/fs/suid_dumpable")),
        ("etc/sysctl.d/90.conf", "# x\nnet.ipv4.tcp_syncookies = 0\n", ("low", "kernel-syn-cookies", "/etc/sysctl.d/90.conf:2")),
    ],
)  # fmt: skip
def test_what_a_check_finds(
    machine: Machine, tmp_path: Path, path: str, content: str, expected: tuple[str, str, str]
) -> None:
    put(machine, path, content, 0o440 if "sudoers" in path else 0o644)
    assert look(machine, tmp_path) == [expected]


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("etc/sudoers", 0o666, ("critical", "sudoers-writable", "/etc/sudoers")),
        ("etc/passwd", 0o666, ("critical", "account-files-writable", "/etc/passwd")),
        ("etc/shadow", 0o644, ("high", "password-hashes-readable", "/etc/shadow")),
        ("etc/ssh/ssh_host_rsa_key", 0o644, ("high", "host-key-readable", "/etc/ssh/ssh_host_rsa_key")),
        ("home/eve/.ssh/id_ed25519", 0o644, ("medium", "user-key-readable", "/home/eve/.ssh/id_ed25519")),
        ("home/eve/.ssh/authorized_keys", 0o664, ("high", "authorized-keys-writable", "/home/eve/.ssh/authorized_keys")),
        ("etc/systemd/system/y.service", 0o666, ("high", "service-file-writable", "/etc/systemd/system/y.service")),
        ("etc/cron.d/job", 0o646, ("high", "service-file-writable", "/etc/cron.d/job")),
        ("usr/sbin/x", 0o777, ("high", "service-program-writable", "/usr/sbin/x")),
        ("run/docker.sock", 0o666, ("critical", "docker-socket-writable", "/run/docker.sock")),
        ("srv/bash", 0o4755, ("critical", "setuid-shell", "/srv/bash")),
        ("tmp/.x", 0o4755, ("high", "setuid-in-writable-folder", "/tmp/.x")),
        ("opt/thing", 0o4755, ("high", "setuid-drift", "/opt/thing")),
    ],
)  # fmt: skip
def test_what_permissions_give_away(
    machine: Machine, tmp_path: Path, path: str, mode: int, expected: tuple[str, str, str]
) -> None:
    content = CLEAN.get(path, "")
    put(machine, path, content, mode)
    assert look(machine, tmp_path) == [expected]


def test_folders_that_everybody_may_write_to(machine: Machine, tmp_path: Path) -> None:
    build(machine)
    for path, mode in (("tmp", 0o1777), ("var/tmp", 0o777), ("usr/local/bin", 0o777)):
        (machine.root / path).mkdir(parents=True)
        (machine.root / path).chmod(mode)
    assert look(machine, tmp_path) == [
        ("critical", "program-folder-writable", "/usr/local/bin"),
        ("medium", "shared-folder-without-sticky", "/var/tmp"),
    ]


def test_a_merged_root_is_told_once_and_a_masked_unit_not_at_all(machine: Machine, tmp_path: Path) -> None:
    build(machine)
    machine.link("lib", "usr/lib")
    machine.write("usr/lib/systemd/system/w.service", "", 0o666)
    machine.link("etc/systemd/system/masked.service", "/dev/null")
    machine.write("dev/null")  # not the device: this root cannot make one without rights, and a mask may dangle
    assert look(machine, tmp_path) == [("high", "service-file-writable", "/usr/lib/systemd/system/w.service")]
    assert machine.notes == []


def test_setuid_programs_of_packages_are_known(machine: Machine, tmp_path: Path) -> None:
    build(machine)
    for path in ("usr/bin/su", "usr/bin/passwd", "usr/lib/openssh/ssh-keysign", "var/lib/machines/x/usr/bin/sudo"):
        machine.write(path, "", 0o4755)
    machine.write("usr/bin/special", "", 0o4755)
    machine.write("var/lib/dpkg/info/special.list", "/usr/bin/special\n")
    (found,) = SystemTool(QUIET, tmp_path).check(str(machine.root), machine.watch)
    assert (found.severity, found.check, found.fields["where"]) == ("low", "setuid-unusual", "brought by a package")
    assert found.evidence == f"-rwsr-xr-x {os.getuid()}:{os.getgid()} /usr/bin/special".encode()


def test_sshd_reads_includes_where_they_stand_and_the_first_value_counts(machine: Machine, tmp_path: Path) -> None:
    build(machine, **{
        "etc__ssh__sshd_config": "PasswordAuthentication no\nInclude sshd_config.d/*.conf\nPermitRootLogin no\n"
        "Match Address 10.0.0.0/8\n\tInclude /etc/ssh/inner\n\tMaxAuthTries 20\nMatch all\nLogLevel INFO\n",
        "etc__ssh__sshd_config.d__1.conf": "PermitRootLogin yes\n", "etc__ssh__sshd_config.d__2.conf": "PermitRootLogin no\n",
        "etc__ssh__inner": "Include inner\nPermitTunnel yes\n",
    })  # fmt: skip
    found = list(SystemTool(QUIET, tmp_path).check(str(machine.root), machine.watch))
    assert [(one.check, one.target, one.evidence, one.fields.get("where")) for one in found] == [
        ("sshd-permit-root-login", "/etc/ssh/sshd_config.d/1.conf:1", b"PermitRootLogin yes", None),
        ("sshd-tunnels", "/etc/ssh/inner:2", b"PermitTunnel yes", "Match Address 10.0.0.0/8"),
        ("sshd-many-tries", "/etc/ssh/sshd_config:6", b"\tMaxAuthTries 20", "Match Address 10.0.0.0/8"),
    ]  # fmt: skip
    assert machine.notes == ["/etc/ssh/inner: included too deep or too often; not looked at"]


def test_sudoers_include_each_file_once(machine: Machine, tmp_path: Path) -> None:
    build(machine, **{"etc__sudoers.d__loop": "@include /etc/sudoers\n#include loop2\n", "etc__sudoers.d__no.dots": "ALL ALL=ALL\n",
                      "etc__loop2": "x ALL=(#0) NOPASSWD: ALL # by id\n"})  # fmt: skip
    assert look(machine, tmp_path) == [("medium", "sudo-nopasswd-all", "/etc/loop2:1")]


def test_own_checks_are_added_and_replace_and_damage_leaves_the_others(machine: Machine, tmp_path: Path) -> None:
    build(machine, etc__motd="welcome\n")
    own = tmp_path / "own"
    own.mkdir()
    good = "- {id: no-welcome, title: Welcome, reader: lines, files: [etc/motd], bad: welcome, severity: info, remedy: Be rude.}\n"
    (own / "a.yaml").write_text(good)
    (own / "b.yaml").write_text("- id: x\n  reader: nothing\n")
    (own / "c.yaml").write_text("- {id: y, title: Y, reader: sshd, bad: z, severity: low, remedy: R.}\n")
    settings = ScanSettings(programs=False, checks=(str(own), str(tmp_path / "none")))
    assert look(machine, tmp_path, settings) == [("info", "no-welcome", "/etc/motd:1")]
    assert machine.notes == [
        f"{tmp_path}/none:1: cannot be read: No such file or directory; this check is left out",
        f"{own}/b.yaml:2: reader must be one of sshd, sudoers, kernel, lines, mode, programs, setuid; this check is left out",
        f"{own}/c.yaml:1: subject is missing: which option sshd shall look up; this check is left out",
    ]


def test_every_shipped_check_is_well() -> None:
    loaded, problems = checks.load()
    assert problems == ()
    assert len({one.id for one in loaded}) == len(loaded) == 63
    assert [one.id for one in loaded if not one.techniques or not one.weaknesses] == []


def test_every_shipped_check_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/tools/system.md").read_text()
    assert [one.id for one in checks.load()[0] if f"`{one.id}`" not in page] == []
