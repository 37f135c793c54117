-- A pool mailbox to which nobody writes for a while: a server said that it is gone, full or switched off.
-- Rows are never deleted. In force: since <= now < until; lifted early: until is when.
CREATE TABLE suspension (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),
  since    INTEGER NOT NULL,
  until    INTEGER NOT NULL CHECK (until >= since),
  class    TEXT    NOT NULL,                -- what the refusal says of the mailbox: bad_address, full, disabled
  code     INTEGER,                         -- the server's reply
  enhanced TEXT,
  text     TEXT    NOT NULL,
  letter   TEXT    REFERENCES letter (id),  -- the letter that was refused
  PRIMARY KEY (mailbox, since)
) STRICT, WITHOUT ROWID;
