-- name: request(id)^
SELECT * FROM requests WHERE id = :id AND user_id NOT IN (SELECT user_id FROM erasures);

-- name: add_request(account_id, user_id, state, orders, ignored, repeats, preview, channel_id, guild_id, message_id, token_sealed, card_until, language, now, began_at)$
-- A message in a DM does not tell what its author's client speaks: it is taken to be what it was.
INSERT INTO requests (account_id, user_id, state, orders, waiting, ignored, repeats, preview, channel_id, guild_id,
                      message_id, token_sealed, card_until, language, created_at, began_at)
VALUES (:account_id, :user_id, :state, :orders, :orders, :ignored, :repeats, :preview, :channel_id, :guild_id,
        :message_id, :token_sealed, :card_until,
        COALESCE(:language, (SELECT language FROM requests WHERE user_id = :user_id ORDER BY id DESC LIMIT 1)),
        :now, :began_at)
RETURNING id;

-- name: requests_to_send(account_id)
-- Whoever has fewest orders left goes first, so that one order does not wait for somebody's thousands.
SELECT id, waiting FROM requests WHERE account_id = :account_id AND waiting > 0 AND began_at IS NOT NULL
ORDER BY waiting, began_at;

-- name: requests_to_give_up(before)
SELECT id, account_id, waiting FROM requests WHERE waiting > 0 AND began_at < :before;

-- name: start_orders(request_id, count, state, now, notified_at)!
-- An order that is being cancelled already, or is proven cancelled, is linked instead of sent anew, under whichever key of its
-- user that is. So is one that was being cancelled when it was asked for: what the panel has said of it since answers that
-- request too, but for what it has refused to another key (`linkable`). (With NOT EXISTS PostgreSQL would go through all orders
-- of the user.)
INSERT INTO cancellations (request_id, account_id, user_id, order_id, state, created_at, changed_at, due_at, ended_at, notified_at,
                           pending_at, charge_first, charge_last, currency)
SELECT r.id, r.account_id, r.user_id, ro.order_id, :state, r.began_at, :now,
       CASE WHEN :state = 'requested' THEN CAST(:now AS BIGINT) END,
       CASE WHEN :state <> 'requested' THEN CAST(:now AS BIGINT) END, CAST(:notified_at AS BIGINT),
       ro.pending_at, ro.charge, ro.charge, ro.currency
FROM requests r JOIN request_orders ro
  ON ro.request_id = r.id AND ro.position >= r.orders - r.waiting AND ro.position < r.orders - r.waiting + :count
WHERE r.id = :request_id
  AND (SELECT 1 FROM linkable j WHERE j.request_id = r.id AND j.order_id = ro.order_id LIMIT 1) IS NULL
ORDER BY ro.position;

-- name: revive(request_id, count, pause, now)!
-- Asked for once more after all tries: one more, if the next checks show the order running, and never sooner after the
-- last call than `pause` milliseconds.
UPDATE cancellations SET given_up = 0, running_checks = 0, due_at = :now, changed_at = :now,
    resend_at = CASE WHEN sent_at + :pause > :now THEN sent_at + :pause ELSE CAST(:now AS BIGINT) END
WHERE state = 'unknown' AND given_up = 1 AND id IN (
    SELECT c.id FROM requests r JOIN request_orders ro
      ON ro.request_id = r.id AND ro.position >= r.orders - r.waiting AND ro.position < r.orders - r.waiting + :count
    JOIN cancellations c ON c.user_id = r.user_id AND c.order_id = ro.order_id AND c.ended_at IS NULL
    WHERE r.id = :request_id
);

-- name: retry_request(request_id, pause, now)
-- The same for what stands on a request's card.
UPDATE cancellations SET given_up = 0, running_checks = 0, due_at = :now, changed_at = :now,
    resend_at = CASE WHEN sent_at + :pause > :now THEN sent_at + :pause ELSE CAST(:now AS BIGINT) END
WHERE state = 'unknown' AND given_up = 1 AND id IN (
    SELECT cancellation_id FROM request_orders WHERE request_id = :request_id AND cancellation_id IS NOT NULL
)
RETURNING id;

-- name: link_orders(request_id, count)!
UPDATE request_orders SET
    cancellation_id = COALESCE((
        SELECT c.id FROM cancellations c
        WHERE c.user_id = (SELECT user_id FROM requests WHERE id = :request_id)
          AND c.order_id = request_orders.order_id AND c.request_id = :request_id
    ), (
        SELECT j.cancellation_id FROM linkable j
        WHERE j.request_id = :request_id AND j.order_id = request_orders.order_id
        ORDER BY j.ended_at IS NULL DESC, j.state = 'cancelled' DESC, j.cancellation_id DESC LIMIT 1
    )),
    order_id = NULL
WHERE request_id = :request_id
  AND position >= (SELECT orders - waiting FROM requests WHERE id = :request_id)
  AND position < (SELECT orders - waiting + :count FROM requests WHERE id = :request_id);

-- name: mark_linked(request_id, count)!
UPDATE request_orders SET linked = 1
WHERE request_id = :request_id
  AND position >= (SELECT orders - waiting FROM requests WHERE id = :request_id)
  AND position < (SELECT orders - waiting + :count FROM requests WHERE id = :request_id)
  AND :request_id <> (SELECT c.request_id FROM cancellations c WHERE c.id = request_orders.cancellation_id);

-- name: heirs_of_account(account_id)
-- Of what is open in an account and not being sent: the first request that could go on with it under another key.
SELECT h.cancellation_id, MIN(h.request_id) AS request_id FROM cancellations c CROSS JOIN heirs h
WHERE c.account_id = :account_id AND c.due_at IS NOT NULL AND c.state <> 'sending' AND h.cancellation_id = c.id
GROUP BY h.cancellation_id;

-- name: heir(cancellation_id)$
SELECT MIN(h.request_id) FROM heirs h WHERE h.cancellation_id = :cancellation_id;

-- name: open_beside(cancellation_id)$
-- Of the same order, where two were open in an old ledger.
SELECT MIN(o.id) FROM cancellations c JOIN cancellations o
  ON o.user_id = c.user_id AND o.order_id = c.order_id AND o.ended_at IS NULL
WHERE c.id = :cancellation_id;

-- name: hand_over(cancellation_id, request_id, now)!
-- As if the key of its account had been replaced: perhaps by one of another panel account.
UPDATE cancellations SET
    request_id = :request_id, account_id = (SELECT r.account_id FROM requests r WHERE r.id = :request_id),
    key_version = 0, due_at = :now, changed_at = :now
WHERE id = :cancellation_id;

-- name: begin_anew(cancellation_id, request_id, now)$
-- What was refused under one key, as what another has asked for.
INSERT INTO cancellations (request_id, account_id, user_id, order_id, state, created_at, changed_at, due_at)
SELECT r.id, r.account_id, r.user_id, c.order_id, 'requested', r.began_at, :now, :now
FROM cancellations c JOIN requests r ON r.id = :request_id WHERE c.id = :cancellation_id
RETURNING id;

-- name: follow(cancellation_id, anew)!
-- All that could go on under another key now waits for the new one.
UPDATE request_orders SET cancellation_id = :anew
WHERE cancellation_id = :cancellation_id
  AND request_id IN (SELECT h.request_id FROM heirs h WHERE h.cancellation_id = :cancellation_id);

-- name: mark_own(cancellation_id)!
-- Which request's own a cancellation is.
UPDATE request_orders SET linked = CASE
    WHEN request_id = (SELECT c.request_id FROM cancellations c WHERE c.id = :cancellation_id) THEN 0 ELSE 1 END
WHERE cancellation_id = :cancellation_id;

-- name: mark_started(request_id, count)!
UPDATE requests SET waiting = waiting - :count WHERE id = :request_id;

-- name: answer_request(state, began_at, preview, id)!
UPDATE requests SET state = :state, began_at = :began_at, preview = :preview,
                    waiting = CASE WHEN :state = 'kept' THEN 0 ELSE waiting END
WHERE id = :id AND state = 'asking';

-- name: save_preview(preview, id)!
UPDATE requests SET preview = :preview WHERE id = :id AND state = 'asking';

-- name: note_seen(pending_at, charge, currency, request_id, position)*!
UPDATE request_orders SET pending_at = :pending_at, charge = :charge, currency = :currency
WHERE request_id = :request_id AND position = :position;

-- name: previews()
SELECT * FROM requests WHERE state = 'asking' AND preview IS NOT NULL;

-- name: forget_orders(id)!
-- Of what was never confirmed.
DELETE FROM request_orders WHERE request_id = :id AND cancellation_id IS NULL;

-- name: waiting_orders(id, most)
SELECT order_id FROM request_orders
WHERE request_id = :id AND position >= (SELECT orders - waiting FROM requests WHERE id = :id)
ORDER BY position LIMIT CAST(:most AS BIGINT);

-- name: count_waiting(account_id)$
SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) FROM requests WHERE account_id = :account_id AND waiting > 0 AND began_at IS NOT NULL;

-- name: count_linked(request_id)$
SELECT COUNT(*) FROM request_orders WHERE request_id = :request_id AND linked = 1;

-- name: count_cancelled_before(request_id)$
SELECT COUNT(*) FROM requests r JOIN request_orders ro ON ro.request_id = r.id JOIN cancellations c ON c.id = ro.cancellation_id
WHERE r.id = :request_id AND ro.linked = 1 AND c.state = 'cancelled' AND c.ended_at <= r.began_at;

-- name: place_card(message_id, token_sealed, card_until, language, id)!
UPDATE requests SET message_id = :message_id, token_sealed = :token_sealed, card_until = :card_until,
                    language = COALESCE(:language, language), card_failures = 0, card_due_at = NULL
WHERE id = :id;

-- name: requests_to_expire(before)
SELECT id FROM requests WHERE state = 'asking' AND created_at < :before;

-- name: touch_cards_of_account(now, account_id)!
-- Not EXISTS, here and below: PostgreSQL would read once what all requests name, instead of what each of a few does.
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE account_id = :account_id AND began_at IS NOT NULL AND card_until > CAST(:now AS BIGINT) AND (waiting > 0 OR 1 = (
    SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.request_id = requests.id AND c.ended_at IS NULL LIMIT 1
));

-- name: touch_card(now, id)!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > CAST(:now AS BIGINT) AND id = :id;

-- name: hold_card(now, until, id)!
-- For whoever edits it now: until then it is due for nobody else.
UPDATE requests SET card_due_at = :until WHERE id = :id AND card_until > 0 AND (card_due_at IS NULL OR card_due_at <= :now);

-- name: cards_due(now)
SELECT * FROM requests WHERE card_due_at <= :now ORDER BY card_due_at LIMIT 100;

-- name: next_card_due()$
SELECT MIN(card_due_at) FROM requests WHERE card_due_at IS NOT NULL;

-- name: card_shown(revision, again_at, once_more_at, id)$
-- What changed while the card was on its way is shown next; nothing where it was given up meanwhile, here and below.
UPDATE requests SET card_failures = 0,
    card_due_at = CASE WHEN revision > :revision THEN CAST(:again_at AS BIGINT) ELSE CAST(:once_more_at AS BIGINT) END
WHERE id = :id AND card_until > 0
RETURNING card_due_at;

-- name: card_failed(again_at, id)!
UPDATE requests SET card_failures = card_failures + 1, card_due_at = :again_at WHERE id = :id AND card_until > 0;

-- name: card_gone(id)!
UPDATE requests SET card_until = 0, card_due_at = NULL, token_sealed = NULL WHERE id = :id;

-- name: cards_expired(now, most)
SELECT id, account_id FROM requests WHERE card_until > 0 AND card_until <= :now LIMIT CAST(:most AS BIGINT);

-- name: close_cards(now, soon)!
-- Cards with something open that soon cannot be edited any more, to be edited for the last time. `card_until > 0` is what
-- the index asks for, without which every request there is would be read.
UPDATE requests SET revision = revision + 1, card_due_at = :now
WHERE card_until > 0 AND card_until > :now AND card_until <= :soon AND card_due_at IS NULL AND began_at IS NOT NULL AND (waiting > 0 OR 1 = (
    SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.request_id = requests.id AND c.ended_at IS NULL LIMIT 1
));

-- name: next_card_end(after)$
SELECT MIN(card_until) FROM requests WHERE card_until > 0 AND card_until > :after;

-- name: pull_in_cards(now, latest)!
UPDATE requests SET card_due_at = :now WHERE card_due_at > :latest;

-- name: channel_asked_in(user_id)$
-- Where the user last asked for something; none if that was in a DM.
SELECT CASE WHEN guild_id IS NOT NULL THEN channel_id END FROM requests WHERE user_id = :user_id ORDER BY id DESC LIMIT 1;

-- name: questions(user_id, since)^
-- How many wait for an answer, and since when the oldest does.
SELECT COUNT(*) AS count, MIN(created_at) AS oldest_at FROM requests
WHERE user_id = :user_id AND state = 'asking' AND created_at >= :since;

-- name: channel_to_ping(user_id)$
-- Where the user last asked for something, if that was in a server: the only place for a channel ping.
SELECT channel_id FROM requests WHERE user_id = :user_id AND guild_id IS NOT NULL ORDER BY id DESC LIMIT 1;

-- name: sealed_tokens()
SELECT id, user_id, token_sealed AS sealed FROM requests WHERE token_sealed IS NOT NULL;

-- name: reseal_token(sealed, id)*!
UPDATE requests SET token_sealed = :sealed WHERE id = :id;
