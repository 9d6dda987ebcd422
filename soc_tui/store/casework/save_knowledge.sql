-- An incident takes the knowledge of its gravest alert that has any; one that is suppressed speaks last.
UPDATE incidents SET knowledge_id = best.knowledge_id
FROM (
    SELECT incident_id, knowledge_id FROM alerts
    WHERE knowledge_id IS NOT NULL AND knowledge_id <> '' AND incident_id IN (SELECT incident_id FROM alerts SEMI JOIN incoming USING (alert_id))
    QUALIFY row_number() OVER (PARTITION BY incident_id ORDER BY suppressed_by IS NOT NULL, severity_rank(severity) DESC, score DESC, alert_id) = 1
) best
WHERE incidents.incident_id = best.incident_id AND incidents.knowledge_id IS DISTINCT FROM best.knowledge_id
