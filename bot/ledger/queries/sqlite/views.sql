-- view: leases
-- Here there is one process, and none that it would have to ask.
SELECT NULL AS account_id, NULL AS process WHERE FALSE;
