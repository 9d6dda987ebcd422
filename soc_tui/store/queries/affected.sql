-- Sessions of an address in the 24 hours before now, grouped by what and whom; $now is UTC.
SELECT count(*) AS n, coalesce(service, activity, 'events') AS what,
       coalesce(string_agg(DISTINCT coalesce(host, dst_ip), ', ' ORDER BY coalesce(host, dst_ip)), '-')[:120] AS whom,
       coalesce(string_agg(DISTINCT user_name, ', ' ORDER BY user_name), '-')[:120] AS users
FROM events
WHERE (src_ip = $address OR dst_ip = $address) AND time BETWEEN $now::TIMESTAMP - INTERVAL 24 HOUR AND $now
GROUP BY 2 ORDER BY n DESC LIMIT 10
