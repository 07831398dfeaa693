-- +goose Up

-- Whoever plays with the demo data gives its people credits and keys. That
-- goes with them.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('alfred.removes_demo', true) = 'on' THEN
        -- Of events, which lie in the tables of their days, the person says it.
        IF TG_TABLE_NAME = 'users' AND is_demo(to_jsonb(OLD)->>'id')
            OR TG_TABLE_NAME = 'adjustments' AND is_demo(to_jsonb(OLD)->>'subject')
            OR TG_TABLE_NAME = 'transfers' AND (is_demo(to_jsonb(OLD)->>'sender_id') OR is_demo(to_jsonb(OLD)->>'recipient_id'))
            OR TG_TABLE_NAME LIKE 'usage\_events%' AND is_demo(to_jsonb(OLD)->>'user_id') THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
