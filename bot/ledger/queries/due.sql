-- name: accounts_due(process, lost_after, first, last, now, most)
-- Urgent is what has not been checked yet: somebody has just asked for it and is reading the card. What is urgent now
-- comes first, then by time: all that is due now, as far as there is room, and what will be next. What another living
-- process works on is left to it. What is being sent is due for nobody, unless nobody works on the account, or it has been for longer
-- than any call takes, `lost_after` in milliseconds: whoever was at it has lost it. `first` and `last`: of the accounts' ids.
WITH lists AS (
    SELECT account_id, MIN(began_at) AS began_at FROM requests
    WHERE waiting > 0 AND began_at IS NOT NULL GROUP BY account_id
), being_sent AS (
    SELECT +account_id AS account_id, MIN(sent_at) AS sent_at FROM cancellations WHERE state = 'sending' GROUP BY +account_id
), accounts_open AS MATERIALIZED (
    SELECT a.id, COALESCE(a.panel_account, a.id) AS panel_account, a.key_fingerprint, lists.began_at,
           s.sent_at + CASE WHEN :process = 0 OR a.id IN (SELECT l.account_id FROM leases l WHERE l.process = :process) THEN :lost_after ELSE 0 END AS lost_at,
           (SELECT MIN(c.due_at) FROM cancellations c
            WHERE c.account_id = a.id AND c.ended_at IS NULL AND c.checks = 0 AND (s.sent_at IS NULL OR c.state <> 'sending')) AS first_check_at,
           (SELECT MIN(c.due_at) FROM cancellations c
            WHERE c.account_id = a.id AND c.due_at IS NOT NULL AND (s.sent_at IS NULL OR c.state <> 'sending')) AS due_at
    FROM accounts a LEFT JOIN lists ON lists.account_id = a.id LEFT JOIN being_sent s ON s.account_id = a.id
    WHERE a.state = 'active' AND a.id BETWEEN :first AND :last
      AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.account_id = a.id AND l.process <> :process)
)
SELECT id, panel_account, key_fingerprint,
       CASE WHEN began_at <= first_check_at THEN began_at ELSE COALESCE(first_check_at, began_at) END AS urgent_at,
       CASE WHEN began_at <= COALESCE(due_at, began_at) AND began_at <= COALESCE(lost_at, began_at) THEN began_at
            WHEN due_at <= COALESCE(lost_at, due_at) THEN due_at ELSE lost_at END AS due_at
FROM accounts_open WHERE began_at IS NOT NULL OR due_at IS NOT NULL OR lost_at IS NOT NULL
ORDER BY COALESCE(began_at <= :now OR first_check_at <= :now, FALSE) DESC, 5 LIMIT CAST(:most AS BIGINT);
