-- name: page_of_history(account_id, since, outcome, after, most)
-- Newest first, in the order of the index; the bound on ended_at finds the place where the last page has stopped.
SELECT id AS cursor, NULL AS waiting, * FROM cancellations
WHERE account_id = :account_id AND ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR state = :outcome)
  AND ended_at <= COALESCE((SELECT last.ended_at FROM cancellations last WHERE last.id = :after), 4611686018427387904)
  AND (:after < 0 OR (ended_at, state, id) < (
      SELECT last.ended_at, last.state, last.id FROM cancellations last WHERE last.id = :after
  ))
ORDER BY ended_at DESC, state DESC, id DESC LIMIT CAST(:most AS BIGINT);
