-- The newest answer holds, whenever it was read.
UPDATE addresses SET name = i.name, name_time = i.name_time FROM incoming i
WHERE addresses.ip = i.ip AND (addresses.name_time IS NULL OR (i.name_time, i.name) > (addresses.name_time, addresses.name))
