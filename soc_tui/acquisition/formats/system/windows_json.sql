-- Windows events as JSON lines: NXLog's and the OTRF datasets' flat objects, Winlogbeat 7 and later (winlog.*), Winlogbeat 6
-- (event_id, event_data), evtx_dump (Event.System, Event.EventData). The meaning of each id:
-- https://learn.microsoft.com/windows/security/threat-protection/auditing/ and Sysmon's own manual.
-- The schemas are written by windows.py out of constants.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) THEN CASE WHEN starts_with(line, '{') THEN line WHEN json_type(line) = 'OBJECT' THEN line END END AS doc
    FROM lines
), shells AS (
    SELECT *, from_json(doc, '{shell}') AS r FROM parsed
), inner_parts AS (
    SELECT *, from_json(coalesce(r.winlog.event_data, r.Event.EventData, r.event_data, doc), '{data}') AS d,
        try_cast(coalesce(r.winlog.event_id, r.EventID, r.event_id, r.Event."System".EventID ->> '$."#text"', r.Event."System".EventID ->> '$') AS INTEGER) AS id,
        lower(coalesce(r.winlog.channel, r.Channel, r.log_name, r.Event."System".Channel, '')) AS channel,
        coalesce(r.winlog.provider_name, r.SourceName, r.source_name, r.Event."System".Provider."#attributes"."Name") AS provider
    FROM shells
), kinds AS (
    SELECT *, CASE WHEN channel = 'security' OR channel = '' OR provider = 'Microsoft-Windows-Security-Auditing' THEN CASE id
            WHEN 4624 THEN 'logon' WHEN 4625 THEN 'logon' WHEN 4634 THEN 'logoff' WHEN 4647 THEN 'logoff' WHEN 4648 THEN 'explicit-logon'
            WHEN 4672 THEN 'special-privileges' WHEN 4688 THEN 'launch' WHEN 4689 THEN 'terminate' WHEN 4720 THEN 'account-create' WHEN 4722 THEN 'account-enable'
            WHEN 4723 THEN 'password-change' WHEN 4724 THEN 'password-reset' WHEN 4725 THEN 'account-disable' WHEN 4726 THEN 'account-delete'
            WHEN 4728 THEN 'group-add' WHEN 4732 THEN 'group-add' WHEN 4756 THEN 'group-add' WHEN 4729 THEN 'group-remove' WHEN 4733 THEN 'group-remove'
            WHEN 4738 THEN 'account-change' WHEN 4740 THEN 'account-lock' WHEN 4767 THEN 'account-unlock' WHEN 4768 THEN 'authenticate' WHEN 4769 THEN 'ticket'
            WHEN 4771 THEN 'authenticate' WHEN 4776 THEN 'authenticate' WHEN 1102 THEN 'log-clear' WHEN 5140 THEN 'share-access' WHEN 5145 THEN 'share-access' END
        WHEN contains(channel, 'sysmon') OR provider = 'Microsoft-Windows-Sysmon' THEN CASE id WHEN 1 THEN 'launch' WHEN 3 THEN 'open' WHEN 5 THEN 'terminate' WHEN 11 THEN 'create' WHEN 22 THEN 'query' END
        WHEN channel = 'system' THEN CASE id WHEN 7045 THEN 'service-install' WHEN 104 THEN 'log-clear' END END AS act
    FROM inner_parts
), times AS (
    SELECT *, coalesce(r.Event."System".TimeCreated."#attributes".SystemTime, CASE WHEN r.EventTime IS NULL OR NOT regexp_matches(r.EventTime, '(?:Z|[+-]\d\d:?\d\d)$') THEN coalesce(d.UtcTime, r."@timestamp") END,
            CASE WHEN regexp_matches(r.EventTime, '(?:Z|[+-]\d\d:?\d\d)$') THEN r.EventTime END) AS zoned
    FROM kinds
), moments AS (
    SELECT *, coalesce(from_iso(zoned), from_any_epoch(r.EventTime), in_zone(from_iso(r.EventTime), $zone)) AS stamp,
        CASE act WHEN 'launch' THEN coalesce(d.NewProcessName, d.Image) ELSE coalesce(d.ProcessName, d.Image) END AS program,
        CASE WHEN contains(channel, 'sysmon') THEN d."User"
             WHEN act IN ('launch', 'terminate') THEN coalesce(nullif(d.TargetUserName, '-'), d.SubjectUserName)
             WHEN act IN ('group-add', 'group-remove') THEN coalesce(nullif(d.MemberName, '-'), d.MemberSid)
             WHEN act IN ('special-privileges', 'log-clear', 'share-access') THEN coalesce(d.SubjectUserName, r.winlog.user_data.SubjectUserName)
             ELSE coalesce(nullif(d.TargetUserName, '-'), d.SubjectUserName, d.AccountName) END AS account,
        CASE WHEN act = 'open' THEN d.SourceIp ELSE coalesce(d.IpAddress, d.ClientAddress) END AS client,
        CASE WHEN r.Message IS NOT NULL THEN r.Message WHEN r.winlog IS NOT NULL OR r.event_id IS NOT NULL THEN doc ->> '$.message' ELSE r.Event."System".Message END AS words
    FROM times
)
SELECT
    source_offset, source_length,
    CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE WHEN act IN ('launch', 'terminate') THEN 1007 WHEN act = 'create' THEN 1001 WHEN act = 'open' THEN 4001 WHEN act = 'query' THEN 4003
          WHEN act = 'share-access' THEN 4006 WHEN act IS NULL OR act IN ('log-clear', 'service-install') THEN 6000 ELSE 3002 END)::INTEGER AS class_uid,
    coalesce(act, 'log') AS activity,
    CASE WHEN contains(channel, 'sysmon') THEN 'sysmon' ELSE 'windows' END AS product,
    nullif(regexp_replace(channel, '^microsoft-windows-', ''), '') AS log_name,
    coalesce(r.Hostname, r.winlog.computer_name, r.computer_name, r.Event."System".Computer, CASE WHEN json_valid(r.host) THEN r.host ->> '$.name' END, r.Computer) AS host,
    coalesce(nullif(nullif(regexp_extract(program, '[^\\/]*$'), ''), '-'), provider) AS process,
    nullif(nullif(account, '-'), '') AS user_name,
    as_ip(client) AS src_ip,
    CASE WHEN act = 'open' THEN try_cast(d.SourcePort AS INTEGER) ELSE nullif(try_cast(d.IpPort AS INTEGER), 0) END AS src_port,
    CASE WHEN act = 'open' THEN as_ip(d.DestinationIp) END AS dst_ip,
    CASE WHEN act = 'open' THEN try_cast(d.DestinationPort AS INTEGER) END AS dst_port,
    CASE WHEN act = 'open' THEN lower(d.Protocol) END AS protocol,
    CASE WHEN act = 'logon' AND d.LogonType = '10' THEN 'rdp' WHEN act = 'share-access' THEN 'smb' WHEN id IN (4768, 4769, 4771) AND act IS NOT NULL THEN 'kerberos'
         WHEN act = 'query' THEN 'dns' END AS service,
    CASE WHEN act IS NOT NULL AND id = 4625 OR act IS NOT NULL AND id = 4771 THEN 'failure'
         WHEN act IN ('authenticate', 'ticket') AND d.Status IS NOT NULL THEN CASE WHEN lower(d.Status) IN ('0x0', '0x00000000', '0') THEN 'success' ELSE 'failure' END
         WHEN act = 'query' THEN CASE d.QueryStatus WHEN '0' THEN 'success' ELSE 'failure' END
         WHEN contains(lower(coalesce(r.EventType, r.Keywords, r.winlog.keywords, CASE WHEN r.winlog IS NOT NULL AND r.winlog.keywords IS NULL THEN doc ->> '$.event.outcome' END, '')), 'fail') OR r.Keywords IN ('0x8010000000000000', '-9218868437227405312') THEN 'failure'
         WHEN act IS NOT NULL THEN 'success' ELSE 'unknown' END AS status,
    CASE lower(coalesce(r.Severity, r.level, r.log.level, ''))
        WHEN 'critical' THEN 'critical' WHEN 'error' THEN 'medium' WHEN 'warning' THEN 'low' ELSE CASE WHEN act = 'log-clear' THEN 'medium' ELSE 'info' END END AS severity,
    coalesce(CASE WHEN act = 'launch' THEN d.CommandLine END, CASE act WHEN 'query' THEN d.QueryName END, split_part(split_part(words, chr(10), 1), chr(13), 1),
        concat_ws(' ', provider, id)) AS message,
    CASE WHEN act = 'query' THEN d.QueryName END AS query_name,
    CASE act WHEN 'create' THEN d.TargetFilename WHEN 'launch' THEN program WHEN 'service-install' THEN coalesce(d.ImagePath, d.ServiceFileName)
        WHEN 'share-access' THEN concat_ws('\', rtrim(d.ShareName, '\'), d.RelativeTargetName) END AS file_path,
    lower(coalesce(nullif(regexp_extract(d.Hashes, '(?i)SHA256=([0-9a-f]{64})', 1), ''), nullif(regexp_extract(d.Hashes, '(?i)SHA1=([0-9a-f]{40})', 1), ''),
        nullif(regexp_extract(d.Hashes, '(?i)MD5=([0-9a-f]{32})', 1), ''))) AS file_hash,
    -- whole: of its words only the first line has a column, and a JSON function over every record would cost a third more
    CASE WHEN stamp IS NULL THEN json_merge_patch(doc, '{"time_source":"file"}')::VARCHAR ELSE doc END AS extra
FROM moments
