-- `events` counts every event ever stored, those included that retention has deleted.
SELECT greatest((SELECT coalesce(max(event_id), 0) FROM events_hot),
                (SELECT coalesce(max(event_id), 0) FROM checkpoints WHERE name = 'archive')) AS events,
       (SELECT count(*) FROM findings) AS findings,
       (SELECT count(*) FROM alerts) AS alerts,
       (SELECT count(*) FROM alerts WHERE state = 'open') AS alerts_open,
       (SELECT count(*) FROM incidents) AS incidents
