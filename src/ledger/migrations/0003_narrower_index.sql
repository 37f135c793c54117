-- Only letters that were handed over are settled: those that are planned need not move in this index too.
DROP INDEX letter_to_settle;
CREATE INDEX letter_to_settle ON letter (sender, state) WHERE state IN ('handed', 'uncertain');
-- SQLite makes a table of its own for a list of three or more, twice for each UPDATE of a letter's state.
DROP INDEX letter_to_find;
CREATE INDEX letter_to_find ON letter (recipient, state) WHERE state IN ('handed', 'uncertain') OR state = 'accepted';
