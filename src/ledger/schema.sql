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
, provider TEXT NOT NULL DEFAULT 'generic') STRICT, WITHOUT ROWID;

-- Who owns a resource's work: `planner`, `mailbox:<address>`. Real time, never plan time.
CREATE TABLE lease (
  resource   TEXT    NOT NULL PRIMARY KEY,
  holder     TEXT    NOT NULL,              -- empty: released
  fence      INTEGER NOT NULL,              -- grows with every change of holder
  renewed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A mailbox's local date: its quota, how that came about, and what it was spent on. Unoffered are, besides those that came too late, letters whose
-- recipient was suspended, suppressed or gone.
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
  unoffered     INTEGER NOT NULL DEFAULT 0,      -- letters that the window could not hold any more
  made_at  INTEGER NOT NULL, total INTEGER CHECK (total >= quota),
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
CREATE INDEX letter_by_day ON letter (sender, date, parent);
CREATE INDEX letter_by_recipient_day ON letter (recipient, date);
CREATE INDEX letter_to_send ON letter (sender, date, due) WHERE state IN ('planned', 'deferred');
CREATE INDEX letter_to_find ON letter (recipient, handed_at) WHERE handed_at IS NOT NULL AND seen_at IS NULL;
CREATE INDEX letter_to_settle ON letter (sender, state) WHERE state IN ('handed', 'uncertain');
CREATE INDEX letter_by_parent ON letter (parent) WHERE parent IS NOT NULL;
CREATE INDEX letter_by_seen_id ON letter (message_id_seen) WHERE message_id_seen <> message_id_sent;

-- Everything that happened to a letter. Folding it gives the letter's state. `text`: the server's words, why it was skipped, where it was first seen.
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

-- Where a letter went after it was first seen: out of spam, whoever did it; into spam, by its provider; put away by its recipient (tidied, deleted).
-- A letter may go more than once.
CREATE TABLE moved (
  at     INTEGER NOT NULL,
  letter TEXT    NOT NULL REFERENCES letter (id),
  event  TEXT    NOT NULL,                  -- rescued, moved_to_spam
  PRIMARY KEY (at, letter, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX moved_by_letter ON moved (letter);

-- Letters to which something (a step, an action) happened far from the date that their id begins with: more than 3 days before it, or more than 10
-- after it. What happened near it is found by the id: reading a day of a year needs no index of times, which every step would have to pay for.
CREATE TABLE stray (
  at     INTEGER NOT NULL,
  letter TEXT    NOT NULL REFERENCES letter (id),
  PRIMARY KEY (at, letter)
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

-- Where a letter of ours is now, at its recipient; and where its sender's server keeps a copy (role sent). Keyed by letter id: servers rewrite Message-IDs.
-- size: bytes; NULL: not asked for. marked: 1 if its mark held, nobody acts on it otherwise. tidied: moved, deleted, gone; NULL: not put away.
CREATE TABLE sighting (
  mailbox      TEXT    NOT NULL REFERENCES mailbox (address),
  letter       TEXT    NOT NULL REFERENCES letter (id),
  folder       TEXT    NOT NULL,
  role         TEXT    NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  flags        TEXT    NOT NULL,
  at           INTEGER NOT NULL, size INTEGER, marked INTEGER NOT NULL DEFAULT 0, tidied TEXT,
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

-- Sending is stopped: `all`, `domain:<domain>`, `mailbox:<address>`. Rows are never deleted. In force: not lifted.
CREATE TABLE pause (
  scope     TEXT    NOT NULL,
  since     INTEGER NOT NULL,
  reason    TEXT    NOT NULL,
  lifted_at INTEGER CHECK (lifted_at >= since),
  PRIMARY KEY (scope, since)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pause_in_force ON pause (scope) WHERE lifted_at IS NULL;

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

-- Every trouble that there was. Rows are never deleted: `trouble` has those that are not over.
CREATE TABLE trouble_history (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),
  channel  TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  step     TEXT    NOT NULL,                -- as they were when it began
  what     TEXT    NOT NULL,
  hint     TEXT    NOT NULL,
  sign_in  INTEGER NOT NULL,
  ended_at INTEGER CHECK (ended_at >= since),
  PRIMARY KEY (mailbox, channel, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX trouble_history_by_since ON trouble_history (since);
CREATE INDEX trouble_history_by_end ON trouble_history (ended_at) WHERE ended_at IS NOT NULL;

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
CREATE INDEX signal_by_at ON signal (at);
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
CREATE INDEX suppression_by_since ON suppression (since);
CREATE INDEX suppression_by_lifting ON suppression (lifted_at) WHERE lifted_at IS NOT NULL;

-- What the guard said of a date, once: of a mailbox (with its domain's word, where that is harsher), of a domain, of a route.
CREATE TABLE verdict (
  subject TEXT    NOT NULL,                 -- mailbox:<address>, domain:<domain>, route:<domain>/<provider>
  date    TEXT    NOT NULL,                 -- the subject's local date that was judged
  at      INTEGER NOT NULL,
  verdict TEXT    NOT NULL,                 -- advance, hold, step_back, floor, pause, rest
  until   TEXT,                             -- a date, a moment, check_is_clean, person_acts; NULL: for the day
  rulings TEXT    NOT NULL,                 -- JSON: what was said, the harshest first, each with its figures and its sentence
  PRIMARY KEY (subject, date)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdict_by_at ON verdict (at);

-- A person ended the guard's pauses: `all`, `domain:<domain>`, `mailbox:<address>`. The last time.
CREATE TABLE lifted (
  scope TEXT    NOT NULL PRIMARY KEY,
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the last `check` found of a domain's mailboxes.
CREATE TABLE checked (
  domain   TEXT    NOT NULL PRIMARY KEY,
  at       INTEGER NOT NULL,
  errors   INTEGER NOT NULL,
  warnings INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a domain was ready, with the evidence.
CREATE TABLE ready (
  domain   TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  until    INTEGER CHECK (until >= since),  -- NULL: still
  evidence TEXT    NOT NULL,                -- JSON
  PRIMARY KEY (domain, since)
) STRICT, WITHOUT ROWID;

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

-- How far a mailbox was tidied.
CREATE TABLE tidy (
  mailbox TEXT NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  date    TEXT NOT NULL,                    -- its local date when that was done last
  below   TEXT NOT NULL                     -- letters whose ids come before it are put away, or stay where they are
) STRICT, WITHOUT ROWID;

-- Up to which date letters were pruned: of threads that began before it, those are gone that were at their end then. At most one row.
CREATE TABLE pruned (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  before TEXT    NOT NULL,                  -- a date
  at     INTEGER NOT NULL
) STRICT;

-- What became of letters that were pruned, by the day that they counted against.
CREATE TABLE pruned_sum (
  mailbox  TEXT    NOT NULL REFERENCES mailbox (address),  -- the sender
  date     TEXT    NOT NULL,
  state    TEXT    NOT NULL,
  detail   TEXT    NOT NULL,                -- why they were skipped, or where they were first seen; empty for neither
  letters  INTEGER NOT NULL,
  answers  INTEGER NOT NULL,
  handed   INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  rescued  INTEGER NOT NULL,
  PRIMARY KEY (mailbox, date, state, detail)
) STRICT, WITHOUT ROWID;

-- How many signals of a date were pruned.
CREATE TABLE pruned_signal (
  mailbox TEXT    NOT NULL REFERENCES mailbox (address),
  date    TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  kind    TEXT    NOT NULL,
  signals INTEGER NOT NULL,
  PRIMARY KEY (mailbox, date, scope, kind)
) STRICT, WITHOUT ROWID;

-- The room that copies of pruned letters took when they were seen last.
CREATE TABLE pruned_space (
  mailbox        TEXT    NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  messages       INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  put_away       INTEGER NOT NULL,
  put_away_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The room that a mailbox's sightings take: kept by triggers, because nobody wants to count a year of them.
CREATE TABLE space (
  mailbox        TEXT    NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  messages       INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  put_away       INTEGER NOT NULL,
  put_away_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER space_grows AFTER INSERT ON sighting BEGIN
  INSERT INTO space (mailbox, messages, bytes, put_away, put_away_bytes)
    VALUES (NEW.mailbox, NEW.tidied IS NULL, iif(NEW.tidied IS NULL, coalesce(NEW.size, 0), 0),
      NEW.tidied IS 'moved', iif(NEW.tidied IS 'moved', coalesce(NEW.size, 0), 0))
    ON CONFLICT (mailbox) DO UPDATE SET messages = messages + excluded.messages, bytes = bytes + excluded.bytes,
      put_away = put_away + excluded.put_away, put_away_bytes = put_away_bytes + excluded.put_away_bytes;
END;
CREATE TRIGGER space_changes AFTER UPDATE OF size, tidied ON sighting WHEN OLD.size IS NOT NEW.size OR OLD.tidied IS NOT NEW.tidied BEGIN
  UPDATE space SET
    messages = messages + (NEW.tidied IS NULL) - (OLD.tidied IS NULL),
    bytes = bytes + iif(NEW.tidied IS NULL, coalesce(NEW.size, 0), 0) - iif(OLD.tidied IS NULL, coalesce(OLD.size, 0), 0),
    put_away = put_away + (NEW.tidied IS 'moved') - (OLD.tidied IS 'moved'),
    put_away_bytes = put_away_bytes + iif(NEW.tidied IS 'moved', coalesce(NEW.size, 0), 0) - iif(OLD.tidied IS 'moved', coalesce(OLD.size, 0), 0)
    WHERE mailbox = NEW.mailbox;
END;
CREATE TRIGGER space_shrinks AFTER DELETE ON sighting BEGIN
  UPDATE space SET
    messages = messages - (OLD.tidied IS NULL),
    bytes = bytes - iif(OLD.tidied IS NULL, coalesce(OLD.size, 0), 0),
    put_away = put_away - (OLD.tidied IS 'moved'),
    put_away_bytes = put_away_bytes - iif(OLD.tidied IS 'moved', coalesce(OLD.size, 0), 0)
    WHERE mailbox = OLD.mailbox;
END;

CREATE TABLE day_sum (
  mailbox     TEXT    NOT NULL REFERENCES mailbox (address),  -- the sender
  date        TEXT    NOT NULL,
  provider    TEXT    NOT NULL,             -- the recipients'
  sent        INTEGER NOT NULL DEFAULT 0,   -- handed over
  waiting     INTEGER NOT NULL DEFAULT 0,   -- of those: not seen yet, and nothing else known
  inbox       INTEGER NOT NULL DEFAULT 0,
  category    INTEGER NOT NULL DEFAULT 0,
  spam        INTEGER NOT NULL DEFAULT 0,
  filed       INTEGER NOT NULL DEFAULT 0,
  rescued     INTEGER NOT NULL DEFAULT 0,
  missing     INTEGER NOT NULL DEFAULT 0,
  unaccounted INTEGER NOT NULL DEFAULT 0,
  uncertain   INTEGER NOT NULL DEFAULT 0,
  bounced     INTEGER NOT NULL DEFAULT 0,
  rejected    INTEGER NOT NULL DEFAULT 0,   -- handed over before or not
  PRIMARY KEY (mailbox, date, provider)
) STRICT, WITHOUT ROWID;
CREATE VIEW day_sum_counted AS
  SELECT l.sender AS mailbox, l.date AS date, m.provider AS provider, count(l.handed_at) AS sent, sum(l.state IN ('handed', 'accepted')) AS waiting,
    sum(l.placement IS 'inbox') AS inbox, sum(l.placement IS 'category') AS category, sum(l.placement IS 'spam') AS spam,
    sum(l.placement IS 'filed') AS filed, count(l.rescued_at) AS rescued, sum(l.state = 'missing') AS missing,
    sum(l.state = 'unaccounted') AS unaccounted, sum(l.state = 'uncertain') AS uncertain, sum(l.state = 'bounced') AS bounced,
    sum(l.state = 'rejected') AS rejected
  FROM letter l JOIN mailbox m ON m.address = l.recipient WHERE l.handed_at IS NOT NULL OR l.state = 'rejected'
  GROUP BY l.sender, l.date, m.provider;

CREATE INDEX letter_refused ON letter (sender, date) WHERE attempts > 0 OR state = 'rejected';
