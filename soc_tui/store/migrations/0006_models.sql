-- What a workspace has found out for its networks. A row counts only for the weights it was made with.
CREATE TABLE calibrations (
    model VARCHAR PRIMARY KEY, weights_sha256 VARCHAR NOT NULL, threshold DOUBLE NOT NULL, budget DOUBLE NOT NULL,
    alerts_per_day DOUBLE NOT NULL, days DOUBLE NOT NULL, "rows" BIGINT NOT NULL, recall VARCHAR NOT NULL,
    profile VARCHAR NOT NULL, actor VARCHAR NOT NULL, time TIMESTAMP NOT NULL
);

-- Analysts' marks: what the network saw of the examples behind an alert, and whether it was right.
CREATE TABLE feedback (
    alert_id BIGINT NOT NULL, model VARCHAR NOT NULL, weights_sha256 VARCHAR NOT NULL, risky BOOLEAN NOT NULL,
    hidden FLOAT[] NOT NULL, log_odds DOUBLE NOT NULL, actor VARCHAR NOT NULL, time TIMESTAMP NOT NULL
);

-- The local head that was learned from them.
CREATE TABLE heads (
    model VARCHAR PRIMARY KEY, weights_sha256 VARCHAR NOT NULL, weights DOUBLE[] NOT NULL, bias DOUBLE NOT NULL,
    marks BIGINT NOT NULL, share DOUBLE NOT NULL, recall_lost DOUBLE NOT NULL, recall_lost_whole DOUBLE NOT NULL,
    false_gained DOUBLE NOT NULL, approved_by VARCHAR NOT NULL, time TIMESTAMP NOT NULL
);
