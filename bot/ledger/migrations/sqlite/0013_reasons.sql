-- What `panel_message` means; NULL where an earlier release wrote it: then it is read when somebody asks.
ALTER TABLE cancellations ADD COLUMN reason TEXT;
