-- The most that warmup and real mail make together on a mailbox's date: what is left of it is the allowance. NULL: the quota, all of it warmup's.
ALTER TABLE day ADD COLUMN total INTEGER CHECK (total >= quota);

-- Real mail: recipients of what a mailbox sent outside preheat, by its local date.
CREATE TABLE outside (
  mailbox TEXT    NOT NULL,                 -- may be told before the first run
  date    TEXT    NOT NULL,
  source  TEXT    NOT NULL,                 -- sent_folder, reported
  count   INTEGER NOT NULL CHECK (count >= 0),
  as_of   INTEGER NOT NULL,                 -- when it was counted or told last
  PRIMARY KEY (mailbox, date, source)
) STRICT, WITHOUT ROWID;

-- Messages of Sent folders that were counted, each once; kept for as long as a renumbered folder may show them again.
CREATE TABLE outside_message (
  mailbox    TEXT    NOT NULL REFERENCES mailbox (address),
  message_id TEXT    NOT NULL,              -- without one, a digest of its header
  date       TEXT    NOT NULL,
  recipients INTEGER NOT NULL,
  PRIMARY KEY (mailbox, message_id)
) STRICT, WITHOUT ROWID;

-- How far a mailbox's Sent folder was read for real mail.
CREATE TABLE outside_cursor (
  mailbox      TEXT    NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  folder       TEXT    NOT NULL,            -- as the server writes it
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  since        TEXT    NOT NULL,            -- the first date that is counted
  read_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
