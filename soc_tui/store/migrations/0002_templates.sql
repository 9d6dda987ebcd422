-- Learned templates of messages, kept with the events that they were learned from. `origin` is the shape that founded a
-- template; a shape keeps the template it was first given.
ALTER TABLE events ADD COLUMN template_id BIGINT;

CREATE TABLE templates (
    template_id BIGINT NOT NULL, template VARCHAR NOT NULL, origin VARCHAR NOT NULL, first_seen TIMESTAMP NOT NULL
);

CREATE TABLE template_shapes (shape VARCHAR NOT NULL, template_id BIGINT NOT NULL);
