-- Distinct names for the domain model that the dns events $first_event_id..$last_event_id asked for, lower case and
-- without the final dot. Left out: single labels, addresses and reverse zones, service records (_ldap._tcp ...), and
-- names that no public server answers (.local, .lan ...; RFC 6761, 6762, 8375 and common habits): nobody registers them.
-- event_id is the first event that asked. corpora/domain.py has the same condition; a test holds the two together.
SELECT value, min(event_id) AS event_id, count(*) AS events
FROM (
    SELECT event_id, trim(lower(trim(query_name)), '.') AS value FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id AND query_name IS NOT NULL
)
WHERE length(value) <= 1000
  AND regexp_full_match(value, '\S+\.[a-z][a-z0-9-]*')
  AND NOT regexp_matches(value, '(?:^|\.)(?:_tcp|_udp|_msdcs|_sites)\.|\.(?:local|localhost|localdomain|lan|home|corp|internal|intranet|private|workgroup|test|invalid|arpa)$')
GROUP BY ALL
