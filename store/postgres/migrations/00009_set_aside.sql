-- +goose Up

-- What could not be booked is tried again when a person says so.
ALTER TABLE stream_set_aside
    ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN tried_at TIMESTAMPTZ,
    ADD COLUMN recorded_at TIMESTAMPTZ; -- null while it waits
