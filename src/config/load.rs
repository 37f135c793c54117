//! A config from its file or its text.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::words::{Address, Domain, Finding, Provider, Role, Source};

use super::beside::{Beside, Folder, SecretFileFault};
use super::fields::{Fields, Placed, Value};
use super::findings::{Findings, quoted};
use super::keys::CONFIG;
use super::mailbox::{House, ReadMailbox, mailbox, program_path};
use super::model::{Config, ContentSettings, CredentialSource, DomainSettings, PairLimits, Schedule};
use super::outside::remark_on_outside_mail;
use super::read::read_section;
use super::tidy::tidy;
use super::tree::Place;
use super::{shipped, syntax, tree};

/// Everything that keeps a config from being used: the config's own faults in the order of the file, then those of its schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Never empty.
    pub findings: Vec<Finding>,
}

/// So many findings are shown at once; whoever has more has made one mistake many times.
const MOST_SHOWN: usize = 100;

impl fmt::Display for ConfigError {
    /// Each finding on lines of its own; of hundreds the first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.findings.iter().take(MOST_SHOWN).enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        match self.findings.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more, which are told when these are mended"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    fn of(finding: Finding) -> Self {
        Self { findings: vec![finding] }
    }
}

/// Reads a `preheat.yaml`, the schedules that it names, and the permissions of its secrets' files. No secret is read.
///
/// # Errors
/// [`ConfigError`] with every fault at once.
pub fn load(file: &Path) -> Result<Config, ConfigError> {
    let bytes = std::fs::read(file).map_err(|e| {
        let hint = match e.kind() {
            io::ErrorKind::NotFound => "`preheat init` writes a starter; `--config FILE` names another",
            _ => "it must be a file that you may read",
        };
        ConfigError::of(Finding::error("config", format!("{} cannot be read: {e}", file.display())).hint(hint))
    })?;
    let text = String::from_utf8(bytes).map_err(|e| ConfigError::of(not_utf8(file, e.as_bytes(), e.utf8_error().valid_up_to())))?;
    let folder = folder_of(file);
    let mut config = parse(&text, file, &Folder(folder.clone()))?;
    if !folder.as_os_str().is_empty() {
        config.mailboxes.values_mut().for_each(|m| stand_firm(&mut m.credential));
    }
    Ok(config)
}

/// Names a secret's file or program from the root on: who reads it stands in the config's folder, where `pool/secrets` would be
/// `pool/pool/secrets`.
fn stand_firm(credential: &mut CredentialSource) {
    match credential {
        CredentialSource::Env(_) => {}
        CredentialSource::File(path) => *path = std::path::absolute(&*path).unwrap_or_else(|_| path.clone()),
        CredentialSource::Command(words) => {
            if let Some(program) = words.first_mut().filter(|p| p.contains('/'))
                && let Ok(path) = std::path::absolute(&*program)
            {
                *program = path.to_string_lossy().into_owned();
            }
        }
    }
}

fn not_utf8(file: &Path, bytes: &[u8], good: usize) -> Finding {
    let before = bytes.get(..good).unwrap_or_default();
    let line = before.split(|b| *b == b'\n').count() as u32;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() as u32 + 1;
    // The line is not shown: nobody knows yet what stands on it.
    let source = Source { file: file.to_owned(), line, column, text: String::new() };
    Finding::error("config", "not UTF-8 text").at(source).hint("save the file as UTF-8")
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_owned()
}

/// Reads the text of a `preheat.yaml`; what it needs of the disk it asks of `beside`.
///
/// # Errors
/// [`ConfigError`] with every fault at once.
pub fn parse(text: &str, file: &Path, beside: &dyn Beside) -> Result<Config, ConfigError> {
    let root = tree::read(text).map_err(|bad| ConfigError::of(syntax::finding(&bad, text, file)))?;
    let mut f = Findings::of(file, text);
    let Some(fields) = read_section(&root, &CONFIG, &mut f) else {
        return Err(ConfigError { findings: f.finish().0 });
    };
    let base = folder_of(file);
    let read = mailboxes(&fields, &base, &mut f);
    f.about_the_config();
    check_secret_files(&read, beside, &mut f);
    let in_use = schedules(&fields, &read, beside, &mut f);
    remark_on_outside_mail(&read, &in_use.schedules, &mut f);
    let mailboxes: BTreeMap<_, _> = read.into_iter().filter_map(|r| r.mailbox).map(|m| (m.address.clone(), m)).collect();
    let config = Config {
        guard: true,
        file: file.to_owned(),
        pool: fields.text("pool").unwrap_or_default(),
        zone: fields.zone("zone").unwrap_or(chrono_tz::UTC),
        ledger: base.join(fields.text("ledger").unwrap_or_default()),
        key_file: base.join(fields.text("key_file").unwrap_or_default()),
        domains: domains(&fields, &mailboxes, &mut f),
        mailboxes,
        schedules: in_use.schedules,
        pairs: pairs(&fields.fields("pairs"), &mut f),
        tidy: tidy(&fields, &mut f),
        content: content(&fields.fields("content"), &base),
        warnings: Vec::new(),
    };
    let (mut errors, mut warnings) = f.finish();
    errors.extend(in_use.errors);
    warnings.extend(in_use.warnings);
    if errors.is_empty() { Ok(Config { warnings, ..config }) } else { Err(ConfigError { findings: errors }) }
}

fn mailboxes(fields: &Fields, base: &Path, f: &mut Findings<'_>) -> Vec<ReadMailbox> {
    let defaults = fields.fields("defaults");
    let schedule = fields.text("schedule").unwrap_or_default();
    let house = House {
        base,
        defaults: &defaults,
        zone: fields.zone("zone").unwrap_or(chrono_tz::UTC),
        schedule: &schedule,
        has_content: fields.fields("content").has("files"),
    };
    let Some(Placed { at, value: Value::List(list) }) = fields.given("mailboxes") else {
        return Vec::new();
    };
    if list.is_empty() {
        f.error(*at, "there is no mailbox", "add one at least under `mailboxes:`, as `preheat init` shows");
    }
    let mut first_lines: BTreeMap<Address, u32> = BTreeMap::new();
    let mut read = Vec::new();
    for placed in list {
        let Value::Fields(own) = &placed.value else { continue };
        f.about_the_config();
        if let Some(address) = own.address("address") {
            let at = own.place("address");
            if let Some(line) = first_lines.get(&address) {
                let hint = format!("it stands first at line {line}; upper and lower case are the same");
                f.error(at, format!("two mailboxes have the address {address}"), hint);
            } else {
                first_lines.insert(address, at.line);
            }
        }
        read.push(mailbox(own, &house, f));
    }
    read
}

fn check_secret_files(read: &[ReadMailbox], beside: &dyn Beside, f: &mut Findings<'_>) {
    let mut files: BTreeMap<&Path, Place> = BTreeMap::new();
    for one in read {
        if let Some(path) = &one.secret_file {
            files.entry(path).or_insert(one.secret_at);
        }
    }
    for (path, at) in files {
        let shown = path.display();
        match beside.secret_file_fault(path) {
            Some(SecretFileFault::Readable(mode)) => {
                let what = format!("others can read the secret in {shown} (mode {mode:03o})");
                f.error(at, what, format!("chmod 600 {shown}"));
            }
            Some(SecretFileFault::Folder) => f.error(at, format!("{shown} is a folder, not a secret's file"), "name a file in it"),
            None => {}
        }
    }
}

/// The schedules that a config names, and what is to be said of their files.
#[derive(Default)]
struct InUse {
    schedules: BTreeMap<String, Schedule>,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

fn schedules(fields: &Fields, read: &[ReadMailbox], beside: &dyn Beside, f: &mut Findings<'_>) -> InUse {
    let mut named: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    if let (Some(placed), Some(name)) = (fields.given("schedule"), fields.text("schedule")) {
        named.entry(name).or_default().push(placed.at);
    }
    for one in read {
        if let Some(name) = &one.schedule {
            named.entry(name.clone()).or_default().extend(one.schedule_at);
        }
    }
    let mut in_use = InUse::default();
    for (name, places) in named {
        match shipped::find(&name, beside) {
            Some(Ok(found)) => {
                in_use.warnings.extend(found.warnings);
                in_use.schedules.insert(name, found.schedule);
            }
            Some(Err(errors)) => in_use.errors.extend(errors),
            None => {
                let known = shipped::known_names(beside);
                let bare = name.strip_suffix(".yaml").unwrap_or(&name);
                let near = f.nearest(bare, known.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`? "));
                let hint = format!("{}{}", near.unwrap_or_default(), shipped::known_names_hint(beside));
                for at in places {
                    f.error(at, format!("unknown schedule {}", quoted(&name)), hint.clone());
                }
            }
        }
    }
    in_use
}

fn domains(
    fields: &Fields,
    mailboxes: &BTreeMap<Address, super::model::Mailbox>,
    f: &mut Findings<'_>,
) -> BTreeMap<Domain, DomainSettings> {
    let warming: std::collections::BTreeSet<Domain> =
        mailboxes.values().filter(|m| m.role == Role::Warming).map(|m| m.address.domain()).collect();
    let mut domains = BTreeMap::new();
    for (name, value) in fields.map("domains").unwrap_or_default() {
        let (Value::Domain(domain), Value::Fields(own)) = (name.value, value.value) else { continue };
        if !warming.contains(&domain) && !f.has_errors() {
            let near = f.nearest(domain.as_str(), warming.iter().map(Domain::as_str));
            let hint =
                near.map_or_else(|| "settings here are for domains that are being warmed".to_owned(), |n| format!("did you mean `{n}`?"));
            f.warning(name.at, format!("no warming mailbox is in {domain}"), hint);
        }
        domains.insert(domain, DomainSettings { daily_cap: own.whole("daily_cap") });
    }
    domains
}

fn pairs(fields: &Fields, f: &mut Findings<'_>) -> PairLimits {
    let (a_day, a_week) = (fields.whole("max_per_pair"), fields.whole("max_per_pair_week"));
    let limits = PairLimits {
        max_per_pair: a_day.unwrap_or_default(),
        max_per_pair_week: a_week.unwrap_or_default(),
        thread_length: fields.whole("thread_length").unwrap_or_default(),
        provider_mix: provider_mix(fields),
    };
    if let (Some(a_day), Some(a_week)) = (a_day, a_week)
        && a_week < a_day
    {
        let what = format!("max_per_pair_week {a_week} is below max_per_pair {a_day}");
        let at = if fields.has("max_per_pair_week") { fields.place("max_per_pair_week") } else { fields.place("max_per_pair") };
        f.error(at, what, "a week holds a day: raise the one or lower the other");
    }
    let sum: f64 = limits.provider_mix.values().sum();
    if sum > 1.0 + 1e-9 {
        f.error(fields.place("provider_mix"), format!("the shares of `provider_mix` add up to {sum:.2}"), "together they are at most 1");
    }
    limits
}

fn provider_mix(fields: &Fields) -> BTreeMap<Provider, f64> {
    let shares = fields.map("provider_mix").unwrap_or_default();
    shares
        .into_iter()
        .filter_map(|(name, share)| match (name.value, share.value) {
            (Value::Text(word), Value::Share(share)) => Provider::parse(&word).map(|p| (p, share)),
            _ => None,
        })
        .collect()
}

fn content(fields: &Fields, base: &Path) -> ContentSettings {
    let files = fields.list("files").unwrap_or_default();
    let command = fields.program("command").map(|mut parts| {
        if let Some(program) = parts.first_mut()
            && program.contains('/')
        {
            *program = program_path(base, program);
        }
        parts
    });
    ContentSettings {
        files: files.into_iter().filter_map(|p| if let Value::Text(path) = p.value { Some(base.join(path)) } else { None }).collect(),
        command,
    }
}
