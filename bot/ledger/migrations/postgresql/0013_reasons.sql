-- What `words` mean; NULL where an earlier release wrote them: then they are read when somebody looks.
ALTER TABLE cancellations ADD COLUMN reason TEXT;
