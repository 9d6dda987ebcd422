-- Linux audit events (audit.log, ausearch --raw), the lines of one event joined by line ends (framing/audit.py).
-- The raw values (the first of each key) and {decoded VALUE} are written by auditd.py. What a user could
-- choose (names, commands) is written by the kernel and libaudit in quotes only where it holds no blank, quote or control
-- character, else as hex digits, so a blank before a key is always a true one.
-- https://github.com/linux-audit/audit-documentation/wiki/SPEC-Audit-Event-Enrichment (the part behind \x1d)
WITH heads AS (
    SELECT source_offset, source_length, line,
        replace(replace(line, chr(29), ' '), ' msg=''', ' msg='' ') AS t,
        regexp_extract(line, '^(?:node=(\S+) )?type=(\S+) msg=audit\((\d+\.\d+):(\d+)\)', ['node', 'kind', 'stamp', 'serial']) AS h
    FROM lines
), raws AS (
    SELECT *, string_split(t, chr(10)) AS rows, {raws} FROM heads
), fields AS (
    SELECT source_offset, source_length, t, h,
        h.kind IN ('SYSCALL', 'EXECVE', 'CWD', 'PATH', 'PROCTITLE', 'SOCKADDR', 'AVC', 'SECCOMP') AS kernel,
        nullif(raw_res, '') AS res, nullif(raw_success, '') AS success, nullif(raw_syscall, '') AS number, raw_arch AS arch, raw_uid AS uid,
        raw_auid AS auid, raw_pid AS pid, raw_ppid AS ppid, raw_ses AS ses, raw_exit AS exit, nullif(raw_op, '') AS op, nullif(raw_unit, '') AS unit,
        nullif(raw_saddr, '') AS saddr, nullif(raw_hostname, '') AS hostname, coalesce(nullif(raw_terminal, ''), nullif(raw_tty, '')) AS terminal,
        {decoded raw_exe} AS exe, {decoded raw_comm} AS comm, {decoded raw_acct} AS acct, {decoded raw_cwd} AS cwd, {decoded raw_cmd} AS cmd,
        {decoded raw_key} AS rule, {decoded raw_name_of_AUID} AS auid_name, {decoded raw_name_of_UID} AS uid_name,
        {decoded raw_name_of_SYSCALL} AS syscall_name, {decoded raw_proctitle} AS title,
        CASE WHEN contains(t, ' addr=') THEN regexp_extract(string_split(t, ' addr=')[-1], '^[0-9a-fA-F.:]+') END AS addr,
        CASE WHEN contains(t, 'type=EXECVE msg=') THEN list_transform(regexp_extract_all(
                array_to_string(list_filter(rows, lambda r: contains(r, 'type=EXECVE msg=')), chr(10)), ' a\d+(?:\[\d+\])?=("[^"]*"|[^ \n]*)', 1),
            lambda v: {decoded v}) END AS argv,
        CASE WHEN contains(t, 'type=PATH msg=') THEN list_filter(rows, lambda r: contains(r, 'type=PATH msg=')) END AS paths
    FROM raws
), kinds AS (
    SELECT *,
        coalesce(syscall_name, CASE WHEN arch = 'c000003e' THEN $calls[try_cast(number AS INTEGER) + 1] END, number) AS call,
        list_filter(paths, lambda p: contains(p, 'type=CREATE') OR contains(p, 'type=DELETE')) AS changed,
        coalesce(res, success) AS outcome,
        coalesce(array_to_string(argv, ' '), cmd, replace(title, chr(0), ' ')) AS command,
        CASE WHEN h.kind = 'SYSCALL' OR h.kind = 'EXECVE' THEN CASE
                WHEN argv IS NOT NULL THEN 'launch'
                WHEN len(list_filter(paths, lambda p: contains(p, 'type=CREATE'))) > 0 AND len(list_filter(paths, lambda p: contains(p, 'type=DELETE'))) > 0 THEN 'rename'
                WHEN len(list_filter(paths, lambda p: contains(p, 'type=CREATE'))) > 0 THEN 'create'
                WHEN len(list_filter(paths, lambda p: contains(p, 'type=DELETE'))) > 0 THEN 'delete' END END AS deed
    FROM fields
), acts AS (
    SELECT *,
        coalesce(deed, CASE WHEN h.kind = 'SYSCALL' AND call IN ('execve', 'execveat') THEN 'launch'
            WHEN h.kind = 'SYSCALL' AND saddr IS NOT NULL AND call IN ('connect', 'bind', 'accept', 'accept4', 'sendto') THEN call
            WHEN h.kind = 'SYSCALL' AND len(paths) > 0 THEN 'file' END) AS act,
        CASE WHEN len(paths) > 0 THEN regexp_extract(coalesce(changed[-1], paths[1]), ' name=("[^"]*"|[^ \n]*)', 1) END AS named,
        CASE WHEN acct IS NOT NULL OR NOT kernel THEN acct ELSE NULL END AS account
    FROM kinds
), told AS (
    SELECT *, {decoded named} AS path,
        -- sockaddr_in: family 0200, port, address; sockaddr_in6: family 0A00, port, flow, address
        CASE WHEN starts_with(saddr, '0200') AND length(saddr) >= 16 THEN array_to_string(list_transform([9, 11, 13, 15], lambda i: try_cast('0x' || substr(saddr, i, 2) AS INTEGER)::VARCHAR), '.')
             WHEN starts_with(saddr, '0A00') AND length(saddr) >= 48 THEN lower(array_to_string(list_transform(range(17, 49, 4), lambda i: substr(saddr, i, 4)), ':')) END AS peer,
        CASE WHEN (starts_with(saddr, '0200') OR starts_with(saddr, '0A00')) AND length(saddr) >= 16 THEN try_cast('0x' || substr(saddr, 5, 4) AS INTEGER) END AS peer_port
    FROM acts
), listed AS (
    SELECT *, concat_ws(',',
        member('type', h.kind), '"serial":' || try_cast(h.serial AS BIGINT), '"pid":' || try_cast(pid AS BIGINT), '"ppid":' || try_cast(ppid AS BIGINT),
        '"uid":' || try_cast(uid AS BIGINT), '"auid":' || CASE WHEN auid <> '4294967295' THEN try_cast(auid AS BIGINT) END, '"ses":' || CASE WHEN ses <> '4294967295' THEN try_cast(ses AS BIGINT) END,
        CASE WHEN number IS NOT NULL THEN member('syscall', call) END, '"exit":' || try_cast(exit AS BIGINT), member('op', op),
        member('exe', exe), CASE WHEN act IN ('launch', 'file') OR h.kind = 'USER_CMD' OR command <> exe THEN member('command', command) END,
        member('cwd', cwd), CASE WHEN terminal NOT IN ('?', '(none)') THEN member('terminal', terminal) END,
        CASE WHEN hostname NOT IN ('?', addr) THEN member('hostname', hostname) END, member('unit', unit), member('key', rule),
        CASE WHEN len(paths) > 0 THEN member('paths', list_transform(paths, lambda p: {decoded regexp_extract(p, ' name=("[^"]*"|[^ \n]*)', 1)})) END) AS parts
    FROM told
)
SELECT
    source_offset, source_length,
    CASE WHEN h.kind = '' THEN 'not an audit record' END AS reason,
    from_epoch(h.stamp) AS time,
    (CASE WHEN act = 'launch' OR h.kind = 'USER_CMD' THEN 1007 WHEN act IN ('create', 'delete', 'rename', 'file') THEN 1001
          WHEN peer IS NOT NULL THEN 4001
          WHEN h.kind IN ('USER_LOGIN', 'USER_LOGOUT', 'USER_AUTH', 'USER_ACCT', 'CRED_ACQ', 'CRED_DISP', 'CRED_REFR', 'USER_START', 'USER_END', 'USER_ERR', 'LOGIN',
              'USER_CHAUTHTOK', 'ADD_USER', 'DEL_USER', 'ADD_GROUP', 'DEL_GROUP', 'USER_MGMT', 'GRP_MGMT', 'ACCT_LOCK', 'ACCT_UNLOCK', 'CHUSER_ID', 'CHGRP_ID', 'GRP_CHAUTHTOK') THEN 3002
          ELSE 6000 END)::INTEGER AS class_uid,
    coalesce(act, CASE h.kind
        WHEN 'USER_LOGIN' THEN 'logon' WHEN 'USER_LOGOUT' THEN 'logoff'
        -- sshd and login also write USER_LOGIN for the same attempt; su, sudo and the like do not. One attempt, one logon.
        WHEN 'USER_AUTH' THEN CASE WHEN regexp_matches(exe, '/(?:sshd|sshd-session|sshd-auth|login|gdm[\w-]*|sddm[\w-]*|lightdm)$') THEN 'authenticate' ELSE 'logon' END
        WHEN 'USER_ACCT' THEN 'authorize' WHEN 'CRED_ACQ' THEN 'credentials' WHEN 'CRED_REFR' THEN 'credentials' WHEN 'CRED_DISP' THEN 'credentials'
        WHEN 'USER_START' THEN 'session-open' WHEN 'USER_END' THEN 'session-close' WHEN 'USER_CMD' THEN 'sudo'
        WHEN 'ADD_USER' THEN 'account-create' WHEN 'DEL_USER' THEN 'account-delete' WHEN 'ADD_GROUP' THEN 'group-create' WHEN 'DEL_GROUP' THEN 'group-delete'
        WHEN 'USER_MGMT' THEN 'account-change' WHEN 'GRP_MGMT' THEN 'group-change' WHEN 'USER_CHAUTHTOK' THEN 'password-change'
        WHEN 'ACCT_LOCK' THEN 'account-lock' WHEN 'ACCT_UNLOCK' THEN 'account-unlock' WHEN 'SERVICE_START' THEN 'start' WHEN 'SERVICE_STOP' THEN 'stop'
        WHEN 'SYSCALL' THEN coalesce(call, 'syscall')
        ELSE lower(replace(h.kind, '_', '-')) END) AS activity,
    'auditd' AS product,
    CASE WHEN kernel THEN 'syscall' ELSE 'audit' END AS log_name,
    nullif(h.node, '') AS host,
    coalesce(regexp_extract(exe, '[^/]*$'), comm) AS process,
    coalesce(CASE WHEN account NOT IN ('?', '(unknown)', '(unknown user)', '(invalid user)') THEN account END,
        CASE WHEN auid_name <> 'unset' THEN auid_name END, uid_name, CASE WHEN kernel AND uid = '0' THEN 'root' END) AS user_name,
    CASE WHEN addr <> '' THEN as_ip(addr) END AS src_ip,
    CASE WHEN peer IS NOT NULL THEN as_ip(peer) END AS dst_ip,
    CASE WHEN peer IS NOT NULL THEN peer_port END AS dst_port,
    CASE WHEN exe IS NOT NULL AND regexp_matches(exe, '/sshd(?:-session|-auth)?$') THEN 'ssh' END AS service,
    CASE outcome WHEN 'success' THEN 'success' WHEN 'yes' THEN 'success' WHEN '1' THEN 'success'
        WHEN 'failed' THEN 'failure' WHEN 'no' THEN 'failure' WHEN '0' THEN 'failure'
        ELSE CASE WHEN h.kind = 'AVC' AND contains(t, ': avc:  denied ') THEN 'failure' ELSE 'unknown' END END AS status,
    CASE WHEN starts_with(h.kind, 'ANOM_') THEN 'medium' WHEN h.kind IN ('AVC', 'SECCOMP', 'DAEMON_ABORT', 'KERN_MODULE') THEN 'low' ELSE 'info' END AS severity,
    coalesce(nullif(CASE WHEN act = 'launch' OR h.kind = 'USER_CMD' THEN command END, ''), t) AS message,
    CASE WHEN path IS NULL THEN CASE WHEN act = 'launch' THEN exe END WHEN starts_with(path, '/') OR cwd IS NULL THEN path ELSE rtrim(cwd, '/') || '/' || path END AS file_path,
    CASE WHEN rule IS NOT NULL THEN rule END AS rule_name,
    CASE WHEN parts <> '' THEN '{' || parts || '}' END AS extra
FROM listed
