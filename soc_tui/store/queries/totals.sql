-- What is suppressed counts apart.
SELECT (SELECT count(*) FROM findings) AS findings,
       (SELECT count(*) FROM alerts WHERE suppressed_by IS NULL) AS alerts,
       (SELECT count(*) FROM alerts WHERE suppressed_by IS NULL AND state = 'open') AS alerts_open,
       (SELECT count(*) FROM alerts WHERE suppressed_by IS NOT NULL) AS alerts_suppressed,
       (SELECT count(*) FROM incidents WHERE NOT suppressed) AS incidents
