-- One MISP document (`doc`: an event, a list of events, or {"response": ...}) as indicators.
WITH events AS (
    SELECT unnest(
        json_extract(doc::VARCHAR, ['$.Event'])
        || json_extract(doc::VARCHAR, '$[*].Event') || json_extract(doc::VARCHAR, '$.response[*].Event')
        || json_extract(doc::VARCHAR, ['$.response.Event'])
        -- /attributes/restSearch answers with attributes alone
        || CASE WHEN json_type(doc::VARCHAR, '$.response.Attribute') = 'ARRAY' THEN json_extract(doc::VARCHAR, ['$.response']) ELSE [] END
        || CASE WHEN json_type(doc::VARCHAR, '$.Attribute') = 'ARRAY' THEN [doc::JSON] ELSE [] END) AS event
    FROM records
), inside AS (
    SELECT json_extract_string(event, '$.info') AS info, json_extract_string(event, '$.threat_level_id') AS threat,
        json_extract(event, '$.Attribute[*]') || json_extract(event, '$.Object[*].Attribute[*]') AS attributes
    FROM events WHERE event IS NOT NULL
), one AS (
    SELECT row_number() OVER () AS record, info, threat, a FROM (SELECT info, threat, unnest(attributes) AS a FROM inside)
), parsed AS (
    SELECT record, info, threat, from_json(a, '{"type": "VARCHAR", "value": "VARCHAR", "to_ids": "VARCHAR", "deleted": "VARCHAR", "comment": "VARCHAR"}') AS o FROM one
), kept AS (
    SELECT *, coalesce(lower(o.to_ids) IN ('true', '1'), false) AND NOT coalesce(lower(o.deleted) IN ('true', '1'), false) AS wanted,
        misp_parts(coalesce(lower(o.type), 'none'), o.value) AS parts
    FROM parsed
), text AS (
    SELECT * EXCLUDE (parts), parts = [] AS of_no_use, trim(unnest(CASE WHEN NOT wanted OR parts = [] THEN [NULL] ELSE parts END)) AS t FROM kept
), {known}
SELECT record, kind, value,
    CASE threat WHEN '1' THEN 'high' WHEN '2' THEN 'medium' WHEN '3' THEN 'low' END AS severity,
    nullif(concat_ws(': ', nullif(info, ''), nullif(o.comment, '')), '')[:300] AS description, NULL::TIMESTAMP AS valid_until,
    CASE WHEN NOT wanted OR of_no_use THEN 2 WHEN kind IS NULL THEN 1 ELSE 0 END AS fate
FROM known
