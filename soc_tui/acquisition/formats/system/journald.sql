journal AS (
    SELECT source_offset, source_length,
        CASE WHEN NOT known THEN '{reject}' END AS reason,
        coalesce(make_timestamp(try_cast(__REALTIME_TIMESTAMP AS BIGINT)), $modified) AS stamp,
        _HOSTNAME AS host,
        -- Any local user may call itself sshd (logger -t sshd); the journal knows whose process it was. sshd is root's.
        CASE WHEN SYSLOG_IDENTIFIER IN ('sshd', 'sshd-session', 'sshd-auth', 'dropbear') AND coalesce(_UID, '0') <> '0' THEN coalesce(_COMM, 'unknown')
             ELSE coalesce(regexp_extract(SYSLOG_IDENTIFIER, '[^/]*$'), _COMM) END AS process,
        try_cast(coalesce(_PID, SYSLOG_PID) AS BIGINT) AS pid,
        coalesce(MESSAGE, '') AS body,
        false AS pam_tag,
        try_cast(PRIORITY AS INTEGER) AS level,
        try_cast(SYSLOG_FACILITY AS INTEGER) AS facility,
        concat_ws(',', '"uid":' || try_cast(_UID AS BIGINT), CASE WHEN _SYSTEMD_UNIT <> '' THEN member('unit', _SYSTEMD_UNIT) END,
            member('exe', _EXE), CASE WHEN UNIT <> '' THEN member('about', UNIT) END,
            CASE WHEN try_cast(__REALTIME_TIMESTAMP AS BIGINT) IS NULL THEN '"time_source":"file"' END) AS told
    FROM fields
), bodies AS (
    SELECT * EXCLUDE (told), CASE WHEN told <> '' THEN told END AS more FROM journal
),
