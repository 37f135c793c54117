//! A mailbox from its section, `defaults` and its provider.

use std::path::{Path, PathBuf};

use crate::words::{Address, OutsideMail, Provider, Role, Zone};

use super::fields::{Fields, Placed, Value};
use super::findings::{Findings, quoted};
use super::keys;
use super::model::{AuthKind, CredentialSource, ImapAccess, Mailbox, SmtpAccess};
use super::server::{Side, server};
use super::tree::Place;

/// A mailbox's own section over `defaults`.
pub struct Layers<'a> {
    /// What the mailbox sets.
    pub own: &'a Fields,
    /// What holds for every mailbox.
    pub defaults: &'a Fields,
}

impl Layers<'_> {
    /// The section that sets a key; the mailbox's own where none does.
    fn setter(&self, key: &str) -> &Fields {
        if !self.own.has(key) && self.defaults.has(key) { self.defaults } else { self.own }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.setter(key).text(key)
    }

    fn whole(&self, key: &str) -> Option<u32> {
        self.setter(key).whole(key)
    }

    fn given(&self, key: &str) -> Option<&Placed> {
        self.setter(key).given(key)
    }

    /// Who runs it.
    pub fn provider(&self) -> Provider {
        self.text("provider").and_then(|word| Provider::parse(&word)).unwrap_or(Provider::Generic)
    }
}

/// What every mailbox of a file shares.
pub struct House<'a> {
    /// The file's folder: what paths are beside of.
    pub base: &'a Path,
    /// `defaults`.
    pub defaults: &'a Fields,
    /// The file's zone.
    pub zone: Zone,
    /// The file's schedule, for warming mailboxes that name none.
    pub schedule: &'a str,
    /// Whether there are content files of the user's own, which may bring languages.
    pub has_content: bool,
}

/// A mailbox, and what it names that can only be judged with other files at hand: known also where the rest of it is at fault.
pub struct ReadMailbox {
    /// The mailbox; `None` where something in it is at fault.
    pub mailbox: Option<Mailbox>,
    /// The schedule that it follows, or names for nothing.
    pub schedule: Option<String>,
    /// Where its own `schedule` stands, if it sets one.
    pub schedule_at: Option<Place>,
    /// The file of its secret, if that is where it comes from.
    pub secret_file: Option<PathBuf>,
    /// Where its `secret` stands, perhaps in `defaults`.
    pub secret_at: Place,
    /// Where its `outside_mail` stands, perhaps in `defaults`.
    pub outside_mail_at: Place,
}

/// A mailbox whose values are in their ranges; whether its schedule exists is another question.
pub fn mailbox(own: &Fields, house: &House<'_>, f: &mut Findings<'_>) -> ReadMailbox {
    let address = own.address("address");
    f.subject = address.as_ref().map_or_else(|| "config".to_owned(), Address::to_string);
    let layers = Layers { own, defaults: house.defaults };
    let role = layers.text("role").and_then(|word| Role::parse(&word));
    let provider = layers.provider();
    if let Some(role) = role {
        remark_on_idle_keys(own, role, f);
    }

    // Each is looked for before any failure ends the reading, so that all are reported.
    let smtp = server(Side::Smtp, &layers, house.base, f);
    let imap = server(Side::Imap, &layers, house.base, f);
    let secret = secret(&layers, f);
    let languages = languages(&layers, house.has_content, f);
    let source = f.source(own.place("address"));
    let follows = role == Some(Role::Warming);
    let schedule = own.text("schedule").or_else(|| follows.then(|| house.schedule.to_owned()));
    let credential = secret.and_then(|secret| for_mailbox(&secret, address.as_ref(), house.base));
    let secret_file = if let Some(CredentialSource::File(path)) = &credential { Some(path.clone()) } else { None };
    let schedule_at = own.given("schedule").map(|p| p.at);
    let secret_at = layers.setter("secret").place("secret");
    let outside_mail_at = layers.setter("outside_mail").place("outside_mail");

    let whole = || {
        let (address, role) = (address?, role?);
        Some(Mailbox {
            source,
            role,
            provider,
            group: layers.text("group"),
            zone: layers.setter("zone").zone("zone").unwrap_or(house.zone),
            name: own.text("name"),
            languages: languages?,
            schedule: schedule.clone().filter(|_| follows),
            start_on: layers.setter("start_on").date("start_on"),
            daily_cap: layers.whole("daily_cap"),
            receive_limit: layers.whole("receive_limit")?,
            send_limit: layers.whole("send_limit")?,
            start_limit: layers.whole("start_limit")?,
            smtp: SmtpAccess { server: smtp?, ehlo: ehlo(&layers).unwrap_or_else(|| address.domain().to_string()) },
            imap: ImapAccess { server: imap? },
            user: own.text("user").unwrap_or_else(|| address.to_string()),
            credential: credential?,
            auth: if layers.text("auth")? == "xoauth2" { AuthKind::Xoauth2 } else { AuthKind::Password },
            spam_folder: layers.text("spam_folder"),
            sent_folder: layers.text("sent_folder"),
            outside_mail: layers.text("outside_mail").filter(|_| follows).and_then(|word| OutsideMail::parse(&word)),
            address,
        })
    };
    let mailbox = whole();
    // A partner's schedule does nothing: that is said, and its file is left alone.
    let schedule = schedule.filter(|name| role != Some(Role::Partner) && !name.is_empty());
    ReadMailbox { mailbox, schedule, schedule_at, secret_file, secret_at, outside_mail_at }
}

/// The name for EHLO that the mailbox or `defaults` sets.
fn ehlo(layers: &Layers<'_>) -> Option<String> {
    [layers.own, layers.defaults].iter().find_map(|l| l.fields("smtp").text("ehlo"))
}

/// Keys that do nothing for this role are worth a word, where the mailbox itself sets them.
fn remark_on_idle_keys(own: &Fields, role: Role, f: &mut Findings<'_>) {
    let (idle, whose): (&[&str], _) = match role {
        Role::Partner => (&["schedule", "start_on", "outside_mail"], "warming"),
        Role::Warming => (&["send_limit", "start_limit"], "partner"),
    };
    for key in idle.iter().filter(|key| own.has(key)) {
        f.warning(
            own.place(key),
            format!("`{key}` does nothing here: it is for {whose} mailboxes"),
            format!("leave it out, or set `role: {whose}`"),
        );
    }
}

fn languages(layers: &Layers<'_>, has_content: bool, f: &mut Findings<'_>) -> Option<Vec<String>> {
    let mut languages = Vec::new();
    for placed in layers.setter("languages").list("languages")? {
        let Value::Text(language) = placed.value else { continue };
        let folded = language.to_lowercase();
        let shaped = (1..=16).contains(&folded.len()) && folded.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !shaped || !(has_content || keys::LANGUAGES.contains(&folded.as_str())) {
            let hint = format!("shipped are {}; another needs a file in `content: {{files: […]}}`", keys::LANGUAGES.join(", "));
            f.error(placed.at, format!("unknown language {}", quoted(&language)), hint);
            return None;
        }
        if !languages.contains(&folded) {
            languages.push(folded);
        }
    }
    if languages.is_empty() && layers.given("languages").is_some() {
        f.error(layers.setter("languages").place("languages"), "`languages` is empty", "name one at least: en, de, fr or es");
    }
    (!languages.is_empty()).then_some(languages)
}

/// Where the secret comes from, placeholders and all.
fn secret(layers: &Layers<'_>, f: &mut Findings<'_>) -> Option<CredentialSource> {
    let setter = layers.setter("secret");
    if !setter.has("secret") {
        let hint = "add `secret: env:NAME`, `secret: file:PATH` or `secret: {command: [PROGRAM, ARGUMENT]}`, here or in `defaults`";
        f.error(layers.own.at, "`secret` is missing", hint);
    }
    setter.secret("secret")
}

/// A credential source with the mailbox's name put in and paths made to be beside the config. `None` where it wants an address that is not known.
fn for_mailbox(source: &CredentialSource, address: Option<&Address>, base: &Path) -> Option<CredentialSource> {
    let fill = |text: &str, make: fn(&str) -> String| match address {
        Some(address) => Some(text.replace("{address}", &make(address.as_str())).replace("{local}", &make(address.local()))),
        None => (!text.contains("{address}") && !text.contains("{local}")).then(|| text.to_owned()),
    };
    Some(match source {
        CredentialSource::Env(name) => CredentialSource::Env(fill(name, variable_name)?),
        CredentialSource::File(path) => CredentialSource::File(base.join(fill(&path.to_string_lossy(), file_name)?)),
        CredentialSource::Command(parts) => {
            let mut parts = parts.iter().map(|part| fill(part, str::to_owned)).collect::<Option<Vec<String>>>()?;
            if let Some(program) = parts.first_mut()
                && program.contains('/')
            {
                *program = program_path(base, program);
            }
            CredentialSource::Command(parts)
        }
    })
}

/// A program that is named with a folder is beside the config, whatever folder preheat was started in; a bare name is looked up in `PATH`.
pub fn program_path(base: &Path, program: &str) -> String {
    // `./tool` joined to an empty base must keep its slash, or it would be looked up in `PATH`.
    let path: PathBuf = base.join(program);
    path.to_string_lossy().into_owned()
}

/// `anna.lee@new.example` as part of an environment variable's name: `ANNA_LEE_NEW_EXAMPLE`.
fn variable_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// An address may hold a slash; a file's name may not.
fn file_name(text: &str) -> String {
    text.replace('/', "_")
}
