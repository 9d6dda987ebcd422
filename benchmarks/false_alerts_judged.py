"""What somebody who looked at the evidence says of each group of alerts in docs/false_alerts.md.

``true``: an attack or a tool is really there. ``notice``: what the alert says is so, and of severity info; no attack.
``false``: ordinary traffic.
"""

from __future__ import annotations

_GUESSED = (
    "guessing from the internet: hundreds of failures within minutes against root and a dictionary of names; the log is of"
    " an exposed machine"
)
_ONE_FAILED = "a failed login from the internet, below the thresholds of guessing; the machine is exposed"

JUDGED: tuple[tuple[str, str, str, str, str], ...] = (
    ("Apache.*", "web-attack", "command injection", "false",
     "the agent of the feed reader Liferea with a locale (`en_GB.UTF-8; http://`); the query network takes it for a command"),
    ("Apache.*", "web-attack", "path traversal", "true",
     "a spam bot's report in the referrer (`Result: ... newkoversjup; ReCaptcha`): hostile automation, but the class is wrong"),
    ("Apache.*", "session-anomaly", "Search", "false",
     "a reader that opens 20 articles within a minute (a prefetching browser or a polite crawler)"),
    ("LogHub Apache", "log-sign", "web-denied", "notice",
     "`Directory index forbidden by rule: /var/www/html/`: 32 addresses ask a server without an index page for `/`; scanners and lost"
     " visitors look alike"),
    ("LogHub Linux|LogHub OpenSSH", "ssh-brute-force", "", "true", _GUESSED),
    ("LogHub Linux|LogHub OpenSSH", "session-anomaly", "", "true", _GUESSED),
    ("LogHub Linux", "log-sign", "su-known", "notice", "root's cron becomes cyrus and news every night; told once for each account"),
    ("LogHub Linux", "log-sign", "unknown-account", "notice", "one name mistyped at the display manager (gdm)"),
    ("LogHub Linux|LogHub OpenSSH", "log-sign", "login-failed|unknown-account|ssh-max-attempts", "notice", _ONE_FAILED),
    ("LogHub OpenSSH", "log-sign", "ssh-not-ssh", "notice", "a connection without an SSH identification: a port scan met the SSH port"),
    ("LogHub OpenSSH", "log-sign", "login-known", "notice", "the only login that succeeded: new to us, told once"),
    ("LogHub OpenStack", "web-attack", "", "false",
     "a host name as a parameter (`cp-1.slowvm1.tcloud-pg0.utah.cloudlab.us`); the query network takes it for a command"),
    ("LogHub OpenStack", "session-anomaly", "", "false", "the cloud's own API client that makes, asks for and deletes machines all the time"),
    ("zed.*", "zeek-notice", "Invalid_Server_Cert", "true",
     "certificates that do not validate, as Zeek says (no issuer, self-signed): passed on at low; no attack is claimed"),
    ("zed.*", "log-sign", "login-failed", "true", "a Kerberos question for a wrong realm by 10.128.0.207, the exercise's attacker"),
    ("zed.*", "session-anomaly", "", "true", "10.128.0.207 tries RDP and Kerberos of six machines within 12 s: the red team"),
    ("rita valid_tsv", "web-attack", "command injection", "false",
     "an advertiser's parameter that is a host name alone (`www.espn.com`); the query network takes it for a command"),
    ("rita valid_tsv", "web-attack", "JNDI", "false", "a template of an advertiser that was not filled in (`${FK_IMP_ID}`)"),
    ("rita valid_tsv", "session-anomaly", "", "false",
     "browsers of the lab that open pages by script all day, with many redirects and 408 answers"),
)  # fmt: skip
"""Pattern of the log, detector, pattern of what equal alerts have in common, verdict, reason."""
