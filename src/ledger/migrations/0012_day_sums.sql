-- What became of a day's letters, counted as it happens: health and status ask for two weeks of it, of every mailbox. No triggers: with one on it, each
-- UPDATE of a letter costs twice as much.

ALTER TABLE mailbox ADD COLUMN provider TEXT NOT NULL DEFAULT 'generic'; -- who runs it, as the config said at the last run

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
-- The same as the letters themselves have it: for this migration, for `ledger check`, and where sums are made anew.
CREATE VIEW day_sum_counted AS
  SELECT l.sender AS mailbox, l.date AS date, m.provider AS provider, count(l.handed_at) AS sent, sum(l.state IN ('handed', 'accepted')) AS waiting,
    sum(l.placement IS 'inbox') AS inbox, sum(l.placement IS 'category') AS category, sum(l.placement IS 'spam') AS spam,
    sum(l.placement IS 'filed') AS filed, count(l.rescued_at) AS rescued, sum(l.state = 'missing') AS missing,
    sum(l.state = 'unaccounted') AS unaccounted, sum(l.state = 'uncertain') AS uncertain, sum(l.state = 'bounced') AS bounced,
    sum(l.state = 'rejected') AS rejected
  FROM letter l JOIN mailbox m ON m.address = l.recipient WHERE l.handed_at IS NOT NULL OR l.state = 'rejected'
  GROUP BY l.sender, l.date, m.provider;
INSERT INTO day_sum SELECT * FROM day_sum_counted;

-- Few letters are ever refused, and the guard asks for them often.
CREATE INDEX letter_refused ON letter (sender, date) WHERE attempts > 0 OR state = 'rejected';
