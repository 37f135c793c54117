-- Reports and answers name a letter by the Message-ID that its recipient's server shows, where that one replaced it. Few letters are in here.
CREATE INDEX letter_by_seen_id ON letter (message_id_seen) WHERE message_id_seen <> message_id_sent;
