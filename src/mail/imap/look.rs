//! Looking: what is new in a folder. Headers only, and only by PEEK: nothing here marks a message as read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{Datelike, TimeDelta};

use super::Imap;
use super::answer::Fetched;
use super::exec::Stream;
use super::select::Selected;
use super::sets::{distinct, uid_sets};
use crate::classify::GLANCED;
use crate::mail::{Cursor, FolderName, Header, Look, MailError, Step, StoredFlags, Trouble, Uid};
use crate::words::Moment;

/// What a look fetches of each message: what letters of ours are known by, and what tells whether another message has to be read.
pub(super) static ITEMS: LazyLock<String> = LazyLock::new(|| {
    let fields = GLANCED.join(" ");
    format!("(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({fields} To Cc Bcc Date X-Microsoft-Original-Message-ID)])")
});

/// The most messages in one look.
const BATCH: usize = 5_000;
/// The most UIDs of one FETCH in a folder that may hold more new messages than a look takes.
const WINDOW: u32 = 500;
/// How many such windows one look goes through: where UIDs are sparse, most of them are empty.
const WINDOWS: usize = 100;
/// The most bytes of headers in one look.
const BATCH_BYTES: usize = 16 << 20;
/// The longest header block that is kept of a message.
const LONGEST_HEADER: usize = 64 << 10;
/// The most messages that one SEARCH may find: its answer is one line, and the wire limits lines to 64 KiB.
const SEARCHED: u32 = 5_000;
/// The most such parts of one folder: five million messages.
const SEARCHES: u32 = 1_000;
/// Gmail's tabs beside the primary one.
const CATEGORIES: [&str; 4] = ["promotions", "social", "updates", "forums"];

/// What was fetched in a look so far.
#[derive(Debug, Default)]
struct Batch {
    headers: BTreeMap<u32, Header>,
    bytes: usize,
    /// Every UID up to here was read.
    read_to: u32,
    more: bool,
}

impl<S: Stream> Imap<S> {
    pub(super) async fn look_into(&mut self, folder: &FolderName, cursor: Option<Cursor>, since: Moment) -> Result<Look, MailError> {
        let selected = self.enter(folder).await?;
        self.talk.counts.news = false;
        let renumbered = cursor.is_some_and(|c| c.uid_validity != selected.uid_validity || selected.is_behind(c.uid));
        let mut batch = match cursor {
            Some(cursor) if !renumbered => self.fetch_above(&selected, cursor.uid).await?,
            _ => self.fetch_since(&selected, since).await?,
        };
        if batch.headers.len() > BATCH {
            batch.headers = std::mem::take(&mut batch.headers).into_iter().take(BATCH).collect();
            batch.read_to = batch.headers.last_key_value().map_or(batch.read_to, |(uid, _)| *uid);
            batch.more = true;
        }
        if selected.wire.eq_ignore_ascii_case("INBOX") && self.can.has("X-GM-EXT-1") {
            self.tell_categories(&mut batch.headers).await?;
        }
        let next = batch.read_to.saturating_add(1);
        if let Some(selected) = &mut self.selected {
            selected.has_reached(next);
        }
        self.looked.insert(selected.wire, next);
        let cursor = Cursor { uid_validity: selected.uid_validity, uid: batch.read_to };
        Ok(Look { uid_validity: selected.uid_validity, renumbered, cursor, new: batch.headers.into_values().collect(), more: batch.more })
    }

    /// Messages above `last`. In a folder that may hold more of them than a look takes, window by window.
    async fn fetch_above(&mut self, selected: &Selected, last: u32) -> Result<Batch, MailError> {
        let known_end = selected.uid_next.saturating_sub(1);
        let mut batch = Batch { read_to: last, ..Batch::default() };
        for _ in 0..WINDOWS {
            let Some(next) = batch.read_to.checked_add(1) else { return Ok(batch) };
            let end = next.saturating_add(WINDOW - 1);
            if self.talk.counts.exists as usize <= BATCH || end >= known_end {
                if self.talk.counts.exists > 0 {
                    self.fetch_headers(&format!("{next}:*"), &mut batch, |uid| uid >= next).await?;
                }
                let highest = batch.headers.last_key_value().map_or(0, |(uid, _)| *uid);
                batch.read_to = batch.read_to.max(known_end).max(highest);
                return Ok(batch);
            }
            self.fetch_headers(&format!("{next}:{end}"), &mut batch, |uid| (next..=end).contains(&uid)).await?;
            batch.read_to = end;
            if batch.headers.len() + WINDOW as usize > BATCH || batch.bytes > BATCH_BYTES {
                break;
            }
        }
        batch.more = true;
        Ok(batch)
    }

    /// Messages that came since a day before `since`: servers compare dates, without time or zone.
    async fn fetch_since(&mut self, selected: &Selected, since: Moment) -> Result<Batch, MailError> {
        let found = self.search_all(&format!("SINCE {}", search_date(since))).await?;
        let wanted: BTreeSet<u32> = found.iter().copied().take(BATCH).collect();
        let mut batch = Batch { more: wanted.len() < found.len(), ..Batch::default() };
        for set in uid_sets(&wanted) {
            self.fetch_headers(&set.text, &mut batch, |uid| set.uids.contains(&uid)).await?;
            batch.read_to = set.uids.last().copied().unwrap_or(batch.read_to);
            if batch.bytes > BATCH_BYTES && batch.read_to < wanted.last().copied().unwrap_or(0) {
                batch.more = true;
                break;
            }
        }
        if !batch.more {
            // Older messages are below the cursor for good.
            batch.read_to = batch.read_to.max(selected.uid_next.saturating_sub(1));
        }
        if batch.read_to == 0 && self.talk.counts.exists > 0 {
            batch.read_to = self.highest_uid().await?;
        }
        Ok(batch)
    }

    /// Messages of the whole folder that fit `criteria`, looked for part by part: the answer to a SEARCH is one line, and the wire limits
    /// lines. From the newest messages down, so that one that is expunged meanwhile moves none past the search.
    pub(super) async fn search_all(&mut self, criteria: &str) -> Result<BTreeSet<u32>, MailError> {
        let mut found = BTreeSet::new();
        let mut top = self.talk.counts.exists;
        if top > SEARCHED * SEARCHES {
            let what = format!("{top} messages in one folder, {} is the limit", SEARCHED * SEARCHES);
            return Err(self.talk.error(Step::Search, Trouble::OverLimit(what)));
        }
        let mut newest = true;
        while top > 0 {
            let bottom = top.saturating_sub(SEARCHED - 1).max(1);
            let range = match (newest, bottom) {
                (true, 1) => String::new(),
                (true, _) => format!("{bottom}:* "),
                (false, _) => format!("{bottom}:{top} "),
            };
            found.extend(self.talk.exec(Step::Search, &format!("UID SEARCH {range}{criteria}")).await?.found());
            newest = false;
            // The folder may have shrunk meanwhile.
            top = (bottom - 1).min(self.talk.counts.exists);
        }
        found.remove(&0);
        Ok(found)
    }

    /// For servers that say no UIDNEXT.
    async fn highest_uid(&mut self) -> Result<u32, MailError> {
        let answer = self.talk.exec(Step::Fetch, "UID FETCH * (UID)").await?;
        Ok(answer.fetched().last_key_value().map_or(0, |(uid, _)| *uid))
    }

    /// Fetches headers into `batch`. `n:*` always names the last message, even where it is below n: `wanted` keeps it out.
    async fn fetch_headers(&mut self, set: &str, batch: &mut Batch, wanted: impl Fn(u32) -> bool) -> Result<(), MailError> {
        self.talk.keep = LONGEST_HEADER;
        let answer = self.talk.exec_within(self.talk.deadlines.fetch, Step::Fetch, &format!("UID FETCH {set} {}", *ITEMS)).await?;
        for (uid, fetched) in answer.fetched() {
            if wanted(uid)
                && let Some(header) = header_of(uid, fetched)
            {
                batch.bytes += header.raw.len();
                batch.headers.insert(uid, header);
            }
        }
        Ok(())
    }

    /// Gmail tells a message's tab only by way of a search.
    async fn tell_categories(&mut self, headers: &mut BTreeMap<u32, Header>) -> Result<(), MailError> {
        let uids: BTreeSet<u32> = headers.keys().copied().collect();
        for set in uid_sets(&uids) {
            for category in CATEGORIES {
                let command = format!("UID SEARCH UID {} X-GM-RAW \"category:{category}\"", set.text);
                for uid in self.talk.exec(Step::Search, &command).await?.found() {
                    if let Some(header) = headers.get_mut(&uid) {
                        header.category = Some(category.into());
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn fetch_flags(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<Vec<StoredFlags>, MailError> {
        self.enter_for(folder, uid_validity).await?;
        let mut flags = Vec::new();
        for set in uid_sets(&distinct(uids)) {
            let answer = self.talk.exec(Step::Fetch, &format!("UID FETCH {} (UID FLAGS)", set.text)).await?;
            let known = answer.fetched().into_iter().filter(|(uid, _)| set.uids.contains(uid));
            flags.extend(known.map(|(uid, fetched)| StoredFlags { uid: Uid(uid), flags: fetched.flags.unwrap_or_default() }));
        }
        Ok(flags)
    }
}

/// `None` for an answer that only tells of changed flags.
fn header_of(uid: u32, fetched: Fetched) -> Option<Header> {
    let raw = fetched.body?;
    let (flags, size) = (fetched.flags.unwrap_or_default(), fetched.size.unwrap_or_default());
    Some(Header { uid: Uid(uid), flags, received: fetched.received, size, raw, category: None })
}

/// The day before, as SEARCH wants it (`1-Dec-2026`): servers disregard the time and the zone of INTERNALDATE.
fn search_date(since: Moment) -> String {
    let day = since.utc().checked_sub_signed(TimeDelta::days(1)).filter(|d| (1970..=9999).contains(&d.year()));
    day.map_or_else(|| "1-Jan-1970".into(), |day| day.format("%-d-%b-%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_a_day_earlier_and_always_one_that_servers_read() {
        let date = |text: &str| search_date(Moment::parse_rfc3339(text).unwrap());
        assert_eq!(date("2026-12-01T23:59:00Z"), "30-Nov-2026");
        assert_eq!(date("2027-03-10T00:00:00Z"), "9-Mar-2027");
        assert_eq!(search_date(Moment(0)), "1-Jan-1970");
        assert_eq!(search_date(Moment(i64::MIN)), "1-Jan-1970");
    }
}
