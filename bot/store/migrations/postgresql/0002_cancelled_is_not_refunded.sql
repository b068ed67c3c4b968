-- An order that ended as cancelled was called refunded. The steps that were taken are renamed; no new ones are written.
DROP TRIGGER cancellations_step ON cancellations;
UPDATE cancellations SET state = 'cancelled' WHERE state = 'refunded';
UPDATE transitions SET to_state = 'cancelled' WHERE to_state = 'refunded';
CREATE TRIGGER cancellations_step AFTER UPDATE OF state ON cancellations FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION record_step();
