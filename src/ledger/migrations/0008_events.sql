-- What the event stream tells, and the ledger forgot or could not find quickly.

-- Pauses are kept: what is lifted stays, with when it was.
ALTER TABLE pause RENAME TO earlier_pause;
CREATE TABLE pause (
  scope     TEXT    NOT NULL,
  since     INTEGER NOT NULL,
  reason    TEXT    NOT NULL,
  lifted_at INTEGER CHECK (lifted_at >= since),
  PRIMARY KEY (scope, since)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pause_in_force ON pause (scope) WHERE lifted_at IS NULL;
INSERT INTO pause (scope, since, reason) SELECT scope, since, reason FROM earlier_pause;
DROP TABLE earlier_pause;

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
INSERT INTO trouble_history (mailbox, channel, since, step, what, hint, sign_in)
  SELECT mailbox, channel, since, step, what, hint, sign_in FROM trouble;

CREATE TABLE moved (
  at     INTEGER NOT NULL,
  letter TEXT    NOT NULL REFERENCES letter (id),
  event  TEXT    NOT NULL,                  -- rescued, moved_to_spam
  PRIMARY KEY (at, letter, event)
) STRICT, WITHOUT ROWID;
INSERT INTO moved (at, letter, event) SELECT rescued_at, id, 'rescued' FROM letter WHERE rescued_at IS NOT NULL;

CREATE TABLE stray (
  at     INTEGER NOT NULL,
  letter TEXT    NOT NULL REFERENCES letter (id),
  PRIMARY KEY (at, letter)
) STRICT, WITHOUT ROWID;
INSERT INTO stray (at, letter)
  SELECT at, letter FROM (SELECT at, letter FROM step UNION SELECT done_at, letter FROM action WHERE done_at IS NOT NULL)
  WHERE letter < format('%04x', max(at / 86400000 - 10, 0)) OR letter >= format('%04x', at / 86400000 + 4);

CREATE INDEX signal_by_at ON signal (at);
CREATE INDEX suppression_by_since ON suppression (since);
CREATE INDEX suppression_by_lifting ON suppression (lifted_at) WHERE lifted_at IS NOT NULL;
