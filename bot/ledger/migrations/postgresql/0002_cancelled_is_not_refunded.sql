-- An order that ended as cancelled was called refunded. The steps that were taken are renamed; no new ones are written.
DROP TRIGGER cancellations_step ON cancellations;
UPDATE cancellations SET state = 'cancelled' WHERE state = 'refunded';
UPDATE transitions SET to_state = 'cancelled' WHERE to_state = 'refunded';
CREATE TRIGGER cancellations_step AFTER UPDATE OF state ON cancellations FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION record_step();

-- What proves that money came back: its charge fell, the status word says so, or it was pending when it was sent.
ALTER TABLE cancellations ADD COLUMN refund TEXT COLLATE "C" CHECK (refund IN ('charge', 'word', 'pending'));
-- Seen pending then, by the last status before it was sent; NULL: not, or another status was seen since.
ALTER TABLE cancellations ADD COLUMN pending_at BIGINT;
-- What the question's preview has read of an order: its charge, and that it was pending.
ALTER TABLE request_orders ADD COLUMN pending_at BIGINT;
ALTER TABLE request_orders ADD COLUMN charge TEXT;
ALTER TABLE request_orders ADD COLUMN currency TEXT;

-- Of what 0.1.0 has called refunded only what its own row proves.
UPDATE cancellations SET refund = 'charge'
WHERE state IN ('cancelled', 'partial', 'completed', 'failed')
  AND CASE WHEN charge_first ~ '^[0-9]{1,12}(\.[0-9]{1,8})?$' AND charge_last ~ '^[0-9]{1,12}(\.[0-9]{1,8})?$'
           THEN CAST(charge_last AS NUMERIC) < CAST(charge_first AS NUMERIC) END;
UPDATE cancellations SET refund = 'word' WHERE state = 'cancelled' AND refund IS NULL AND lower(status_word) = 'refunded';
