-- Flow events $first_event_id..$last_event_id with their window context: the rows that encoding/flow.py encodes.
-- The name in braces stands for the text of flow_window.sql.
SELECT e.event_id, e.time, e.class_uid, e.log_name, e.src_ip, e.src_port, e.dst_ip, e.dst_port, e.protocol, e.service,
       e.duration, e.bytes_out, e.bytes_in, e.packets_out, e.packets_in, e.conn_state, c.* EXCLUDE (event_id)
FROM ({flow_window}) c JOIN events e USING (event_id)
WHERE e.event_id BETWEEN $first_event_id AND $last_event_id
ORDER BY e.event_id
