-- Pruning: what is kept of letters that are gone. And sums that were counted over all sightings of a year for each question.

-- Where letters went is found by the letter, too.
CREATE INDEX moved_by_letter ON moved (letter);

CREATE TABLE pruned (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  before TEXT    NOT NULL,                  -- a date
  at     INTEGER NOT NULL
) STRICT;

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

CREATE TABLE pruned_signal (
  mailbox TEXT    NOT NULL REFERENCES mailbox (address),
  date    TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  kind    TEXT    NOT NULL,
  signals INTEGER NOT NULL,
  PRIMARY KEY (mailbox, date, scope, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE pruned_space (
  mailbox        TEXT    NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  messages       INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  put_away       INTEGER NOT NULL,
  put_away_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE space (
  mailbox        TEXT    NOT NULL PRIMARY KEY REFERENCES mailbox (address),
  messages       INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  put_away       INTEGER NOT NULL,
  put_away_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO space (mailbox, messages, bytes, put_away, put_away_bytes)
  SELECT mailbox, count(*) FILTER (WHERE tidied IS NULL), coalesce(sum(size) FILTER (WHERE tidied IS NULL), 0),
    count(*) FILTER (WHERE tidied = 'moved'), coalesce(sum(size) FILTER (WHERE tidied = 'moved'), 0)
  FROM sighting GROUP BY mailbox;

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
