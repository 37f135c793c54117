//! What is worth a word about real mail: numbers that would not be what they seem.

use std::collections::BTreeMap;

use crate::words::{OutsideMail, Role};

use super::findings::Findings;
use super::mailbox::ReadMailbox;
use super::model::{Mailbox, Schedule};
use super::provider_facts;
use super::tree::Place;

/// Remarks on `outside_mail`, once for each place where it is set, and on schedules whose `share` makes room for mail that nobody counts.
pub fn remark_on_outside_mail(read: &[ReadMailbox], schedules: &BTreeMap<String, Schedule>, f: &mut Findings<'_>) {
    f.about_the_config();
    let mut no_copies: BTreeMap<Place, Vec<&Mailbox>> = BTreeMap::new();
    let mut not_counted: BTreeMap<&str, (Place, Vec<&Mailbox>)> = BTreeMap::new();
    for (mailbox, at) in read.iter().filter_map(|r| Some((r.mailbox.as_ref()?, r.outside_mail_at))) {
        if mailbox.role != Role::Warming {
            continue;
        }
        if mailbox.outside_mail == Some(OutsideMail::SentFolder) && !provider_facts(mailbox.provider).keeps_sent_copies {
            no_copies.entry(at).or_default().push(mailbox);
        }
        let schedule = mailbox.schedule.as_deref().filter(|name| schedules.get(*name).is_some_and(|s| s.share < 1.0));
        if let Some(name) = schedule.filter(|_| !mailbox.outside_mail.is_some_and(OutsideMail::is_counted)) {
            not_counted.entry(name).or_insert((at, Vec::new())).1.push(mailbox);
        }
    }
    for (at, mailboxes) in no_copies {
        let what =
            format!("{} may send more than its Sent folder shows: its provider keeps no copies of mail sent over SMTP", whose(&mailboxes));
        f.warning(
            at,
            what,
            "only what a mail client puts there is counted; for the rest, set `outside_mail: reported` and use `preheat sent report`",
        );
    }
    for (name, (at, mailboxes)) in not_counted {
        let what = format!("`share` of schedule {name} makes room for real mail, and nobody counts that of {}", whose(&mailboxes));
        f.warning(at, what, "set `outside_mail: sent_folder` or `reported`; without it, `share` only lowers what is warmed up");
    }
}

fn whose(mailboxes: &[&Mailbox]) -> String {
    match mailboxes {
        [first, others @ ..] if !others.is_empty() => format!("{} (and {} more)", first.address, others.len()),
        [one] => one.address.to_string(),
        _ => String::new(),
    }
}
