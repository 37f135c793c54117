-- Times are milliseconds since 1970 in UTC; dates are a mailbox's own local dates, YYYY-MM-DD; words are the design's.

-- The pool: one row.
CREATE TABLE pool (
  id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seed       INTEGER NOT NULL,              -- every draw derives from it; 64 bits, as a signed number
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE mailbox (
  address    TEXT NOT NULL PRIMARY KEY,
  domain     TEXT NOT NULL,
  role       TEXT NOT NULL,
  added_at   INTEGER NOT NULL,
  removed_at INTEGER                        -- NULL while it is in the config
) STRICT, WITHOUT ROWID;

-- Who owns a resource's work: `planner`, `mailbox:<address>`. Real time, never plan time.
CREATE TABLE lease (
  resource   TEXT    NOT NULL PRIMARY KEY,
  holder     TEXT    NOT NULL,              -- empty: released
  fence      INTEGER NOT NULL,              -- grows with every change of holder
  renewed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A mailbox's local date: its quota, how that came about, and what it was spent on.
CREATE TABLE day (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),
  date     TEXT    NOT NULL,
  schedule TEXT    NOT NULL,                -- '' for partners
  curve    INTEGER NOT NULL,                -- fingerprint of the schedule's volumes: a changed schedule is noticed; 0 for partners
  ramp_day INTEGER NOT NULL,                -- 0 for partners
  quota    INTEGER NOT NULL CHECK (quota >= 0),
  reasons  TEXT    NOT NULL,                -- JSON: the way from the curve to the quota
  verdict  TEXT,                            -- NULL: no rule spoke
  spent    INTEGER NOT NULL DEFAULT 0 CHECK (spent <= quota),  -- handed over: accepted, uncertain, unaccounted, rejected after DATA
  accepted INTEGER NOT NULL DEFAULT 0,
  late     INTEGER NOT NULL DEFAULT 0,      -- letters that the window could not hold any more
  made_at  INTEGER NOT NULL,
  PRIMARY KEY (mailbox, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE letter (
  id              TEXT    NOT NULL PRIMARY KEY,
  sender          TEXT    NOT NULL REFERENCES mailbox (address),
  recipient       TEXT    NOT NULL REFERENCES mailbox (address),
  date            TEXT    NOT NULL,         -- the sender's local date whose quota it counts against
  parent          TEXT    REFERENCES letter (id),
  in_thread       INTEGER NOT NULL,
  put_off         INTEGER NOT NULL DEFAULT 0,
  due             INTEGER,                  -- NULL: an answer whose parent has not been opened
  expected        INTEGER NOT NULL,
  draw_open       INTEGER NOT NULL,
  draw_answer     INTEGER NOT NULL,
  draw_important  INTEGER NOT NULL,
  draw_flag       INTEGER NOT NULL,
  rescue_after    INTEGER NOT NULL,         -- milliseconds
  open_after      INTEGER NOT NULL,
  answer_after    INTEGER NOT NULL,
  content         INTEGER NOT NULL,         -- 64 bits, as a signed number
  state           TEXT    NOT NULL,
  skip_reason     TEXT,
  attempts        INTEGER NOT NULL DEFAULT 0,
  message_id_sent TEXT,
  message_id_seen TEXT,
  handed_at       INTEGER,
  accepted_at     INTEGER,
  placement       TEXT,                     -- at the first sighting
  seen_at         INTEGER,
  rescued_at      INTEGER                   -- seen in the inbox after we moved it there
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_by_day ON letter (sender, date);
CREATE INDEX letter_by_recipient_day ON letter (recipient, date);
CREATE INDEX letter_to_send ON letter (sender, due) WHERE state IN ('planned', 'deferred');
CREATE INDEX letter_to_find ON letter (recipient, state) WHERE state IN ('handed', 'uncertain') OR state = 'accepted';
CREATE INDEX letter_to_settle ON letter (sender, state) WHERE state IN ('handed', 'uncertain');
CREATE INDEX letter_by_parent ON letter (parent) WHERE parent IS NOT NULL;
CREATE INDEX letter_by_seen_id ON letter (message_id_seen) WHERE message_id_seen <> message_id_sent;

-- Everything that happened to a letter. Folding it gives the letter's state.
CREATE TABLE step (
  letter   TEXT    NOT NULL REFERENCES letter (id),
  n        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  event    TEXT    NOT NULL,
  code     INTEGER,                         -- the server's reply, where one caused it
  enhanced TEXT,
  text     TEXT,
  PRIMARY KEY (letter, n)
) STRICT, WITHOUT ROWID;

-- Folders of a mailbox, with the cursor: how far each was read.
CREATE TABLE folder (
  mailbox      TEXT NOT NULL REFERENCES mailbox (address),
  name         TEXT NOT NULL,               -- as the server writes it: modified UTF-7
  shown        TEXT NOT NULL,
  role         TEXT NOT NULL,
  found_by     TEXT NOT NULL,
  uid_validity INTEGER,                     -- NULL: never read
  uid          INTEGER,
  read_at      INTEGER,
  PRIMARY KEY (mailbox, name)
) STRICT, WITHOUT ROWID;

-- Where a letter of ours is now, at its recipient. Keyed by letter id: servers rewrite Message-IDs.
CREATE TABLE sighting (
  mailbox      TEXT    NOT NULL REFERENCES mailbox (address),
  letter       TEXT    NOT NULL REFERENCES letter (id),
  folder       TEXT    NOT NULL,
  role         TEXT    NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  flags        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (mailbox, letter)
) STRICT, WITHOUT ROWID;

-- Messages that carry our header and are not acted on: a second copy, or a mark that does not hold.
CREATE TABLE refused_mark (
  mailbox      TEXT    NOT NULL REFERENCES mailbox (address),
  folder       TEXT    NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  why          TEXT    NOT NULL,            -- duplicate, shape, key, signature, unknown_letter, not_for_us
  letter       TEXT,
  at           INTEGER NOT NULL,
  PRIMARY KEY (mailbox, folder, uid_validity, uid)
) STRICT, WITHOUT ROWID;

-- What a recipient will do, and did: rescue, open, important, flag, answered.
CREATE TABLE action (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),
  letter   TEXT    NOT NULL REFERENCES letter (id),
  kind     TEXT    NOT NULL,
  due      INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  done_at  INTEGER,
  result   TEXT,                            -- NULL while due; done, not_permitted, gone, given_up
  PRIMARY KEY (letter, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX action_due ON action (mailbox, due) WHERE result IS NULL;

-- What an answer needs of its parent, kept when the parent was opened.
CREATE TABLE opened (
  letter     TEXT    NOT NULL PRIMARY KEY REFERENCES letter (id),
  at         INTEGER NOT NULL,
  message_id TEXT    NOT NULL,
  refs       TEXT    NOT NULL,              -- message ids, one a line
  subject    TEXT    NOT NULL,
  text       TEXT    NOT NULL,
  from_name  TEXT,
  date       TEXT    NOT NULL               -- RFC 3339 with the sender's offset
) STRICT, WITHOUT ROWID;

-- Sending is stopped: `all`, `domain:<domain>`, `mailbox:<address>`.
CREATE TABLE pause (
  scope  TEXT    NOT NULL PRIMARY KEY,
  since  INTEGER NOT NULL,
  reason TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The last error of a mailbox on a channel (smtp, imap, spam_folder); gone when it works again.
CREATE TABLE trouble (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),
  channel  TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  step     TEXT    NOT NULL,
  what     TEXT    NOT NULL,
  hint     TEXT    NOT NULL,
  sign_in  INTEGER NOT NULL,                -- 1: a person has to act before it can sign in
  retry_at INTEGER NOT NULL,
  PRIMARY KEY (mailbox, channel)
) STRICT, WITHOUT ROWID;

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
