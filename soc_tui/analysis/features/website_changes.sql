-- Files of website trees that came or changed in the events $first_event_id..$last_event_id: what the code and the page
-- model look at. `after` and `before` are sha256 of contents that website_contents may hold; `before` is null where no
-- earlier version is known. A file that was deleted and made anew within a day is compared with what it was: editors and
-- deployments write like that, and so does who wants to look new. One row per path and pair of contents.
WITH told AS (
    SELECT event_id, time, file_path, activity, file_hash, extra ->> '$.previous_hash' AS previous, extra ->> '$.replaced_hash' AS replaced
    FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id AND product = 'website' AND log_name = 'files'
      AND activity IN ('create', 'update', 'rename') AND file_hash IS NOT NULL
), earlier AS (
    SELECT t.event_id, arg_max(e.file_hash, e.event_id) AS file_hash
    FROM told t JOIN events e ON e.file_path = t.file_path AND e.event_id < t.event_id
        AND e.time >= t.time - INTERVAL 1 DAY AND e.product = 'website' AND e.file_hash IS NOT NULL
    WHERE t.activity = 'create'
    GROUP BY t.event_id
), pairs AS (
    SELECT told.event_id, file_path AS path, told.file_hash AS after,
        CASE activity WHEN 'update' THEN previous WHEN 'rename' THEN replaced ELSE earlier.file_hash END AS before
    FROM told LEFT JOIN earlier USING (event_id)
)
SELECT path, before, after, min(event_id) AS event_id,
    regexp_matches(path, '(?i)\.(?:x?html?|shtml|php[0-9]?|phtml|inc|aspx?|jspx?|tpl|twig)$') AS is_page,
    regexp_matches(path, '(?i)\.(?:x?html?|shtml|php[0-9]?|phtml|phar|inc|aspx?|ashx|asmx|jspx?|m?js|tpl|twig|htaccess|user\.ini)$') AS is_code
FROM pairs
WHERE before IS DISTINCT FROM after
GROUP BY ALL
ORDER BY event_id
