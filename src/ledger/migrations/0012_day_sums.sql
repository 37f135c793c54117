-- What became of a day's letters, counted as it happens: health and status ask for two weeks of it, of every mailbox.

ALTER TABLE mailbox ADD COLUMN provider TEXT NOT NULL DEFAULT 'generic'; -- who runs it, as the config said at the last run

CREATE TABLE day_sum (
  mailbox     TEXT    NOT NULL REFERENCES mailbox (address),  -- the sender
  date        TEXT    NOT NULL,
  provider    TEXT    NOT NULL,             -- the recipients'
  sent        INTEGER NOT NULL,             -- handed over
  waiting     INTEGER NOT NULL,             -- of those: not seen yet, and nothing else known
  inbox       INTEGER NOT NULL,
  category    INTEGER NOT NULL,
  spam        INTEGER NOT NULL,
  filed       INTEGER NOT NULL,
  rescued     INTEGER NOT NULL,
  missing     INTEGER NOT NULL,
  unaccounted INTEGER NOT NULL,
  uncertain   INTEGER NOT NULL,
  bounced     INTEGER NOT NULL,
  rejected    INTEGER NOT NULL,             -- handed over before or not
  PRIMARY KEY (mailbox, date, provider)
) STRICT, WITHOUT ROWID;
INSERT INTO day_sum
  SELECT l.sender, l.date, m.provider, count(l.handed_at), sum(l.state IN ('handed', 'accepted')),
    sum(l.placement IS 'inbox'), sum(l.placement IS 'category'), sum(l.placement IS 'spam'), sum(l.placement IS 'filed'), count(l.rescued_at),
    sum(l.state = 'missing'), sum(l.state = 'unaccounted'), sum(l.state = 'uncertain'), sum(l.state = 'bounced'), sum(l.state = 'rejected')
  FROM letter l JOIN mailbox m ON m.address = l.recipient WHERE l.handed_at IS NOT NULL OR l.state = 'rejected'
  GROUP BY l.sender, l.date, m.provider;

-- A letter that was sent keeps its date, and its recipient for ever. That it was accepted changes no sum.
CREATE TRIGGER day_sum_grows AFTER INSERT ON letter WHEN NEW.handed_at IS NOT NULL OR NEW.state = 'rejected' BEGIN
  INSERT INTO day_sum VALUES (NEW.sender, NEW.date, (SELECT provider FROM mailbox WHERE address = NEW.recipient),
      NEW.handed_at IS NOT NULL, NEW.state IN ('handed', 'accepted'),
      NEW.placement IS 'inbox', NEW.placement IS 'category', NEW.placement IS 'spam', NEW.placement IS 'filed', NEW.rescued_at IS NOT NULL,
      NEW.state = 'missing', NEW.state = 'unaccounted', NEW.state = 'uncertain', NEW.state = 'bounced', NEW.state = 'rejected')
    ON CONFLICT DO UPDATE SET sent = sent + excluded.sent, waiting = waiting + excluded.waiting,
      inbox = inbox + excluded.inbox, category = category + excluded.category, spam = spam + excluded.spam, filed = filed + excluded.filed,
      rescued = rescued + excluded.rescued, missing = missing + excluded.missing, unaccounted = unaccounted + excluded.unaccounted,
      uncertain = uncertain + excluded.uncertain, bounced = bounced + excluded.bounced, rejected = rejected + excluded.rejected;
END;
CREATE TRIGGER day_sum_changes AFTER UPDATE OF state, handed_at, placement, rescued_at ON letter
  WHEN (OLD.handed_at IS NULL) <> (NEW.handed_at IS NULL) OR OLD.placement IS NOT NEW.placement OR (OLD.rescued_at IS NULL) <> (NEW.rescued_at IS NULL)
    OR (OLD.state <> NEW.state AND (NEW.state NOT IN ('accepted', 'deferred', 'skipped') OR OLD.state NOT IN ('planned', 'deferred', 'handed'))) BEGIN
  INSERT INTO day_sum VALUES (NEW.sender, NEW.date, (SELECT provider FROM mailbox WHERE address = NEW.recipient),
      (NEW.handed_at IS NOT NULL) - (OLD.handed_at IS NOT NULL),
      (NEW.state IN ('handed', 'accepted')) - (OLD.state IN ('handed', 'accepted')),
      (NEW.placement IS 'inbox') - (OLD.placement IS 'inbox'), (NEW.placement IS 'category') - (OLD.placement IS 'category'),
      (NEW.placement IS 'spam') - (OLD.placement IS 'spam'), (NEW.placement IS 'filed') - (OLD.placement IS 'filed'),
      (NEW.rescued_at IS NOT NULL) - (OLD.rescued_at IS NOT NULL),
      (NEW.state = 'missing') - (OLD.state = 'missing'), (NEW.state = 'unaccounted') - (OLD.state = 'unaccounted'),
      (NEW.state = 'uncertain') - (OLD.state = 'uncertain'), (NEW.state = 'bounced') - (OLD.state = 'bounced'),
      (NEW.state = 'rejected') - (OLD.state = 'rejected'))
    ON CONFLICT DO UPDATE SET sent = sent + excluded.sent, waiting = waiting + excluded.waiting,
      inbox = inbox + excluded.inbox, category = category + excluded.category, spam = spam + excluded.spam, filed = filed + excluded.filed,
      rescued = rescued + excluded.rescued, missing = missing + excluded.missing, unaccounted = unaccounted + excluded.unaccounted,
      uncertain = uncertain + excluded.uncertain, bounced = bounced + excluded.bounced, rejected = rejected + excluded.rejected;
END;
CREATE TRIGGER day_sum_shrinks AFTER DELETE ON letter WHEN OLD.handed_at IS NOT NULL OR OLD.state = 'rejected' BEGIN
  UPDATE day_sum SET sent = sent - (OLD.handed_at IS NOT NULL), waiting = waiting - (OLD.state IN ('handed', 'accepted')),
      inbox = inbox - (OLD.placement IS 'inbox'), category = category - (OLD.placement IS 'category'), spam = spam - (OLD.placement IS 'spam'),
      filed = filed - (OLD.placement IS 'filed'), rescued = rescued - (OLD.rescued_at IS NOT NULL), missing = missing - (OLD.state = 'missing'),
      unaccounted = unaccounted - (OLD.state = 'unaccounted'), uncertain = uncertain - (OLD.state = 'uncertain'),
      bounced = bounced - (OLD.state = 'bounced'), rejected = rejected - (OLD.state = 'rejected')
    WHERE mailbox = OLD.sender AND date = OLD.date AND provider = (SELECT provider FROM mailbox WHERE address = OLD.recipient);
  DELETE FROM day_sum WHERE mailbox = OLD.sender AND date = OLD.date AND sent = 0 AND rejected = 0;
END;

-- Few letters are ever refused, and the guard asks for them often.
CREATE INDEX letter_refused ON letter (sender, date) WHERE attempts > 0 OR state = 'rejected';
