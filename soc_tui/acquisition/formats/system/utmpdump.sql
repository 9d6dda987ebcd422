-- The text of utmpdump (util-linux): [type] [pid] [id] [user] [line] [host] [address] [time]; types of utmp(5).
-- wtmp keeps a login as USER_PROCESS (7) and its end as DEAD_PROCESS (8). btmp, the failed ones, looks much the same: sshd
-- writes LOGIN_PROCESS (6) on line ssh:notty, login writes 6 with a user; in wtmp a 6 is getty's, whose user is LOGIN.
-- Newer sshd and PAM write btmp with type 7 too; a file is btmp when the first records say so (utmpdump.py, {failed}).
WITH records AS (
    SELECT source_offset, source_length, line, regexp_extract(line,
        '^\[(\d)\] \[(\d+)\] \[(.{4}|.*?)\] \[(.*?) *\] \[([^\]]*?) *\] \[([^\]]*?) *\] \[([0-9a-fA-F.:]*) *\] \[([^\]]+)\]\s*$',
        ['kind', 'pid', 'id', 'user', 'line', 'host', 'address', 'stamp']) AS r
    FROM lines
), moments AS (
    -- old util-linux writes `Thu Mar 07 22:31:49 2019 EST`, of which the zone's name is not believed
    SELECT *, coalesce(from_iso(r.stamp), in_zone(try_strptime(r.stamp[5:24], '%b %d %H:%M:%S %Y'), $zone)) AS stamp,
        CASE WHEN r.kind = '7' AND $failed OR r.kind = '6' AND (r.line = 'ssh:notty' OR r.user NOT IN ('LOGIN', '')) THEN 'failed'
             WHEN r.kind = '7' THEN 'login' WHEN r.kind = '8' THEN 'logout'
             WHEN r.kind = '2' THEN 'boot' WHEN r.kind = '1' AND r.user = 'shutdown' THEN 'shutdown' WHEN r.kind = '1' THEN 'run-level'
             WHEN r.kind IN ('3', '4') THEN 'clock-change' WHEN r.kind = '6' THEN 'getty' WHEN r.kind = '5' THEN 'init' ELSE 'log' END AS what
    FROM records
), listed AS (
    SELECT *, concat_ws(',', '"type":' || r.kind, CASE WHEN r.pid <> '00000' THEN '"pid":' || try_cast(r.pid AS BIGINT) END,
        CASE WHEN r.line NOT IN ('', '~') THEN member('terminal', r.line) END,
        CASE WHEN r.host NOT IN ('', r.address) THEN member('hostname', r.host) END,
        CASE WHEN stamp IS NULL THEN '"time_source":"file"' END) AS parts
    FROM moments
)
SELECT
    source_offset, source_length,
    CASE WHEN r.kind = '' THEN 'not a line of utmpdump' END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE WHEN what IN ('failed', 'login', 'logout') THEN 3002 ELSE 6000 END)::INTEGER AS class_uid,
    CASE what WHEN 'failed' THEN 'logon' WHEN 'login' THEN 'logon' WHEN 'logout' THEN 'logoff' ELSE what END AS activity,
    'utmp' AS product,
    CASE WHEN what = 'failed' THEN 'btmp' ELSE 'wtmp' END AS log_name,
    CASE WHEN what IN ('failed', 'login', 'logout') THEN nullif(r.user, '') END AS user_name,
    CASE WHEN r.address NOT IN ('', '0.0.0.0', '::') THEN as_ip(r.address) END AS src_ip,
    CASE WHEN r.line = 'ssh:notty' THEN 'ssh' END AS service,
    CASE what WHEN 'failed' THEN 'failure' WHEN 'login' THEN 'success' WHEN 'logout' THEN 'success' WHEN 'boot' THEN 'success' ELSE 'unknown' END AS status,
    'info' AS severity,
    line AS message,
    CASE WHEN parts <> '' THEN '{' || parts || '}' END AS extra
FROM listed
