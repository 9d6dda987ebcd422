-- Syslog: RFC 3164, RFC 5424, the RFC 3339 stamps of rsyslog and macOS; sshd, sudo, su, PAM and account tools understood.
--
-- Hostile text: the user name of a login attempt is the attacker's and may contain spaces and whole forged endings
-- ("root from 198.51.100.1 port 22 ssh2"). sshd writes the true address after it, so every pattern is anchored at both
-- ends and the name is matched greedily: the LAST "from ADDRESS port N" wins. Where what follows the address is the
-- client's too (an SSH certificate's key id) and more than one address could be meant, none is taken.
WITH heads AS (
    SELECT source_offset, source_length, regexp_extract(line,
        '(?s)^(?:<(\d{1,3})>)?(?:(1) )?((?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?)|(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)|-) +(\S+) +(.*)$',
        ['pri', 'version', 'stamp', 'host', 'rest']) AS h
    FROM lines
), tags AS (
    SELECT *,
        -- RFC 5424 after the host: APP PROCID MSGID SD MSG; else TAG[PID]: MSG, with old PAM's TAG(pam_unix)[PID]: MSG
        CASE WHEN h.version = '1' THEN regexp_extract(h.rest,
            '(?s)^(\S+)() (\S+) (\S+) (-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?(.*)$',
            ['tag', 'pam', 'pid', 'msgid', 'sd', 'text'])
        ELSE regexp_extract(h.rest, '(?s)^([^\s\[\]():]+)(?:\((pam_\w+)\))?(?:\[(\d+)\])?()():(?: (.*))?$',
            ['tag', 'pam', 'pid', 'msgid', 'sd', 'text']) END AS t
    FROM heads
), bodies AS (
    SELECT *,
        nullif(nullif(regexp_replace(t.tag, '^.*/', ''), ''), '-') AS process,
        ltrim(CASE WHEN t.tag = '' THEN h.rest ELSE t.text END, chr(65279)) AS body,
        try_cast(nullif(h.pri, '') AS INTEGER) AS pri,
        -- A stamp without a year means its latest occurrence that is not after the file's last change (a day of slack for
        -- time zones); older candidates only serve 29 February and logs across New Year.
        CASE WHEN h.stamp[1] BETWEEN '0' AND '9' THEN from_iso(h.stamp)
             WHEN regexp_matches(h.stamp, '^... .. \d{4} ') THEN try_strptime(replace(h.stamp[1:20], '  ', ' '), '%b %d %Y %H:%M:%S')
             WHEN h.stamp = '-' THEN $modified
             ELSE list_filter(list_transform(range(0, 9),
                lambda back: try_strptime((year($modified) + 1 - back) || ' ' || replace(h.stamp[1:15], '  ', ' '), '%Y %b %d %H:%M:%S')),
                lambda moment: moment <= $modified + INTERVAL 1 DAY)[1]
        END AS stamp
    FROM tags
), unwrapped AS (
    SELECT *, regexp_extract(body, '(?s)^message repeated (\d+) times: \[ ?(.*)\]$', ['count', 'text']) AS again,
        process IN ('sshd', 'sshd-session', 'sshd-auth', 'dropbear') AS ssh,
    FROM bodies
), said AS (
    SELECT *,
        -- Solaris puts [ID 800047 auth.notice] first; sshd a level ("error: ")
        regexp_replace(CASE WHEN again.count <> '' THEN again.text ELSE body END, '^\[ID \d+ \w+\.\w+\] ', '') AS full_text,
        regexp_replace(CASE WHEN ssh THEN regexp_replace(full_text, '^(?:error|fatal|debug\d): ', '') ELSE full_text END,
            '^pam_(?:unix|sss|ldap|krb5|faillock|winbind|systemd)\([\w.@-]+(?::\w+)?\): ', '') AS said,
        regexp_extract(full_text, '^pam_\w+\(([\w.@-]+)(?::\w+)?\): ', 1) AS pam_service,
        t.pam <> '' OR pam_service <> '' AS by_pam
    FROM unwrapped
), found AS (
    SELECT *, CASE
        WHEN by_pam AND contains(said, 'authentication failure') THEN 'pam-failure'
        WHEN by_pam AND starts_with(said, 'session opened for user') THEN 'session-open'
        WHEN by_pam AND starts_with(said, 'session closed for user') THEN 'session-close'
        WHEN starts_with(said, 'password changed for ') THEN 'password-change'
        WHEN starts_with(said, 'check pass; user unknown') THEN 'pam-unknown'
        WHEN ssh AND regexp_matches(said, '^PAM:? \d+ more authentication failure') THEN 'pam-more'
        WHEN ssh THEN CASE
            WHEN starts_with(said, 'Accepted ') THEN 'accepted'
            WHEN starts_with(said, 'Failed ') THEN 'failed'
            WHEN regexp_matches(said, '^(?:Invalid|Illegal) user ') THEN 'invalid'
            WHEN starts_with(said, 'input_userauth_request: invalid user ') THEN 'invalid-request'
            WHEN starts_with(said, 'maximum authentication attempts exceeded for ') THEN 'max-attempts'
            WHEN regexp_matches(said, '^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) ') THEN 'disconnect'
            WHEN starts_with(said, 'Received disconnect from ') THEN 'received'
            WHEN regexp_matches(said, '^(?:Connection from|Did not receive identification string from|Unable to negotiate with|Timeout before authentication for) ') THEN 'peer-first'
            WHEN starts_with(said, 'Bad protocol version identification ') THEN 'bad-protocol'
            WHEN starts_with(said, 'reverse mapping checking ') THEN 'reverse'
            WHEN starts_with(said, 'Address ') THEN 'address'
            WHEN starts_with(said, 'User ') AND contains(said, ' not allowed because') THEN 'denied'
            WHEN starts_with(said, 'Postponed ') THEN 'postponed'
            WHEN starts_with(said, 'PAM: ') THEN 'pam-words'
            END
        WHEN process = 'sudo' AND regexp_matches(said, '(?s)^ *\S+ : .*COMMAND=') THEN 'sudo'
        WHEN process = 'su' AND regexp_matches(said, '^(?:Successful|FAILED) su for ') THEN 'su'
        WHEN process = 'su' AND regexp_matches(said, '^(?:BAD SU |failed: )') THEN 'su-failed'
        WHEN process IN ('useradd', 'adduser') AND starts_with(said, 'new user: ') THEN 'account-create'
        WHEN process IN ('useradd', 'groupadd', 'addgroup') AND starts_with(said, 'new group: ') THEN 'group-create'
        WHEN process = 'userdel' AND starts_with(said, 'delete user ') THEN 'account-delete'
        WHEN process IN ('usermod', 'gpasswd', 'chage', 'passwd') AND regexp_matches(said, '^(?:change user|add |delete |lock|unlock|password )') THEN 'account-change'
        WHEN process = 'systemd-logind' AND starts_with(said, 'New session ') THEN 'logind-open'
        END AS kind
    FROM said
), extracted AS (
    SELECT *, CASE kind
        WHEN 'accepted' THEN CASE WHEN doubtful THEN NULL ELSE coalesce(nullif(regexp_extract(said,
                '(?s)^Accepted (\S+) for (?:(?:invalid|illegal) user )?(.*) from (\S+) port (\d+)(?: ssh\d?)?(?:: [A-Z0-9-]+ [\w:+/=.-]+)?$', ['method', 'user', 'ip', 'port']), none),
            -- a certificate's key id follows: believed only when one address is there
            CASE WHEN NOT regexp_matches(said, '(?s) from .* from ') THEN regexp_extract(said,
                '(?s)^Accepted (\S+) for (.*) from (\S+) port (\d+) ssh2: .*$', ['method', 'user', 'ip', 'port']) END) END
        WHEN 'failed' THEN CASE WHEN doubtful THEN NULL ELSE coalesce(nullif(regexp_extract(said,
                '(?s)^Failed (\S+) for (?:(?:invalid|illegal) user )?(.*) from (\S+)(?: port (\d+))?(?: ssh\d?)?(?:: [A-Z0-9-]+ [\w:+/=.-]+)?$', ['method', 'user', 'ip', 'port']), none),
            CASE WHEN NOT regexp_matches(said, '(?s) from .* from ') THEN regexp_extract(said,
                '(?s)^Failed (\S+) for (?:(?:invalid|illegal) user )?(.*) from (\S+) port (\d+) ssh2: .*$', ['method', 'user', 'ip', 'port']) END) END
        WHEN 'invalid' THEN regexp_extract(said, '(?s)^()\w+ user (.*) from (\S+)(?: port (\d+))?$', ['method', 'user', 'ip', 'port'])
        WHEN 'invalid-request' THEN regexp_extract(said, '(?s)^()input_userauth_request: invalid user (.*?)()()(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'max-attempts' THEN regexp_extract(said, '(?s)^() *maximum authentication attempts exceeded for (?:invalid user )?(.*) from (\S+)(?: port (\d+))?(?: ssh\d?)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'disconnect' THEN CASE WHEN regexp_matches(said, '^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:(?:authenticating|invalid) )?user ')
            THEN regexp_extract(said, '(?s)^()[\w ]*?user (.*) (\S+) port (\d+)(?:: [^:]*)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
            ELSE regexp_extract(said, '(?s)^()()(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (\S+?)(?: port (\d+))?(?:: .*)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port']) END
        WHEN 'received' THEN regexp_extract(said, '(?s)^()()Received disconnect from (\S+?)(?: port (\d+))?: ?\d+:', ['method', 'user', 'ip', 'port'])
        WHEN 'peer-first' THEN regexp_extract(said, '^()()(?:Connection from|Did not receive identification string from|Unable to negotiate with|Timeout before authentication for) (?:UNKNOWN|(\S+?)):?(?: port (\d+).*| on .*|: .*)?$', ['method', 'user', 'ip', 'port'])
        WHEN 'bad-protocol' THEN regexp_extract(said, '(?s)^()()Bad protocol version identification .* from (\S+)(?: port (\d+))?$', ['method', 'user', 'ip', 'port'])
        WHEN 'reverse' THEN regexp_extract(said, '^()()reverse mapping checking getaddrinfo for \S+ \[([0-9a-fA-F.:]+)\]() failed', ['method', 'user', 'ip', 'port'])
        WHEN 'address' THEN regexp_extract(said, '^()()Address (\S+)() maps to ', ['method', 'user', 'ip', 'port'])
        WHEN 'denied' THEN regexp_extract(said, '(?s)^()User (.*) from (\S+)() not allowed because', ['method', 'user', 'ip', 'port'])
        WHEN 'postponed' THEN regexp_extract(said, '(?s)^Postponed (\S+) for (?:invalid user )?(.*) from (\S+) port (\d+)(?: ssh\d?)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'pam-words' THEN regexp_extract(said, '(?s)^()PAM: .*? for (?:illegal user |invalid user )?(.*) from (\S+)()$', ['method', 'user', 'ip', 'port'])
        WHEN 'pam-failure' THEN regexp_extract(said, '(?s)authentication failures?; logname=\S* uid=\d* euid=\d* tty=(\S*) ruser=\S* rhost=()(\S*)()', ['method', 'user', 'ip', 'port'])
        WHEN 'pam-more' THEN regexp_extract(said, '(?s)authentication failures?; logname=\S* uid=\d* euid=\d* tty=(\S*) ruser=\S* rhost=()(\S*)()', ['method', 'user', 'ip', 'port'])
        WHEN 'session-open' THEN regexp_extract(said, '(?s)^()session opened for user (.*?)(?:\(uid=\d+\))?()() by (?:\S*)\(uid=\d+\)$', ['method', 'user', 'ip', 'port'])
        WHEN 'session-close' THEN regexp_extract(said, '(?s)^()session closed for user (.*)()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'password-change' THEN regexp_extract(said, '(?s)^()password changed for (.*)()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'sudo' THEN regexp_extract(said, '(?s)^() *(\S+) : ()()', ['method', 'user', 'ip', 'port'])
        WHEN 'su' THEN regexp_extract(said, '(?s)^()\w+ su for .* by (\S+)()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'su-failed' THEN regexp_extract(said, '(?s)^()(?:BAD SU |failed: \S+ changing from )(\S+)()()', ['method', 'user', 'ip', 'port'])
        WHEN 'account-create' THEN regexp_extract(said, '(?s)^()new user: name=(.*?)()(),', ['method', 'user', 'ip', 'port'])
        WHEN 'account-delete' THEN regexp_extract(said, '(?s)^()delete user .(.*).()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'account-change' THEN regexp_extract(said, '(?s)^().*? user .?([^\s'']+).?()()', ['method', 'user', 'ip', 'port'])
        WHEN 'logind-open' THEN regexp_extract(said, '(?s)^()New session \S+ of user (.*)()()\.$', ['method', 'user', 'ip', 'port'])
        END AS x,
        -- a sudo line: USER : [COMPLAINT ;] TTY=... ; PWD=... ; USER=... ; COMMAND=...
        CASE WHEN kind = 'sudo' THEN regexp_extract(said,
            '(?s)^ *\S+ : (?:([^;=]*) ; )?(?:TTY=(\S*) ; )?(?:PWD=(.*?) ; )?USER=(\S+) ; (?:\w+=\S* ; )*COMMAND=(.*)$',
            ['complaint', 'tty', 'pwd', 'target', 'command']) END AS s
    FROM (SELECT *, {'method': '', 'user': '', 'ip': '', 'port': ''} AS none,
        regexp_matches(said, '(?s)^\w+ publickey for .* from .* ssh2: [A-Z0-9-]*CERT.* from |^\w+ publickey for .* from .* from .* ssh2: [A-Z0-9-]*CERT') AS doubtful
        FROM found)
)
SELECT
    source_offset, source_length,
    CASE WHEN h.host = '' THEN 'not a syslog line' WHEN stamp IS NULL THEN 'no such date' END AS reason,
    stamp AS time,
    (CASE WHEN kind IS NULL THEN 6000 WHEN kind IN ('peer-first', 'bad-protocol', 'reverse', 'address') THEN 4007
          WHEN kind = 'sudo' AND s.complaint = '' THEN 1007 ELSE 3002 END)::INTEGER AS class_uid,
    CASE kind
        WHEN 'accepted' THEN 'logon' WHEN 'failed' THEN 'logon' WHEN 'pam-failure' THEN CASE WHEN ssh AND t.pam = '' THEN 'pam-failure' ELSE 'logon' END
        WHEN 'invalid' THEN 'invalid-user' WHEN 'invalid-request' THEN 'invalid-user' WHEN 'pam-unknown' THEN 'invalid-user'
        WHEN 'max-attempts' THEN 'max-attempts' WHEN 'disconnect' THEN 'disconnect' WHEN 'received' THEN 'disconnect'
        WHEN 'peer-first' THEN 'connect' WHEN 'bad-protocol' THEN 'bad-protocol'
        WHEN 'reverse' THEN 'reverse-mapping' WHEN 'address' THEN 'reverse-mapping' WHEN 'denied' THEN 'denied-user'
        WHEN 'postponed' THEN 'postponed' WHEN 'pam-words' THEN 'pam-failure' WHEN 'pam-more' THEN CASE WHEN t.pam = '' THEN 'pam-failure' ELSE 'logon' END
        WHEN 'session-open' THEN CASE WHEN ssh AND t.pam <> '' THEN 'logon' ELSE 'session-open' END
        WHEN 'session-close' THEN 'logoff' WHEN 'logind-open' THEN 'session-open'
        WHEN 'su-failed' THEN 'su'
        ELSE coalesce(kind, 'log')
    END AS activity,
    coalesce(process, 'syslog') AS product,
    CASE WHEN kind IS NOT NULL THEN 'auth' ELSE 'syslog' END AS log_name,
    nullif(h.host, '-') AS host,
    process,
    CASE WHEN kind IN ('pam-failure', 'pam-more') THEN nullif(regexp_extract(said, '(?s) rhost=\S* +user=(.*)$', 1), '')
         ELSE nullif(x.user, '') END AS user_name,
    as_ip(x.ip) AS src_ip,
    try_cast(nullif(x.port, '') AS INTEGER) AS src_port,
    CASE WHEN ssh THEN 'tcp' END AS protocol,
    CASE WHEN ssh THEN 'ssh' END AS service,
    CASE
        WHEN kind IN ('accepted', 'session-open', 'session-close', 'password-change', 'account-create', 'group-create',
                      'account-delete', 'account-change', 'logind-open') THEN 'success'
        WHEN kind IN ('failed', 'su-failed') THEN 'failure'
        -- today's sshd itself logs "Failed ..." for the attempt that its PAM stack complains of; one attempt, one failure
        WHEN kind IN ('pam-failure', 'pam-more') AND (NOT ssh OR t.pam <> '') THEN 'failure'
        WHEN kind = 'sudo' THEN CASE WHEN s.complaint = '' THEN 'success' ELSE 'failure' END
        WHEN kind = 'su' THEN CASE WHEN starts_with(said, 'FAILED') THEN 'failure' ELSE 'success' END
        ELSE 'unknown'
    END AS status,
    CASE WHEN pri IS NULL THEN 'info' WHEN pri % 8 <= 2 THEN 'critical' WHEN pri % 8 = 3 THEN 'medium'
         WHEN pri % 8 = 4 THEN 'low' ELSE 'info' END AS severity,
    body AS message,
    lean(json_object(
        'pid', try_cast(CASE WHEN t.tag <> '' THEN t.pid END AS BIGINT),
        'facility', pri // 8,
        'method', CASE WHEN kind IN ('accepted', 'failed', 'postponed') THEN nullif(x.method, '') END,
        'invalid_user', CASE WHEN kind = 'failed' AND regexp_matches(said, '^Failed \S+ for (?:invalid|illegal) user ') THEN true END,
        'repeat', coalesce(try_cast(nullif(again.count, '') AS BIGINT),
            try_cast(CASE WHEN kind IN ('pam-failure', 'pam-more') THEN nullif(regexp_extract(said, '^(?:PAM:? )?(\d+) more authentication', 1), '') END AS BIGINT),
            try_cast(CASE WHEN kind = 'sudo' THEN nullif(regexp_extract(s.complaint, '^(\d+) incorrect password', 1), '') END AS BIGINT)),
        'rhost', CASE WHEN kind IN ('pam-failure', 'pam-more', 'failed', 'invalid', 'denied') AND as_ip(x.ip) IS NULL THEN nullif(x.ip, '') END,
        'pam_service', nullif(pam_service, ''),
        'target_user', coalesce(nullif(s.target, ''), CASE kind
            WHEN 'su' THEN nullif(regexp_extract(said, '(?s) su for (.*) by \S+$', 1), '')
            WHEN 'su-failed' THEN nullif(regexp_extract(said, '^(?:BAD SU \S+ to|failed: \S+ changing from \S+ to) (\S+)', 1), '') END),
        'by', CASE kind WHEN 'session-open' THEN nullif(regexp_extract(said, ' by (\S*)\(uid=\d+\)$', 1), '') END,
        'complaint', nullif(s.complaint, ''), 'tty', nullif(s.tty, ''), 'cwd', nullif(s.pwd, ''), 'command', nullif(s.command, ''),
        'group', CASE kind WHEN 'group-create' THEN nullif(regexp_extract(said, '^new group: name=(.*?),', 1), '') END,
        'msgid', nullif(nullif(t.msgid, ''), '-'), 'structured_data', nullif(nullif(t.sd, ''), '-'))) AS extra
FROM extracted
