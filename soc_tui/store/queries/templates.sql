-- Every learned template with its events; 0 is the catch-all, which was never founded by a shape.
WITH counted AS (
    SELECT template_id, count(*) AS event_count, min(time) AS first_time, max(time) AS last_time, max(event_id) AS last_event_id
    FROM events WHERE template_id IS NOT NULL GROUP BY template_id
)
SELECT c.template_id, coalesce(t.template, '<*>') AS template, t.first_seen, c.event_count, c.first_time, c.last_time, c.last_event_id
FROM counted c LEFT JOIN templates t USING (template_id)
ORDER BY CASE WHEN $rarest THEN c.event_count END, coalesce(t.first_seen, c.first_time) DESC, c.template_id DESC
LIMIT $limit
