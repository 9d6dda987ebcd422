SELECT (SELECT count(*) FROM findings) AS findings,
       (SELECT count(*) FROM alerts) AS alerts,
       (SELECT count(*) FROM alerts WHERE state = 'open') AS alerts_open,
       (SELECT count(*) FROM incidents) AS incidents
