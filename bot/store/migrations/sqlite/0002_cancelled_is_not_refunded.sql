-- An order that ended as cancelled was called refunded. The steps that were taken are renamed; no new ones are written.
DROP TRIGGER cancellations_step;
UPDATE cancellations SET state = 'cancelled' WHERE state = 'refunded';
UPDATE transitions SET to_state = 'cancelled' WHERE to_state = 'refunded';
CREATE TRIGGER cancellations_step AFTER UPDATE OF state ON cancellations WHEN old.state <> new.state BEGIN
    INSERT INTO transitions (cancellation_id, from_state, to_state, at)
    VALUES (new.id, old.state, new.state, new.changed_at);
END;
