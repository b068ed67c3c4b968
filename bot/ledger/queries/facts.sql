-- name: fact(name)$
SELECT value FROM facts WHERE name = :name;

-- name: set_fact(name, value)!
INSERT INTO facts (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
