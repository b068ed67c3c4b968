-- What was named for one command takes the place of nothing that was named for another, or for another key.
ALTER TABLE kept_orders DROP CONSTRAINT kept_orders_pkey;
ALTER TABLE kept_orders ADD PRIMARY KEY (user_id, action, key_name);
