-- name: request(id)^
SELECT * FROM requests WHERE id = :id;

-- name: add_request(account_id, user_id, state, asked, ignored, repeats, channel_id, guild_id, message_id, token_sealed, card_until, now)$
INSERT INTO requests (account_id, user_id, state, asked, ignored, repeats, channel_id, guild_id, message_id,
                      token_sealed, card_until, created_at)
VALUES (:account_id, :user_id, :state, :asked, :ignored, :repeats, :channel_id, :guild_id, :message_id,
        :token_sealed, :card_until, :now)
RETURNING id;

-- name: add_cancellations(request_id, account_id, order_id, now)*!
-- An order that is being cancelled already, or is proven refunded, is joined instead of sent again.
INSERT INTO cancellations (request_id, account_id, order_id, state, created_at, changed_at, due_at)
SELECT :request_id, :account_id, :order_id, 'requested', :now, :now, :now
WHERE NOT EXISTS (
    SELECT 1 FROM cancellations
    WHERE account_id = :account_id AND order_id = :order_id AND (ended_at IS NULL OR state = 'refunded')
);

-- name: link_orders(request_id, account_id, order_id)*!
INSERT INTO request_orders (request_id, cancellation_id)
SELECT :request_id, MAX(id) FROM cancellations WHERE account_id = :account_id AND order_id = :order_id;

-- name: answer_request(state, id)!
UPDATE requests SET state = :state, asked = '[]' WHERE id = :id AND state = 'asking';

-- name: place_card(message_id, token_sealed, card_until, id)!
UPDATE requests SET message_id = :message_id, token_sealed = :token_sealed, card_until = :card_until,
                    card_failures = 0, card_due_at = NULL
WHERE id = :id;

-- name: lapse_requests(before)!
UPDATE requests SET state = 'lapsed', asked = '[]' WHERE state = 'asking' AND created_at < :before;

-- name: touch_cards(now, id)*!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > :now AND id IN (SELECT request_id FROM request_orders WHERE cancellation_id = :id);

-- name: touch_cards_of_account(now, account_id)!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > :now AND id IN (
    SELECT ro.request_id FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE c.account_id = :account_id AND c.ended_at IS NULL
);

-- name: cards_due(now)
SELECT * FROM requests WHERE card_due_at <= :now ORDER BY card_due_at LIMIT 100;

-- name: next_card_due()$
SELECT MIN(card_due_at) FROM requests WHERE card_due_at IS NOT NULL;

-- name: card_shown(revision, again_at, id)!
-- What changed while the card was on its way is shown next.
UPDATE requests SET card_failures = 0, card_due_at = CASE WHEN revision > :revision THEN :again_at END
WHERE id = :id;

-- name: card_failed(again_at, id)!
UPDATE requests SET card_failures = card_failures + 1, card_due_at = :again_at WHERE id = :id;

-- name: card_gone(id)!
UPDATE requests SET card_until = 0, card_due_at = NULL, token_sealed = NULL WHERE id = :id;

-- name: cards_expired(now)
SELECT id, account_id FROM requests WHERE token_sealed IS NOT NULL AND card_until <= :now LIMIT 500;

-- name: pull_in_cards(now, latest)!
UPDATE requests SET card_due_at = :now WHERE card_due_at > :latest;

-- name: hint_channel(user_id)$
-- Where the user last asked for something, if that was in a server: the only place a hint can go.
SELECT channel_id FROM requests WHERE user_id = :user_id AND guild_id IS NOT NULL ORDER BY id DESC LIMIT 1;

-- name: sealed_tokens()
SELECT id, user_id, token_sealed AS sealed FROM requests WHERE token_sealed IS NOT NULL;

-- name: reseal_token(sealed, id)*!
UPDATE requests SET token_sealed = :sealed WHERE id = :id;
