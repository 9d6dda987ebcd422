-- What the text of a message says, whoever carried it (syslog file, journal): sshd, sudo, su, PAM, account tools, cron,
-- systemd, the kernel's packet filter, mail and FTP servers. Appended to a query whose last table is
-- bodies(source_offset, source_length, reason, stamp, host, process, pid, body, pam_tag, level, facility, more):
-- pam_tag = old PAM's TAG(pam_unix), level and facility = numbers of RFC 5424, more = members of `extra` or NULL.
--
-- Hostile text: the user name of a login attempt is the attacker's and may contain spaces and whole forged endings
-- ("root from 198.51.100.1 port 22 ssh2"). sshd writes the true address after it, so every pattern is anchored at both
-- ends and the name is matched greedily: the LAST "from ADDRESS port N" wins. Where what follows the address is the
-- client's too (an SSH certificate's key id) and more than one address could be meant, none is taken.
-- `quick` reads a name without blanks, where only one reading is possible; `x` is the reference for the rest.
unwrapped AS (
    SELECT *,
        CASE WHEN starts_with(body, 'message repeated ')
            THEN regexp_extract(body, '(?s)^message repeated (\d+) times: \[ ?(.*)\]$', ['count', 'text']) END AS again,
        coalesce(process IN ('sshd', 'sshd-session', 'sshd-auth', 'dropbear'), false) AS ssh
    FROM bodies
), texts AS (
    SELECT *,
        -- Solaris puts [ID 800047 auth.notice] first
        CASE WHEN starts_with(body, '[ID ') OR again.count <> ''
            THEN regexp_replace(CASE WHEN again.count <> '' THEN again.text ELSE body END, '^\[ID \d+ \w+\.\w+\] ', '')
            ELSE body END AS full_text
    FROM unwrapped
), said AS (
    SELECT *,
        -- sshd puts a level first ("error: "), PAM its module
        CASE WHEN starts_with(full_text, 'pam_') OR ssh AND (starts_with(full_text, 'error: ') OR starts_with(full_text, 'fatal: ') OR starts_with(full_text, 'debug'))
            THEN regexp_replace(CASE WHEN ssh THEN regexp_replace(full_text, '^(?:error|fatal|debug\d): ', '') ELSE full_text END,
                '^pam_(?:unix|sss|ldap|krb5|faillock|winbind|systemd)\([\w.@-]+(?::\w+)?\): ', '')
            ELSE full_text END AS said,
        CASE WHEN starts_with(full_text, 'pam_')
            THEN regexp_extract(full_text, '^pam_\w+\(([\w.@-]+)(?::\w+)?\): ', 1) ELSE '' END AS pam_service
    FROM texts
), found AS (
    SELECT *, pam_tag OR pam_service <> '' AS by_pam, CASE
        WHEN (pam_tag OR pam_service <> '') AND contains(said, 'authentication failure') THEN 'pam-failure'
        WHEN (pam_tag OR pam_service <> '') AND starts_with(said, 'session opened for user') THEN 'session-open'
        WHEN (pam_tag OR pam_service <> '') AND starts_with(said, 'session closed for user') THEN 'session-close'
        WHEN starts_with(said, 'password changed for ') THEN 'password-change'
        WHEN starts_with(said, 'check pass; user unknown') THEN 'pam-unknown'
        WHEN ssh THEN CASE
            WHEN starts_with(said, 'PAM') AND regexp_matches(said, '^PAM:? \d+ more authentication failure') THEN 'pam-more'
            WHEN starts_with(said, 'Accepted ') THEN 'accepted'
            WHEN starts_with(said, 'Failed ') THEN 'failed'
            WHEN starts_with(said, 'Invalid user ') OR starts_with(said, 'Illegal user ') THEN 'invalid'
            WHEN starts_with(said, 'input_userauth_request: invalid user ') THEN 'invalid-request'
            WHEN starts_with(said, 'maximum authentication attempts exceeded for ') THEN 'max-attempts'
            WHEN starts_with(said, 'Connection closed by ') OR starts_with(said, 'Connection reset by ')
                OR starts_with(said, 'Disconnected from ') OR starts_with(said, 'Disconnecting ') THEN 'disconnect'
            WHEN starts_with(said, 'Received disconnect from ') THEN 'received'
            WHEN starts_with(said, 'Connection from ') OR starts_with(said, 'Did not receive identification string from ')
                OR starts_with(said, 'Unable to negotiate with ') OR starts_with(said, 'Timeout before authentication for ') THEN 'peer-first'
            WHEN starts_with(said, 'Bad protocol version identification ') THEN 'bad-protocol'
            WHEN starts_with(said, 'reverse mapping checking ') THEN 'reverse'
            WHEN starts_with(said, 'Address ') THEN 'address'
            WHEN starts_with(said, 'User ') AND contains(said, ' not allowed because') THEN 'denied'
            WHEN starts_with(said, 'Postponed ') THEN 'postponed'
            WHEN starts_with(said, 'PAM: ') THEN 'pam-words'
            END
        ELSE CASE process
            WHEN 'sudo' THEN CASE WHEN regexp_matches(said, '(?s)^ *\S+ : .*COMMAND=') THEN 'sudo' END
            WHEN 'su' THEN CASE WHEN regexp_matches(said, '^(?:Successful|FAILED) su for ') THEN 'su'
                                WHEN regexp_matches(said, '^(?:BAD SU |failed: )') THEN 'su-failed' END
            WHEN 'useradd' THEN CASE WHEN starts_with(said, 'new user: ') THEN 'account-create' WHEN starts_with(said, 'new group: ') THEN 'group-create' END
            WHEN 'adduser' THEN CASE WHEN starts_with(said, 'new user: ') THEN 'account-create' END
            WHEN 'groupadd' THEN CASE WHEN starts_with(said, 'new group: ') THEN 'group-create' END
            WHEN 'addgroup' THEN CASE WHEN starts_with(said, 'new group: ') THEN 'group-create' END
            WHEN 'userdel' THEN CASE WHEN starts_with(said, 'delete user ') THEN 'account-delete' END
            WHEN 'systemd-logind' THEN CASE WHEN starts_with(said, 'New session ') THEN 'logind-open' END
            WHEN 'kernel' THEN CASE WHEN contains(said, ' SRC=') AND contains(said, ' PROTO=') THEN 'packet' END
            WHEN 'ulogd' THEN CASE WHEN contains(said, ' SRC=') AND contains(said, ' PROTO=') THEN 'packet' END
            WHEN 'systemd' THEN CASE
                WHEN starts_with(said, 'Started ') THEN 'unit-start' WHEN starts_with(said, 'Stopped ') THEN 'unit-stop'
                WHEN starts_with(said, 'Failed to start ') OR contains(said, ': Failed with result ')
                    OR contains(said, ': Main process exited, ') THEN 'unit-fail' END
            WHEN 'crontab' THEN CASE WHEN regexp_matches(said, '^\(\S+\) (?:REPLACE|DELETE) \(') THEN 'crontab' END
            WHEN 'dovecot' THEN CASE WHEN contains(said, '-login: ') AND contains(said, ', rip=') THEN 'dovecot' END
            WHEN 'smtpd' THEN CASE WHEN contains(said, ']: SASL ') AND contains(said, ' authentication failed') THEN 'sasl' END
            WHEN 'vsftpd' THEN CASE WHEN contains(said, ' LOGIN: Client "') THEN 'vsftpd' END
            WHEN 'proftpd' THEN CASE WHEN contains(said, ') - USER ') THEN 'proftpd' END
            WHEN 'pure-ftpd' THEN CASE WHEN contains(said, 'Authentication failed for user [') OR ends_with(said, ' is now logged in') THEN 'pure-ftpd' END
            ELSE CASE
                WHEN process IN ('usermod', 'gpasswd', 'chage', 'passwd')
                    THEN CASE WHEN regexp_matches(said, '^(?:change user|add |delete |lock|unlock|password )') THEN 'account-change' END
                WHEN process IN ('CRON', 'CROND', 'cron', 'crond')
                    THEN CASE WHEN regexp_matches(said, '^\(\S+\) CMD \(|^USER \S+ pid +\d+ cmd ') THEN 'cron' END
                END
            END
        END AS kind
    FROM said
), quick AS (
    SELECT *, CASE WHEN $fast AND ssh THEN CASE shape
        WHEN 'login' THEN CASE WHEN contains(said, ' for invalid user ')
            THEN regexp_extract(said, '^\w+ (\S+) for invalid user (\S+) from ([0-9a-fA-F.:]+) port (\d+) ssh2(?:: [A-Z0-9-]+ [\w:+/=.-]+)?$', ['method', 'user', 'ip', 'port'])
            ELSE regexp_extract(said, '^\w+ (\S+) for (\S+) from ([0-9a-fA-F.:]+) port (\d+) ssh2(?:: [A-Z0-9-]+ [\w:+/=.-]+)?$', ['method', 'user', 'ip', 'port']) END
        WHEN 'invalid' THEN regexp_extract(said, '^()\w+ user (\S+) from ([0-9a-fA-F.:]+)(?: port (\d+))?$', ['method', 'user', 'ip', 'port'])
        WHEN 'max-attempts' THEN CASE WHEN starts_with(said, 'maximum authentication attempts exceeded for invalid user ')
            THEN regexp_extract(said[46:], '^()invalid user (\S+) from ([0-9a-fA-F.:]+) port (\d+)(?: ssh\d)? \[preauth\]$', ['method', 'user', 'ip', 'port'])
            ELSE regexp_extract(said[46:], '^()(\S+) from ([0-9a-fA-F.:]+) port (\d+)(?: ssh\d)? \[preauth\]$', ['method', 'user', 'ip', 'port']) END
        WHEN 'disconnect' THEN regexp_extract(said, '^()()(?:Connection (?:closed|reset) by|Disconnected from) ([0-9a-fA-F.:]+) port (\d+)(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'received' THEN regexp_extract(said, '^()()Received disconnect from ([0-9a-fA-F.:]+)(?: port (\d+):|: )\d+:', ['method', 'user', 'ip', 'port'])
        WHEN 'pam' THEN regexp_extract(said, '^(?:PAM \d+ more )?authentication failures?; logname=\S* uid=\d* euid=\d* tty=(\S*) ruser=\S* rhost=()([0-9a-fA-F.:]+)()(?: |$)', ['method', 'user', 'ip', 'port'])
        END END AS q
    FROM (SELECT *, CASE kind WHEN 'accepted' THEN 'login' WHEN 'failed' THEN 'login' WHEN 'pam-failure' THEN 'pam' WHEN 'pam-more' THEN 'pam'
        ELSE kind END AS shape FROM found)
), extracted AS (
    SELECT *, CASE WHEN q.ip <> '' THEN q ELSE CASE shape
        WHEN 'login' THEN CASE WHEN doubtful THEN NULL ELSE coalesce(nullif(regexp_extract(said,
                '(?s)^\w+ (\S+) for (?:(?:invalid|illegal) user )?(.*) from (\S+)(?: port (\d+))?(?: ssh\d?)?(?:: [A-Z0-9-]+ [\w:+/=.-]+)?$', ['method', 'user', 'ip', 'port']), none),
            -- a certificate's key id follows: believed only when one address is there
            CASE WHEN NOT regexp_matches(said, '(?s) from .* from ') THEN regexp_extract(said,
                '(?s)^\w+ (\S+) for (.*) from (\S+) port (\d+) ssh2: .*$', ['method', 'user', 'ip', 'port']) END) END
        WHEN 'invalid' THEN regexp_extract(said, '(?s)^()\w+ user (.*) from (\S+)(?: port (\d+))?$', ['method', 'user', 'ip', 'port'])
        WHEN 'invalid-request' THEN CASE WHEN $fast AND ends_with(said, ' [preauth]') AND length(said) >= 47
            THEN {'method': '', 'user': said[38:-11], 'ip': '', 'port': ''}
            ELSE regexp_extract(said, '(?s)^()input_userauth_request: invalid user (.*?)()()(?: \[preauth\])?$', ['method', 'user', 'ip', 'port']) END
        WHEN 'max-attempts' THEN regexp_extract(said, '(?s)^() *maximum authentication attempts exceeded for (?:invalid user )?(.*) from (\S+)(?: port (\d+))?(?: ssh\d?)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'disconnect' THEN CASE WHEN regexp_matches(said, '^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:(?:authenticating|invalid) )?user ')
            THEN regexp_extract(said, '(?s)^()[\w ]*?user (.*) (\S+) port (\d+)(?:: [^:]*)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
            ELSE regexp_extract(said, '(?s)^()()(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (\S+?)(?: port (\d+))?(?:: .*)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port']) END
        WHEN 'received' THEN regexp_extract(said, '(?s)^()()Received disconnect from (\S+?)(?: port (\d+):|: )\d+:', ['method', 'user', 'ip', 'port'])
        WHEN 'peer-first' THEN regexp_extract(said, '^()()(?:Connection from|Did not receive identification string from|Unable to negotiate with|Timeout before authentication for) (?:UNKNOWN|(\S+?)):?(?: port (\d+).*| on .*|: .*)?$', ['method', 'user', 'ip', 'port'])
        WHEN 'bad-protocol' THEN regexp_extract(said, '(?s)^()()Bad protocol version identification .* from (\S+)(?: port (\d+))?$', ['method', 'user', 'ip', 'port'])
        WHEN 'reverse' THEN regexp_extract(said, '^()()reverse mapping checking getaddrinfo for \S+ \[([0-9a-fA-F.:]+)\]() failed', ['method', 'user', 'ip', 'port'])
        WHEN 'address' THEN regexp_extract(said, '^()()Address (\S+)() maps to ', ['method', 'user', 'ip', 'port'])
        WHEN 'denied' THEN regexp_extract(said, '(?s)^()User (.*) from (\S+)() not allowed because', ['method', 'user', 'ip', 'port'])
        WHEN 'postponed' THEN regexp_extract(said, '(?s)^Postponed (\S+) for (?:invalid user )?(.*) from (\S+) port (\d+)(?: ssh\d?)?(?: \[preauth\])?$', ['method', 'user', 'ip', 'port'])
        WHEN 'pam-words' THEN regexp_extract(said, '(?s)^()PAM: .*? for (?:illegal user |invalid user )?(.*) from (\S+)()$', ['method', 'user', 'ip', 'port'])
        WHEN 'pam' THEN regexp_extract(said, '(?s)authentication failures?; logname=\S* uid=\d* euid=\d* tty=(\S*) ruser=\S* rhost=()(\S*)()', ['method', 'user', 'ip', 'port'])
        WHEN 'session-open' THEN CASE WHEN $fast AND ends_with(said, ' by (uid=0)')
            THEN coalesce(nullif(regexp_extract(said, '^()session opened for user ([\w.-]+)()() by \(uid=0\)$', ['method', 'user', 'ip', 'port']), none),
                regexp_extract(said, '(?s)^()session opened for user (.*?)(?:\(uid=\d+\))?()() by (?:\S*)\(uid=\d+\)$', ['method', 'user', 'ip', 'port']))
            ELSE regexp_extract(said, '(?s)^()session opened for user (.*?)(?:\(uid=\d+\))?()() by (?:\S*)\(uid=\d+\)$', ['method', 'user', 'ip', 'port']) END
        WHEN 'session-close' THEN CASE WHEN said[24] = ' ' THEN {'method': '', 'user': said[25:], 'ip': '', 'port': ''} END
        WHEN 'password-change' THEN regexp_extract(said, '(?s)^()password changed for (.*)()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'sudo' THEN regexp_extract(said, '(?s)^() *(\S+) : ()()', ['method', 'user', 'ip', 'port'])
        WHEN 'su' THEN regexp_extract(said, '(?s)^()\w+ su for .* by (\S+)()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'su-failed' THEN regexp_extract(said, '(?s)^()(?:BAD SU |failed: \S+ changing from )(\S+)()()', ['method', 'user', 'ip', 'port'])
        WHEN 'account-create' THEN regexp_extract(said, '(?s)^()new user: name=(.*?)()(),', ['method', 'user', 'ip', 'port'])
        WHEN 'account-delete' THEN regexp_extract(said, '(?s)^()delete user .(.*).()()$', ['method', 'user', 'ip', 'port'])
        WHEN 'account-change' THEN regexp_extract(said, '(?s)^().*? user .?([^\s'']+).?()()', ['method', 'user', 'ip', 'port'])
        WHEN 'logind-open' THEN regexp_extract(said, '(?s)^()New session \S+ of user (.*)()()\.$', ['method', 'user', 'ip', 'port'])
        WHEN 'cron' THEN regexp_extract(said, '^()(?:\(|USER )(\S+?)(?:\) CMD | pid )()()', ['method', 'user', 'ip', 'port'])
        WHEN 'crontab' THEN regexp_extract(said, '^()\((\S+)\) ()()', ['method', 'user', 'ip', 'port'])
        -- Here too the daemon writes the address, either behind the name, so that the last one holds, or before it.
        WHEN 'dovecot' THEN regexp_extract(said, '(?s)^\w+-login: .*?\buser=()<(.*)>, (?:method=\S*, )?rip=([0-9a-fA-F.:]+)(), lip=', ['method', 'user', 'ip', 'port'])
        WHEN 'sasl' THEN {'method': regexp_extract(said, ']: SASL (\S+) authentication failed', 1), 'user': regexp_extract(said, '(?s), sasl_username=(.*)$', 1),
            'ip': regexp_extract(said, '^warning: [^\s\[\]]+\[([0-9a-fA-F.:]+)\]: SASL ', 1), 'port': ''}
        WHEN 'vsftpd' THEN coalesce(nullif(regexp_extract(said, '(?s)^()\[(.*)\] (?:OK|FAIL) LOGIN: Client "([^"\s]+)"()$', ['method', 'user', 'ip', 'port']), none),
            regexp_extract(said, '(?s)^()\[([^\]]*)\] (?:OK|FAIL) LOGIN: Client "([^"\s]+)"(),', ['method', 'user', 'ip', 'port']))
        WHEN 'proftpd' THEN {'method': '', 'user': regexp_extract(said, '(?s)\) - USER (.*)(?: \(Login failed\)|: no such user found|: Login successful)', 1),
            'ip': regexp_extract(said, '^\S+ \([^()\s]*\[([0-9a-fA-F.:]+)\]\) - USER ', 1), 'port': ''}
        WHEN 'pure-ftpd' THEN {'method': '', 'user': regexp_extract(said, '(?s)^\S+ \[\w+\] (?:Authentication failed for user \[)?(.*?)(?:\]| is now logged in)$', 1),
            'ip': regexp_extract(said, '^\([^@\s()]+@([0-9a-fA-F.:]+)\) ', 1), 'port': ''}
        END END AS x,
        -- a sudo line: USER : [COMPLAINT ;] TTY=... ; PWD=... ; USER=... ; COMMAND=...
        CASE WHEN kind = 'sudo' THEN regexp_extract(said,
            '(?s)^ *\S+ : (?:([^;=]*) ; )?(?:TTY=(\S*) ; )?(?:PWD=(.*?) ; )?USER=(\S+) ; (?:\w+=\S* ; )*COMMAND=(.*)$',
            ['complaint', 'tty', 'pwd', 'target', 'command']) END AS s
    FROM (SELECT *, {'method': '', 'user': '', 'ip': '', 'port': ''} AS none,
        CASE WHEN shape = 'login' AND contains(said, 'CERT') THEN regexp_matches(said, '(?s)^\w+ publickey for .* from .* ssh2: [A-Z0-9-]*CERT.* from |^\w+ publickey for .* from .* from .* ssh2: [A-Z0-9-]*CERT') ELSE false END AS doubtful
        FROM quick)
), read AS (
    SELECT *,
        -- netfilter's LOG target writes its fields in one order
        CASE WHEN kind = 'packet' THEN regexp_extract(said,
            '^(?:\[ *[\d.]+\] )?([^=]*?) ?\bIN=(\S*) OUT=(\S*) (?:.*?MAC=(\S*) )?.*?SRC=(\S+) DST=(\S+) LEN=(\d+) .*?PROTO=(\w+)(?: SPT=(\d+) DPT=(\d+))?',
            ['prefix', 'in', 'out', 'mac', 'src', 'dst', 'length', 'protocol', 'src_port', 'dst_port']) END AS p,
        CASE WHEN starts_with(kind, 'unit-')
            THEN regexp_extract(said, '^(?:Started |Stopped |Failed to start |(\S+): )(?:(\S+\.\w+) - )?(.*?)\.?$', ['failed', 'unit', 'name']) END AS u,
        CASE WHEN kind = 'cron' THEN regexp_extract(said, '(?s)^(?:\(\S+\) CMD \( *(.*)\)|USER \S+ pid +\d+ cmd (.*))$', ['command', 'cmd']) END AS c,
        CASE WHEN kind IN ('su', 'su-failed', 'crontab') THEN regexp_extract(said,
            '(?s)^(?:(?:Successful|FAILED) su for (.*) by \S+$|BAD SU \S+ to (\S+)|failed: \S+ changing from \S+ to (\S+)|\(\S+\) \w+ \((.*)\))', ['su', 'bad', 'failed', 'crontab']) END AS g,
        CASE WHEN (kind = 'pam-failure' OR kind = 'pam-more') AND contains(said, ' user=') THEN regexp_extract(said, '(?s) rhost=\S* +user=(.*)$', 1)
            WHEN kind NOT IN ('pam-failure', 'pam-more') THEN x.user END AS who
    FROM extracted
), outcomes AS (
    SELECT *, CASE WHEN x.ip <> '' THEN as_ip(x.ip) WHEN p.src <> '' THEN as_ip(p.src) END AS address,
        CASE kind
            WHEN 'accepted' THEN 'success' WHEN 'failed' THEN 'failure' WHEN 'session-open' THEN 'success' WHEN 'session-close' THEN 'success'
            -- today's sshd itself logs "Failed ..." for the attempt that its PAM stack complains of; one attempt, one failure
            WHEN 'pam-failure' THEN CASE WHEN ssh AND NOT pam_tag THEN 'unknown' ELSE 'failure' END
            WHEN 'pam-more' THEN CASE WHEN pam_tag THEN 'failure' ELSE 'unknown' END
            WHEN 'password-change' THEN 'success' WHEN 'account-create' THEN 'success' WHEN 'group-create' THEN 'success'
            WHEN 'account-delete' THEN 'success' WHEN 'account-change' THEN 'success' WHEN 'logind-open' THEN 'success'
            WHEN 'cron' THEN 'success' WHEN 'crontab' THEN 'success' WHEN 'unit-start' THEN 'success' WHEN 'unit-stop' THEN 'success'
            WHEN 'unit-fail' THEN 'failure' WHEN 'su-failed' THEN 'failure' WHEN 'sasl' THEN 'failure'
            WHEN 'sudo' THEN CASE WHEN s.complaint = '' THEN 'success' ELSE 'failure' END
            WHEN 'su' THEN CASE WHEN starts_with(said, 'FAILED') THEN 'failure' ELSE 'success' END
            WHEN 'dovecot' THEN CASE WHEN starts_with(said, split_part(said, ':', 1) || ': Login: ') THEN 'success'
                WHEN regexp_matches(said, '^\w+-login: [\w ]+\(auth failed') THEN 'failure' ELSE 'unknown' END
            WHEN 'vsftpd' THEN CASE WHEN contains(said, '] FAIL LOGIN: Client') THEN 'failure' ELSE 'success' END
            WHEN 'proftpd' THEN CASE WHEN regexp_matches(said, ': Login successful\.?$') THEN 'success' ELSE 'failure' END
            WHEN 'pure-ftpd' THEN CASE WHEN contains(said, '] Authentication failed for user [') THEN 'failure' ELSE 'success' END
            WHEN 'packet' THEN CASE WHEN regexp_matches(p.prefix, '(?i)BLOCK|DROP|DENY|DENIED|REJECT') THEN 'failure'
                WHEN regexp_matches(p.prefix, '(?i)ALLOW|ACCEPT|PERMIT') THEN 'success' ELSE 'unknown' END
            ELSE 'unknown'
        END AS status
    FROM read
), listed AS (
    SELECT *, concat_ws(',',
        '"pid":' || pid, '"facility":' || facility,
        CASE WHEN x.method <> '' AND (shape = 'login' OR kind = 'postponed' OR kind = 'sasl') THEN member('method', x.method) END,
        CASE WHEN kind = 'failed' AND (contains(said, 'legal user ') OR contains(said, 'invalid user '))
            THEN CASE WHEN regexp_matches(said, '^Failed \S+ for (?:invalid|illegal) user ') THEN '"invalid_user":true' END END,
        CASE WHEN again.count <> '' THEN '"repeat":' || try_cast(again.count AS BIGINT)
             WHEN shape = 'pam' AND (starts_with(said, 'PAM') OR said[1] BETWEEN '0' AND '9')
                THEN '"repeat":' || try_cast(regexp_extract(said, '^(?:PAM:? )?(\d+) more authentication', 1) AS BIGINT)
             WHEN kind = 'sudo' THEN '"repeat":' || try_cast(regexp_extract(s.complaint, '^(\d+) incorrect password', 1) AS BIGINT) END,
        CASE WHEN x.ip <> '' AND address IS NULL AND (shape = 'pam' OR kind IN ('failed', 'invalid', 'denied', 'vsftpd')) THEN member('rhost', x.ip) END,
        CASE WHEN pam_service <> '' THEN member('pam_service', pam_service) END,
        CASE kind
            WHEN 'sudo' THEN CASE WHEN s.target <> '' THEN member('target_user', s.target) END
            WHEN 'session-open' THEN CASE WHEN NOT ends_with(said, ' by (uid=0)') THEN member('by', nullif(regexp_extract(said, ' by (\S*)\(uid=\d+\)$', 1), '')) END
            WHEN 'group-create' THEN member('group', nullif(regexp_extract(said, '^new group: name=(.*?),', 1), ''))
            WHEN 'cron' THEN member('command', nullif(c.command || c.cmd, ''))
            ELSE CASE WHEN g IS NOT NULL THEN member('target_user', nullif(g.su || g.bad || g.failed || g.crontab, ''))
                WHEN u IS NOT NULL THEN member('unit', CASE WHEN u.failed <> '' THEN u.failed WHEN u.unit <> '' THEN u.unit ELSE u.name END) END
        END,
        CASE WHEN s.complaint <> '' THEN member('complaint', s.complaint) END, CASE WHEN s.tty <> '' THEN member('tty', s.tty) END,
        CASE WHEN s.pwd <> '' THEN member('cwd', s.pwd) END, CASE WHEN s.command <> '' THEN member('command', s.command) END,
        CASE WHEN p."in" <> '' THEN member('in', p."in") END, CASE WHEN p.out <> '' THEN member('out', p.out) END,
        CASE WHEN p.mac <> '' THEN member('mac', p.mac) END, '"length":' || try_cast(p.length AS BIGINT),
        more) AS parts
    FROM outcomes
)
SELECT
    source_offset, source_length,
    CASE WHEN reason IS NOT NULL THEN reason WHEN stamp IS NULL THEN 'no such date' END AS reason,
    stamp AS time,
    (CASE kind
        WHEN 'peer-first' THEN 4007 WHEN 'bad-protocol' THEN 4007 WHEN 'reverse' THEN 4007 WHEN 'address' THEN 4007
        WHEN 'cron' THEN 1007 WHEN 'sudo' THEN CASE WHEN s.complaint = '' THEN 1007 ELSE 3002 END WHEN 'packet' THEN 4001
        WHEN 'unit-start' THEN 6000 WHEN 'unit-stop' THEN 6000 WHEN 'unit-fail' THEN 6000 WHEN 'crontab' THEN 6000
        ELSE CASE WHEN kind IS NULL THEN 6000 ELSE 3002 END END)::INTEGER AS class_uid,
    CASE kind
        WHEN 'accepted' THEN 'logon' WHEN 'failed' THEN 'logon' WHEN 'pam-failure' THEN CASE WHEN ssh AND NOT pam_tag THEN 'pam-failure' ELSE 'logon' END
        WHEN 'invalid' THEN 'invalid-user' WHEN 'invalid-request' THEN 'invalid-user' WHEN 'pam-unknown' THEN 'invalid-user'
        WHEN 'received' THEN 'disconnect' WHEN 'peer-first' THEN 'connect'
        WHEN 'reverse' THEN 'reverse-mapping' WHEN 'address' THEN 'reverse-mapping' WHEN 'denied' THEN 'denied-user'
        WHEN 'pam-words' THEN 'pam-failure' WHEN 'pam-more' THEN CASE WHEN NOT pam_tag THEN 'pam-failure' ELSE 'logon' END
        WHEN 'session-open' THEN CASE WHEN ssh AND pam_tag THEN 'logon' ELSE 'session-open' END
        WHEN 'session-close' THEN 'logoff' WHEN 'logind-open' THEN 'session-open'
        WHEN 'su-failed' THEN 'su' WHEN 'cron' THEN 'launch' WHEN 'crontab' THEN 'crontab-change' WHEN 'packet' THEN 'traffic'
        WHEN 'unit-start' THEN 'start' WHEN 'unit-stop' THEN 'stop' WHEN 'unit-fail' THEN 'fail'
        WHEN 'dovecot' THEN 'logon' WHEN 'sasl' THEN 'logon' WHEN 'vsftpd' THEN 'logon' WHEN 'proftpd' THEN 'logon' WHEN 'pure-ftpd' THEN 'logon'
        ELSE coalesce(kind, 'log')
    END AS activity,
    coalesce(process, 'syslog') AS product,
    CASE WHEN kind IS NULL OR starts_with(kind, 'unit-') THEN 'syslog' WHEN kind = 'cron' OR kind = 'crontab' THEN 'cron'
         WHEN kind = 'packet' THEN 'firewall' ELSE 'auth' END AS log_name,
    host,
    process,
    CASE WHEN who <> '' THEN who END AS user_name,
    address AS src_ip,
    CASE WHEN x.port <> '' THEN try_cast(x.port AS INTEGER) WHEN p.src_port <> '' THEN try_cast(p.src_port AS INTEGER) END AS src_port,
    CASE WHEN p.dst <> '' THEN as_ip(p.dst) END AS dst_ip,
    CASE WHEN p.dst_port <> '' THEN try_cast(p.dst_port AS INTEGER) END AS dst_port,
    CASE WHEN ssh THEN 'tcp' WHEN p.protocol <> '' THEN lower(p.protocol) END AS protocol,
    CASE WHEN ssh THEN 'ssh' ELSE CASE kind WHEN 'dovecot' THEN split_part(said, '-login: ', 1) WHEN 'sasl' THEN 'smtp'
        WHEN 'vsftpd' THEN 'ftp' WHEN 'proftpd' THEN 'ftp' WHEN 'pure-ftpd' THEN 'ftp' END END AS service,
    status,
    CASE WHEN level IS NULL THEN 'info' WHEN level <= 2 THEN 'critical' WHEN level = 3 THEN 'medium'
         WHEN level = 4 THEN 'low' ELSE 'info' END AS severity,
    body AS message,
    CASE WHEN p.prefix <> '' THEN p.prefix END AS rule_name,
    CASE WHEN parts <> '' THEN '{' || parts || '}' END AS extra
FROM listed
