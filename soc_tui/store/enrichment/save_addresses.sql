-- Described addresses; what DNS named them stays.
INSERT INTO addresses BY NAME SELECT *, $context AS context FROM incoming
ON CONFLICT (ip) DO UPDATE SET class = excluded.class, own = excluded.own, asset = excluded.asset, owner = excluded.owner,
    criticality = excluded.criticality, country = excluded.country, city = excluded.city, asn = excluded.asn,
    as_org = excluded.as_org, context = excluded.context
