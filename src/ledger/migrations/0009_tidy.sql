-- Tidying: how much room letters take where they lie, and which copies were put away.
ALTER TABLE sighting ADD COLUMN size INTEGER;
ALTER TABLE sighting ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sighting ADD COLUMN tidied TEXT;
-- Nobody acts on a letter whose mark did not hold: those that were acted on had one. Of the others nobody knows, and they stay where they are.
UPDATE sighting SET marked = 1 WHERE EXISTS (SELECT 1 FROM action a WHERE a.letter = sighting.letter);

CREATE TABLE tidy (
  mailbox TEXT NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  date    TEXT NOT NULL,                    -- its local date when that was done last
  below   TEXT NOT NULL                     -- letters whose ids come before it are put away, or stay where they are
) STRICT, WITHOUT ROWID;
