-- Suppressions: filters that hide alerts for a time, with a reason. Nothing is deleted: an alert keeps the number of the
-- oldest suppression in force that fits it, and comes back when that has ended. An incident or attacker is hidden when
-- all of its alerts are.
CREATE TABLE suppressions (
    suppression_id BIGINT PRIMARY KEY, filter VARCHAR NOT NULL, reason VARCHAR NOT NULL, created TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL, expires TIMESTAMP NOT NULL, ended TIMESTAMP, ended_by VARCHAR
);
ALTER TABLE alerts ADD COLUMN suppressed_by BIGINT;
ALTER TABLE incidents ADD COLUMN suppressed BOOLEAN DEFAULT false;
ALTER TABLE attackers ADD COLUMN suppressed BOOLEAN DEFAULT false;

-- Who is behind an alert: the attacker's address; where no address is known, the account; else the machine.
CREATE MACRO alert_actor(src_ip, user_name, host, dst_ip) AS
    coalesce(src_ip, 'account ' || user_name, 'machine ' || coalesce(host, dst_ip), 'unknown');
