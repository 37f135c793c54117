-- What the guard said, by subject and date.
CREATE TABLE verdict (
  subject TEXT NOT NULL,   -- guard::Subject as Display writes it: mailbox:a@b, domain:b, route:b/gmail
  date    TEXT NOT NULL,   -- the subject's local date that was judged
  at      INTEGER NOT NULL,
  verdict TEXT NOT NULL,   -- advance, hold, step_back, floor, pause, rest
  until   TEXT,            -- guard::Until as Display writes it; NULL: for the day
  rulings TEXT NOT NULL,   -- JSON: guard::Ruling as serde writes them, the harshest first
  PRIMARY KEY (subject, date)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdict_by_at ON verdict (at);
