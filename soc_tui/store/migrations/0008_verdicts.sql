-- Whether an attack on a web application got through: `attempt`, `likely success` or `no such page`, and why in a sentence
-- (detection/website/verdicts.sql). NULL: nothing to judge by.
ALTER TABLE alerts ADD COLUMN verdict VARCHAR;
ALTER TABLE alerts ADD COLUMN verdict_reason VARCHAR;

-- What inert probes of owned websites have found out about the page and parameter that an alert is about.
CREATE TABLE probes (
    alert_key VARCHAR NOT NULL, url_path VARCHAR NOT NULL, parameter VARCHAR NOT NULL,
    page VARCHAR NOT NULL,       -- exists, missing (404, 410), any (the server answers what does not exist as well), unknown
    reflected VARCHAR NOT NULL,  -- raw, escaped, no
    time TIMESTAMP NOT NULL, PRIMARY KEY (alert_key, url_path, parameter)
);
