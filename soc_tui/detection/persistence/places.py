"""Where Linux takes up what shall run by itself (ATT&CK TA0003), and who may come in."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A kind of persistence."""

    kind: str
    what: str
    """In a phrase for headings."""
    severity: str
    """Of an entry that the baseline does not have."""
    techniques: tuple[str, ...]
    files: tuple[str, ...]
    """Paths with ``*``, without the leading slash. ``~`` stands for the home of every account."""
    by_line: bool = False
    """Each line is an entry of its own; else a file is one."""
    comment: str = "#"
    """What begins a line that does nothing."""


PLACES: tuple[Place, ...] = (
    Place("loader", "library that every program loads", "critical", ("T1574.006",),
          ("etc/ld.so.preload",), by_line=True),
    Place("cron", "scheduled command", "medium", ("T1053.003",),
          ("etc/crontab", "etc/anacrontab", "etc/cron.d/*", "var/spool/cron/crontabs/*", "var/spool/cron/*",
           "var/spool/cron/tabs/*", "etc/crontabs/*"), by_line=True),
    Place("scheduled-script", "scheduled script", "medium", ("T1053.003", "T1053.002"),
          ("etc/cron.hourly/*", "etc/cron.daily/*", "etc/cron.weekly/*", "etc/cron.monthly/*", "etc/periodic/*/*",
           "var/spool/cron/atjobs/*", "var/spool/at/*")),
    Place("systemd", "systemd unit", "medium", ("T1543.002", "T1053.006"),
          (*(f"{folder}/*.{end}" for end in ("service", "timer", "socket", "path") for folder in (
              "etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
              "etc/systemd/user", "usr/lib/systemd/user", "~/.config/systemd/user", "~/.local/share/systemd/user")),
           "etc/systemd/system/*.d/*.conf", "run/systemd/system/*.d/*.conf", "etc/systemd/system/*.wants/*",
           "etc/systemd/system/*.requires/*", "etc/systemd/system-generators/*",
           "usr/lib/systemd/system-generators/*", "usr/local/lib/systemd/system-generators/*",
           "~/.config/systemd/user/*.wants/*")),
    Place("authorized-keys", "key that opens an account", "high", ("T1098.004",),
          ("~/.ssh/authorized_keys", "~/.ssh/authorized_keys2", "etc/ssh/authorized_keys/*",
           "etc/ssh/authorized_keys.d/*"), by_line=True),
    Place("account", "account", "high", ("T1136.001", "T1098"),
          ("etc/passwd",), by_line=True),
    Place("sudo", "right to be root", "high", ("T1548.003",),
          ("etc/sudoers", "etc/sudoers.d/*"), by_line=True),
    Place("shell-start", "command of a shell's start", "medium", ("T1546.004",),
          ("etc/profile", "etc/profile.d/*", "etc/bash.bashrc", "etc/bashrc", "etc/bash.bash_logout", "etc/zsh/*",
           "etc/zshenv", "etc/environment", "etc/ssh/sshrc", "~/.bashrc", "~/.bash_profile", "~/.bash_login",
           "~/.bash_logout", "~/.profile", "~/.zshrc", "~/.zshenv", "~/.zprofile", "~/.ssh/rc", "~/.ssh/environment",
           "~/.pam_environment"), by_line=True),
    Place("init", "script of the machine's start", "medium", ("T1037.004",),
          ("etc/rc.local", "etc/rc.d/rc.local", "etc/init.d/*", "etc/inittab", "etc/init/*.conf", "etc/local.d/*",
           "etc/rc.local.d/*")),
    Place("libraries", "folder of libraries", "medium", ("T1574.006",),
          ("etc/ld.so.conf", "etc/ld.so.conf.d/*"), by_line=True),
    Place("kernel-modules", "kernel module", "medium", ("T1547.006",),
          ("etc/modules", "etc/modules-load.d/*", "etc/modprobe.d/*"), by_line=True),
    Place("udev", "command of a device's arrival", "medium", ("T1546.017",),
          ("etc/udev/rules.d/*", "run/udev/rules.d/*", "usr/lib/udev/rules.d/*", "usr/local/lib/udev/rules.d/*")),
    Place("desktop", "program of a desktop's start", "medium", ("T1547.013",),
          ("etc/xdg/autostart/*", "~/.config/autostart/*", "~/.xprofile", "~/.xinitrc")),
    Place("pam", "module of the log-in", "high", ("T1556.003",),
          ("etc/pam.d/*", "etc/pam.conf"), by_line=True),
    Place("hooks", "command that other programs call", "medium", ("T1546", "T1546.016"),
          ("etc/apt/apt.conf", "etc/apt/apt.conf.d/*", "etc/dpkg/dpkg.cfg.d/*", "etc/yum/pluginconf.d/*",
           "etc/kernel/postinst.d/*", "etc/update-motd.d/*", "etc/logrotate.d/*", "etc/NetworkManager/dispatcher.d/*",
           "etc/NetworkManager/dispatcher.d/*/*", "etc/dhcp/dhclient-exit-hooks.d/*",
           "etc/dhcp/dhclient-enter-hooks.d/*", "etc/network/if-up.d/*", "etc/network/if-pre-up.d/*",
           "etc/ppp/ip-up.d/*", "etc/gitconfig", "~/.gitconfig")),
)  # fmt: skip

KINDS = tuple(place.kind for place in PLACES)
WRITABLE = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "/run/lock/")  # noqa: S108 - to look for, not to use
"""Folders that every account may write to: no program of the system runs from there."""
