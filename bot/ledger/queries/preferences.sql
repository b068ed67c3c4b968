-- name: preferences(user_id)^
SELECT * FROM preferences WHERE user_id = :user_id;

-- name: save_preferences(user_id, notify_via, notify_when, language, silent)!
INSERT INTO preferences (user_id, notify_via, notify_when, language, silent)
VALUES (:user_id, :notify_via, :notify_when, :language, :silent)
ON CONFLICT (user_id) DO UPDATE
SET notify_via = excluded.notify_via, notify_when = excluded.notify_when, language = excluded.language, silent = excluded.silent;

-- name: language_of(user_id)$
-- What they have chosen, or what their Discord client spoke when they last asked for something.
SELECT COALESCE(
    (SELECT language FROM preferences WHERE user_id = :user_id),
    (SELECT language FROM requests WHERE user_id = :user_id ORDER BY id DESC LIMIT 1)
);
