-- What the world said back, once each: messages about our letters, or about mail that others sent from the same mailbox.
CREATE TABLE signal (
  mailbox    TEXT    NOT NULL REFERENCES mailbox (address),  -- who received it
  message_id TEXT    NOT NULL,              -- its own Message-ID; without one, a digest of what it says
  kind       TEXT    NOT NULL,              -- bounce, delay, complaint, auto_reply, unsubscribe, reply
  scope      TEXT    NOT NULL,              -- warmup, campaign
  at         INTEGER NOT NULL,              -- when it was read
  date       TEXT    NOT NULL,              -- the local date of the message that it is about; where that is unknown, of `at`
  provider   TEXT,                          -- who speaks, or where the person reads mail
  letter     TEXT    REFERENCES letter (id),
  original   TEXT,                          -- the Message-ID of what it is about
  author     TEXT,                          -- who wrote it, as it says
  feedback   TEXT,                          -- a complaint's feedback type
  evidence   TEXT    NOT NULL,              -- why it is taken for what it is
  PRIMARY KEY (mailbox, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signal_by_date ON signal (mailbox, date);
CREATE INDEX signal_by_letter ON signal (letter) WHERE letter IS NOT NULL;

-- Whom a bounce or a complaint names.
CREATE TABLE signal_recipient (
  mailbox    TEXT    NOT NULL,
  message_id TEXT    NOT NULL,
  n          INTEGER NOT NULL,              -- from 1
  address    TEXT,                          -- NULL: kept back
  status     TEXT,                          -- x.y.z (RFC 3463)
  code       INTEGER,
  class      TEXT    NOT NULL,
  hard       INTEGER NOT NULL,              -- 1: the address itself is no good
  diagnostic TEXT    NOT NULL,
  PRIMARY KEY (mailbox, message_id, n),
  FOREIGN KEY (mailbox, message_id) REFERENCES signal (mailbox, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signal_recipient_by_address ON signal_recipient (address) WHERE address IS NOT NULL;

-- Outside addresses that get no mail again. Rows are never deleted. In force: since <= now, and not lifted.
CREATE TABLE suppression (
  address    TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  cause      TEXT    NOT NULL,              -- hard_bounce, soft_bounces, complaint, unsubscribe, person, import
  mailbox    TEXT,                          -- the signal that caused it
  message_id TEXT,
  note       TEXT    NOT NULL,              -- the evidence, or what a person said
  lifted_at  INTEGER CHECK (lifted_at >= since),
  PRIMARY KEY (address, since)
) STRICT, WITHOUT ROWID;
