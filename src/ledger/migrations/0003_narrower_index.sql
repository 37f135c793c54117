-- Only letters that were handed over are settled: those that are planned need not move in this index too.
DROP INDEX letter_to_settle;
CREATE INDEX letter_to_settle ON letter (sender, state) WHERE state IN ('handed', 'uncertain');
