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
