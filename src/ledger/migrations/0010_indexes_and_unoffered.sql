-- What is asked of letters that are to be sent is asked of one date: with the date in the index, no letter of another date is read for it.
DROP INDEX letter_to_send;
CREATE INDEX letter_to_send ON letter (sender, date, due) WHERE state IN ('planned', 'deferred');
-- A letter is looked for from its hand-over until it is seen: that it was accepted meanwhile need not move it in this index.
DROP INDEX letter_to_find;
CREATE INDEX letter_to_find ON letter (recipient, handed_at) WHERE handed_at IS NOT NULL AND seen_at IS NULL;
-- Whether a day has room for an answer hangs on its other answers: its starts need not be read for that.
DROP INDEX letter_by_day;
CREATE INDEX letter_by_day ON letter (sender, date, parent);
-- Letters whose recipient was suspended or left the pool are as little their sender's fault as those that came too late.
ALTER TABLE day RENAME COLUMN late TO unoffered;
