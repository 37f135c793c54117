//! Setting flags and keywords, where the folder permits them.

use std::collections::BTreeSet;

use super::Imap;
use super::exec::Stream;
use super::select::Selected;
use super::sets::{UidSet, distinct, uid_sets};
use crate::mail::{Flag, FolderName, MailError, Step, Trouble, Uid};
use crate::words::Reply;

/// One STORE: what it does, and for which of the caller's flags.
#[derive(Debug, PartialEq, Eq)]
struct Store {
    item: String,
    flags: Vec<Flag>,
    /// Keywords may be refused one by one: such a NO means "not permitted", not that something is wrong.
    optional: bool,
}

impl<S: Stream> Imap<S> {
    /// Gives the flags that could not be set, in their own order, each once.
    pub(super) async fn store_flags(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        flags: &[Flag],
    ) -> Result<Vec<Flag>, MailError> {
        let selected = self.enter_for(folder, uid_validity).await?;
        let (stores, mut left_out) = plan(&selected, flags, self.can.has("X-GM-EXT-1"));
        let sets = uid_sets(&distinct(uids));
        for store in stores {
            for set in &sets {
                if !self.store(set, &store).await? {
                    left_out.extend(&store.flags);
                    break;
                }
            }
        }
        Ok(left_out.into_iter().collect())
    }

    /// False where the server refused a keyword.
    async fn store(&mut self, set: &UidSet, store: &Store) -> Result<bool, MailError> {
        match self.talk.exec(Step::Store, &format!("UID STORE {} {}", set.text, store.item)).await {
            Ok(_) => Ok(true),
            Err(e) if store.optional && matches!(&e.trouble, Trouble::Refused(reply) if reply.code == Reply::NO) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// The commands for `flags`, and those flags that the folder does not permit.
fn plan(selected: &Selected, flags: &[Flag], gmail: bool) -> (Vec<Store>, BTreeSet<Flag>) {
    let wanted: BTreeSet<Flag> = flags.iter().copied().collect();
    let mut left_out = BTreeSet::new();
    let mut system: Vec<(Flag, &str)> = Vec::new();
    let mut stores = Vec::new();
    for flag in wanted {
        let (name, is_system) = match flag {
            Flag::Seen => ("\\Seen", true),
            Flag::Flagged => ("\\Flagged", true),
            Flag::Answered => ("\\Answered", true),
            Flag::Important if gmail => {
                stores.push(Store { item: "+X-GM-LABELS (\\Important)".into(), flags: vec![flag], optional: false });
                continue;
            }
            Flag::Important => ("$Important", false),
            Flag::NotJunk => ("$NotJunk", false),
        };
        if !selected.permits(name) {
            left_out.insert(flag);
        } else if is_system {
            system.push((flag, name));
        } else {
            stores.push(Store { item: format!("+FLAGS.SILENT ({name})"), flags: vec![flag], optional: true });
        }
        if flag == Flag::NotJunk && selected.permits("$Junk") {
            stores.push(Store { item: "-FLAGS.SILENT ($Junk)".into(), flags: Vec::new(), optional: true });
        }
    }
    if !system.is_empty() {
        let names: Vec<&str> = system.iter().map(|(_, name)| *name).collect();
        let flags = system.iter().map(|(flag, _)| *flag).collect();
        stores.insert(0, Store { item: format!("+FLAGS.SILENT ({})", names.join(" ")), flags, optional: false });
    }
    (stores, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(permanent: Option<&[&str]>, read_only: bool, gmail: bool) -> (Vec<String>, Vec<Flag>) {
        let permanent = permanent.map(|flags| flags.iter().map(|f| (*f).to_owned()).collect());
        let selected = Selected { wire: "INBOX".into(), uid_validity: 1, uid_next: 1, read_only, permanent };
        let all = [Flag::NotJunk, Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Important, Flag::Seen];
        let (stores, left_out) = plan(&selected, &all, gmail);
        (stores.into_iter().map(|s| s.item).collect(), left_out.into_iter().collect())
    }

    #[test]
    fn flags_go_together_and_keywords_only_where_they_are_permitted() {
        let system = "+FLAGS.SILENT (\\Seen \\Flagged \\Answered)".to_owned();
        let (important, not_junk, off_junk) =
            ("+FLAGS.SILENT ($Important)".to_owned(), "+FLAGS.SILENT ($NotJunk)".to_owned(), "-FLAGS.SILENT ($Junk)".to_owned());
        let all = vec![system.clone(), important, not_junk.clone(), off_junk.clone()];
        assert_eq!(planned(None, false, false), (all.clone(), vec![]), "nothing said: anything may be set");
        assert_eq!(planned(Some(&["\\Seen", "\\Flagged", "\\Answered", "\\*"]), false, false), (all, vec![]));
        assert_eq!(
            planned(Some(&["\\seen", "\\flagged", "\\answered"]), false, false),
            (vec![system.clone()], vec![Flag::Important, Flag::NotJunk])
        );
        assert_eq!(
            planned(Some(&["\\Seen", "$notjunk", "$Junk"]), false, false),
            (
                vec!["+FLAGS.SILENT (\\Seen)".into(), not_junk.clone(), off_junk.clone()],
                vec![Flag::Flagged, Flag::Answered, Flag::Important]
            )
        );
        assert_eq!(planned(None, false, true), (vec![system, "+X-GM-LABELS (\\Important)".into(), not_junk, off_junk], vec![]));
        assert_eq!(planned(None, true, false).1, [Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Important, Flag::NotJunk]);
        assert_eq!(planned(None, true, false).0, Vec::<String>::new());
    }
}
