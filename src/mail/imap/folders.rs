//! Finding the folders, and what each is for.
//!
//! The server's word (SPECIAL-USE, RFC 6154) counts before the provider's known names, these before names in the languages of the
//! world; and the config's word counts before all of them.

use std::collections::BTreeSet;

use super::Imap;
use super::answer::{Datum, Listed, unescape};
use super::exec::Stream;
use super::names::{Known, fold, folder_name, known_as, known_at};
use crate::config::Mailbox;
use crate::mail::{Folder, MailError, Step, Trouble};
use crate::words::{FolderRole, Provider};

/// What the config says about folders.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub provider: Provider,
    pub spam: Option<String>,
    pub sent: Option<String>,
}

/// Where the user's own folders begin, and where other people's do (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces {
    personal: Vec<String>,
    foreign: Vec<String>,
}

/// The folders that the config names and that were not found: each with the role it should have had.
///
/// To be turned into findings by the caller; such a role stays open, nothing else is taken instead.
pub fn missing_folders<'a>(mailbox: &'a Mailbox, folders: &[Folder]) -> Vec<(FolderRole, &'a str)> {
    let wished = [(FolderRole::Spam, mailbox.spam_folder.as_deref()), (FolderRole::Sent, mailbox.sent_folder.as_deref())];
    let found = |role| folders.iter().any(|f| f.role == role && f.found_by == BY_CONFIG);
    wished.into_iter().filter_map(|(role, name)| name.map(|name| (role, name))).filter(|(role, _)| !found(*role)).collect()
}

const BY_CONFIG: &str = "the config";

/// Attributes of RFC 6154, and the role of a folder that has one.
const SPECIAL_USE: [(&str, FolderRole, &str); 6] = [
    ("\\junk", FolderRole::Spam, "SPECIAL-USE \\Junk"),
    ("\\sent", FolderRole::Sent, "SPECIAL-USE \\Sent"),
    ("\\trash", FolderRole::Trash, "SPECIAL-USE \\Trash"),
    ("\\drafts", FolderRole::Drafts, "SPECIAL-USE \\Drafts"),
    ("\\archive", FolderRole::Archive, "SPECIAL-USE \\Archive"),
    ("\\all", FolderRole::All, "SPECIAL-USE \\All"),
];

/// Folders that cannot be selected, and views of messages that are elsewhere (each letter would be seen twice).
const LEFT_OUT: [&str; 4] = ["\\noselect", "\\nonexistent", "\\flagged", "\\important"];

/// The longest name of a folder that is worked with, in bytes on the wire; servers stop at 250 or so.
const LONGEST_NAME: usize = 1_000;
/// The most folders that are worked with: each is read once in a while, and written down. Gmail has up to 10,000.
const MOST_FOLDERS: usize = 12_000;

impl<S: Stream> Imap<S> {
    /// Lists the folders with their roles.
    pub(super) async fn list_folders(&mut self) -> Result<Vec<Folder>, MailError> {
        let (listed, namespaces) = self.listed().await?;
        Ok(with_roles(listed, &namespaces, &self.wishes))
    }

    /// The folders as the server lists them, and where the user's own begin.
    pub(super) async fn listed(&mut self) -> Result<(Vec<Listed>, Namespaces), MailError> {
        let namespaces = if self.can.has("NAMESPACE") { self.namespaces().await? } else { Namespaces::default() };
        let extended = self.can.has("SPECIAL-USE") && self.can.has("LIST-EXTENDED");
        let command = if extended { "LIST \"\" \"*\" RETURN (SPECIAL-USE)" } else { "LIST \"\" \"*\"" };
        let answer = self.talk.exec(Step::Folders, command).await?;
        let listed: Vec<Listed> = answer.data.into_iter().filter_map(|d| if let Datum::List(l) = d { Some(l) } else { None }).collect();
        if listed.len() > MOST_FOLDERS {
            return Err(self.talk.error(Step::Folders, Trouble::OverLimit(format!("more than {MOST_FOLDERS} folders"))));
        }
        Ok((listed, namespaces))
    }

    /// A server that offers NAMESPACE and then refuses it has none, as far as we are concerned.
    async fn namespaces(&mut self) -> Result<Namespaces, MailError> {
        match self.talk.namespace().await {
            Ok(raw) => Ok(raw.as_deref().and_then(Namespaces::parse).unwrap_or_default()),
            Err(e) if matches!(e.trouble, Trouble::Refused(_)) => Ok(Namespaces::default()),
            Err(e) => Err(e),
        }
    }
}

impl Namespaces {
    /// Reads `* NAMESPACE (("INBOX." ".")) NIL (("shared." "."))`. `None` where it is something else.
    fn parse(raw: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(raw).ok()?;
        let mut out = Self::default();
        let (mut depth, mut group, mut first) = (0_usize, 0_usize, false);
        let mut rest = text.get("* NAMESPACE".len()..)?;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '(' => {
                    depth += 1;
                    first = depth == 2;
                }
                ')' => {
                    depth = depth.checked_sub(1)?;
                    group += usize::from(depth == 0);
                }
                'N' | 'n' if depth == 0 => {
                    rest = rest.get(2..)?;
                    group += 1;
                }
                '"' => {
                    let end = end_of_quoted(rest)?;
                    if first {
                        let list = if group == 0 { &mut out.personal } else { &mut out.foreign };
                        list.push(unescape(&rest[..end]));
                    }
                    first = false;
                    rest = &rest[end + 1..];
                }
                _ => {}
            }
        }
        (depth == 0 && group == 3).then_some(out)
    }

    /// What the name of every new folder of the user's begins with, such as `INBOX.`; empty where nothing has to.
    pub(super) fn own_prefix(&self) -> &str {
        self.personal.first().map_or("", String::as_str)
    }

    /// The folder's path inside the user's own namespace; `None` where it is somebody else's.
    pub(super) fn own_path<'a>(&self, wire: &'a str) -> Option<&'a str> {
        let prefix_of =
            |list: &[String]| list.iter().filter(|p| !p.is_empty() && wire.starts_with(p.as_str())).map(String::len).max().unwrap_or(0);
        let (own, foreign) = (prefix_of(&self.personal), prefix_of(&self.foreign));
        (foreign == 0 || own > foreign).then(|| &wire[own..])
    }
}

/// The index of the quote that ends a quoted string; `text` begins behind the one that opens it.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// A claim of a folder to a role. The smallest comes first: each folder gets one role at most, and each role one folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    /// 0 the config, 1 the server, 2 the provider's name, 3 a language's name.
    strength: u8,
    /// Folders above it, its namespace and INBOX left out.
    depth: usize,
    rank: usize,
    /// Its place in the list.
    index: usize,
    role: FolderRole,
    found_by: String,
}

fn with_roles(listed: Vec<Listed>, namespaces: &Namespaces, wishes: &Wishes) -> Vec<Folder> {
    let listed: Vec<Listed> = listed.into_iter().filter(is_usable).collect();
    let mut claims: Vec<Claim> = Vec::new();
    for (index, folder) in listed.iter().enumerate() {
        claims.extend(claims_of(index, folder, namespaces, wishes));
    }
    for (role, wish) in [(FolderRole::Spam, &wishes.spam), (FolderRole::Sent, &wishes.sent)] {
        let Some(wish) = wish else { continue };
        // Where the named folder is not there, the role stays open, so that the mistake shows.
        claims.retain(|c| c.role != role);
        if let Some(index) = listed.iter().position(|f| is_named(f, wish, namespaces)) {
            claims.push(Claim { strength: 0, depth: 0, rank: 0, index, role, found_by: BY_CONFIG.into() });
        }
    }
    claims.sort();
    let mut folders: Vec<Folder> =
        listed.iter().map(|f| Folder { name: folder_name(&f.wire), role: FolderRole::Other, found_by: String::new() }).collect();
    let mut taken: BTreeSet<FolderRole> = BTreeSet::new();
    for claim in claims {
        if let Some(folder) = folders.get_mut(claim.index).filter(|f| f.role == FolderRole::Other)
            && taken.insert(claim.role)
        {
            (folder.role, folder.found_by) = (claim.role, claim.found_by);
        }
    }
    folders
}

/// Whether a folder can be selected, and its name sent back to the server.
pub(super) fn is_usable(folder: &Listed) -> bool {
    !LEFT_OUT.iter().any(|a| folder.attributes.contains(*a))
        && !folder.wire.is_empty()
        && folder.wire.len() <= LONGEST_NAME
        && !folder.wire.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

/// What a folder may be for by its attributes and names.
fn claims_of(index: usize, folder: &Listed, namespaces: &Namespaces, wishes: &Wishes) -> Vec<Claim> {
    let claim = |role, strength, depth, rank, found_by: &str| Claim { strength, depth, rank, index, role, found_by: found_by.into() };
    if folder.wire.eq_ignore_ascii_case("INBOX") {
        return vec![claim(FolderRole::Inbox, 0, 0, 0, "INBOX")];
    }
    let Some(path) = namespaces.own_path(&folder.wire) else { return Vec::new() };
    let shown = folder_name(path).shown;
    let parts = own_parts(&shown, folder.delimiter);
    let depth = parts.len().saturating_sub(1);
    let special = SPECIAL_USE.iter().filter(|(attribute, ..)| folder.attributes.contains(*attribute));
    let mut claims: Vec<Claim> = special.map(|(_, role, found_by)| claim(*role, 1, depth, 0, found_by)).collect();
    if let Some(Known { role, rank, .. }) = known_at(wishes.provider, &shown) {
        claims.push(claim(role, 2, depth, rank, "the provider's name"));
    }
    // Deeper down, a folder of this name is somebody's own filing.
    if depth <= 1
        && let Some(Known { role, tongue, rank }) = parts.last().and_then(|name| known_as(name))
    {
        let found_by = if tongue == "any" { "a known name".to_owned() } else { format!("a known name ({tongue})") };
        claims.push(claim(role, 3, depth, rank, &found_by));
    }
    claims
}

/// The parts of a path without a leading INBOX or Gmail's own root.
fn own_parts(shown: &str, delimiter: Option<char>) -> Vec<&str> {
    let mut parts: Vec<&str> = match delimiter {
        Some(delimiter) => shown.split(delimiter).collect(),
        None => vec![shown],
    };
    let roots = ["inbox", "[gmail]", "[google mail]"];
    if parts.len() > 1 && parts.first().is_some_and(|root| roots.contains(&fold(root).as_str())) {
        parts.remove(0);
    }
    parts
}

/// Whether the config's `wish` is this folder: its name as shown or as on the wire, with or without the namespace's prefix.
fn is_named(folder: &Listed, wish: &str, namespaces: &Namespaces) -> bool {
    let path = namespaces.own_path(&folder.wire).unwrap_or(&folder.wire);
    let forms = [folder.wire.clone(), folder_name(&folder.wire).shown, path.to_owned(), folder_name(path).shown];
    forms.iter().any(|form| fold(form) == fold(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(wire: &str, delimiter: char, attributes: &[&str]) -> Listed {
        Listed { wire: wire.into(), delimiter: Some(delimiter), attributes: attributes.iter().map(|a| (*a).to_owned()).collect() }
    }

    fn wishes(provider: Provider, spam: Option<&str>) -> Wishes {
        Wishes { provider, spam: spam.map(str::to_owned), sent: None }
    }

    /// `name role found_by` of each folder that has a role.
    fn roles(listed: Vec<Listed>, namespace: &str, wishes: &Wishes) -> Vec<String> {
        let namespaces = Namespaces::parse(namespace.as_bytes()).unwrap_or_default();
        let folders = with_roles(listed, &namespaces, wishes);
        folders.iter().filter(|f| f.role != FolderRole::Other).map(|f| format!("{} {} {}", f.name.shown, f.role, f.found_by)).collect()
    }

    #[test]
    fn the_servers_word_counts_before_names() {
        let list = vec![
            listed("INBOX", '/', &[]),
            listed("Spam", '/', &[]),
            listed("Rubbish bin", '/', &["\\junk"]),
            listed("Sent", '/', &["\\sent"]),
            listed("[Gmail]/All Mail", '/', &["\\all"]),
            listed("[Gmail]/Starred", '/', &["\\flagged"]),
            listed("[Gmail]", '/', &["\\noselect"]),
        ];
        assert_eq!(
            roles(list, "", &wishes(Provider::Generic, None)),
            [
                "INBOX inbox INBOX",
                "Rubbish bin spam SPECIAL-USE \\Junk",
                "Sent sent SPECIAL-USE \\Sent",
                "[Gmail]/All Mail all SPECIAL-USE \\All"
            ]
        );
    }

    #[test]
    fn a_french_junk_folder_is_found_by_its_name_and_one_deep_in_an_archive_is_not() {
        let list = vec![
            listed("inbox", '.', &[]),
            listed("INBOX.Archives.2019.Spam", '.', &[]),
            listed("INBOX.Courrier ind&AOk-sirable", '.', &[]),
            listed("INBOX.&AMk-l&AOk-ments envoy&AOk-s", '.', &[]),
            listed("shared.chef.Spam", '.', &[]),
        ];
        assert_eq!(
            roles(list, "* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"shared.\" \".\"))\r\n", &wishes(Provider::Generic, None)),
            ["inbox inbox INBOX", "INBOX.Courrier indésirable spam a known name (fr)", "INBOX.Éléments envoyés sent a known name (fr)"]
        );
    }

    #[test]
    fn the_providers_name_counts_before_a_languages() {
        let list = vec![listed("Spam", '/', &[]), listed("Junk Email", '/', &[]), listed("Sent Items", '/', &[])];
        assert_eq!(
            roles(list, "", &wishes(Provider::Microsoft, None)),
            ["Junk Email spam the provider's name", "Sent Items sent the provider's name"]
        );
    }

    #[test]
    fn the_configs_word_counts_before_all_and_a_wrong_one_leaves_the_role_open() {
        let list = || vec![listed("INBOX.Junk", '.', &["\\junk"]), listed("INBOX.M&APw-ll", '.', &[])];
        let namespace = "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n";
        for wish in ["Müll", "INBOX.Müll", "INBOX.M&APw-ll", "müll"] {
            assert_eq!(roles(list(), namespace, &wishes(Provider::Generic, Some(wish))), ["INBOX.Müll spam the config"], "{wish}");
        }
        assert_eq!(roles(list(), namespace, &wishes(Provider::Generic, Some("Mull"))), Vec::<String>::new());
    }

    #[test]
    fn at_most_one_folder_has_a_role_and_names_that_cannot_be_sent_are_left_out() {
        let list = vec![
            listed("Mail/Junk", '/', &[]),
            listed("Spam", '/', &[]),
            listed("Junk", '/', &[]),
            listed("J\r\nX", '/', &["\\junk"]),
            listed("Bad&AOk", '/', &[]),
        ];
        let folders = with_roles(list, &Namespaces::default(), &wishes(Provider::Generic, None));
        let shown: Vec<_> = folders.iter().map(|f| (f.name.shown.as_str(), f.role)).collect();
        assert_eq!(
            shown,
            [("Mail/Junk", FolderRole::Other), ("Spam", FolderRole::Other), ("Junk", FolderRole::Spam), ("Bad&AOk", FolderRole::Other)]
        );
    }

    #[test]
    fn namespaces_are_read_and_nonsense_is_not() {
        let parsed = Namespaces::parse(
            b"* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-P\" (\"a\" \"b\"))) ((\"~\" \"/\")) ((\"#s\\\"/\" \"/\"))\r\n",
        )
        .unwrap();
        assert_eq!(parsed.personal, ["", "#mh/"]);
        assert_eq!(parsed.foreign, ["~", "#s\"/"]);
        assert_eq!(Namespaces::parse(b"* NAMESPACE NIL NIL NIL\r\n"), Some(Namespaces::default()));
        for bad in [
            "* NAMESPACE",
            "* NAMESPACE ((\"\" \"/\")",
            "* NAMESPACE )",
            "* NAMESPACE ((\"a",
            "* NAMESPACE NI",
            "* NAMESPACE N\u{e9}\u{e9}",
        ] {
            assert_eq!(Namespaces::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
