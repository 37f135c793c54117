//! Whole configs: every fault of `preheat.yaml`, alone and together.

use std::path::Path;
use std::time::Duration;

mod at_once;
mod outside;
mod random;

use super::*;
use crate::words::{Address, Domain, Provider, Role};

/// Servers and secrets for tests that are about something else.
const DEFAULTS: &str = "defaults: {smtp: mail.new.example, imap: mail.new.example, secret: 'env:PASS_{local}'}\n";

fn read(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new("preheat.yaml"), &Nothing)
}

/// A file that is right, with lines of the test's own below it.
fn with(lines: &str) -> String {
    format!("zone: Europe/Berlin\n{DEFAULTS}mailboxes:\n  - address: anna@new.example\n{lines}")
}

fn faults(text: &str) -> Vec<String> {
    let found = read(text).expect_err("a fault").findings;
    found
        .iter()
        .map(|f| {
            let s = f.source.as_ref().expect("a place");
            format!("{}:{} {} | {}", s.line, s.column, f.what, f.hint.as_deref().unwrap_or("-"))
        })
        .collect()
}

fn fault(lines: &str) -> String {
    faults(&with(lines)).join("\n")
}

fn mailbox(config: &Config, address: &str) -> Mailbox {
    config.mailboxes[&Address::parse(address).unwrap()].clone()
}

#[test]
fn a_short_file_is_filled_up_with_defaults() {
    let config = read(&with("")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((config.pool.as_str(), config.zone, config.ledger.to_str()), ("pool", chrono_tz::Europe::Berlin, Some("preheat.db")));
    assert_eq!(config.key_file, Path::new("preheat.key"));
    assert_eq!(config.schedules.keys().collect::<Vec<_>>(), ["standard-6w"]);
    assert!(config.warnings.is_empty() && config.domains.is_empty());
    let pairs = config.pairs.clone();
    assert_eq!((pairs.max_per_pair, pairs.max_per_pair_week, pairs.thread_length, pairs.provider_mix.len()), (3, 12, 4, 0));
    let anna = mailbox(&config, "anna@new.example");
    assert_eq!((anna.role, anna.provider, anna.auth), (Role::Warming, Provider::Generic, AuthKind::Password));
    assert_eq!((anna.receive_limit, anna.send_limit, anna.start_limit, anna.daily_cap), (20, 12, 3, None));
    assert_eq!(
        (anna.user.as_str(), anna.languages.clone(), anna.schedule.as_deref()),
        ("anna@new.example", vec!["en".to_owned()], Some("standard-6w"))
    );
    assert_eq!(anna.smtp.server, Server { host: "mail.new.example".into(), port: 465, tls: TlsMode::Implicit, ca_file: None });
    assert_eq!((anna.smtp.ehlo.as_str(), anna.imap.server.port), ("new.example", 993));
    assert_eq!(anna.credential, CredentialSource::Env("PASS_ANNA".into()));
    assert_eq!((anna.source.line, anna.source.text.as_str()), (4, "  - address: anna@new.example"));
    assert_eq!(config.schedule_of(&anna).map(|s| s.ramp.target), Some(30));
}

#[test]
fn everything_can_be_said() {
    let text = "\
pool: Winter
zone: Europe/Berlin
schedule: gentle-6w
ledger: state/p.db
key_file: /etc/preheat/key
defaults:
  zone: Europe/Vienna
  languages: de
  group: house
  secret: file:secrets/{address}
  smtp: {host: mail.new.example, port: 587, ehlo: out.new.example}
  imap: {host: mail.new.example, port: 143, ca_file: ca.pem}
mailboxes:
  - address: Anna@New.Example
    name: Änne Lee
    languages: [fr, DE]
    schedule: brisk-4w
    start_on: 2026-12-01
    daily_cap: 25
    user: anna
    imap: {port: 10993, tls: implicit}
    spam_folder: Courrier indésirable
  - ben@new.example
  - {address: carla@other.example, role: partner, provider: gmail, group: 1, secret: {command: [./tools/secret, '{address}']}, auth: xoauth2, zone: America/New_York, send_limit: 9, start_limit: 2, receive_limit: 15}
  - {address: dan@third.example, role: partner, smtp: {host: localhost, port: 2525, tls: plain}, imap: {host: 127.0.0.1, port: 2143, tls: plain}, secret: 'command:pass show dan', sent_folder: Gesendet}
domains:
  New.example: {daily_cap: 40}
pairs: {max_per_pair: 2, max_per_pair_week: 9, thread_length: 6, provider_mix: {gmail: 0.5, generic: 0.5}}
content: {files: [own/nl.yaml, /srv/x.yaml], command: [bin/write, --short]}
";
    let config = parse(text, Path::new("conf/preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(
        (config.pool.as_str(), config.ledger.to_str(), config.key_file.to_str()),
        ("Winter", Some("conf/state/p.db"), Some("/etc/preheat/key"))
    );
    assert_eq!(config.schedules.keys().collect::<Vec<_>>(), ["brisk-4w", "gentle-6w"]);
    assert_eq!(config.domains[&Domain::parse("new.example").unwrap()].daily_cap, Some(40));
    assert_eq!(config.pairs.provider_mix.values().copied().collect::<Vec<_>>(), [0.5, 0.5]);
    assert_eq!(config.content.files, [Path::new("conf/own/nl.yaml"), Path::new("/srv/x.yaml")]);
    assert_eq!(config.content.command, Some(vec!["conf/bin/write".into(), "--short".into()]));

    let anna = mailbox(&config, "anna@new.example");
    assert_eq!((anna.name.as_deref(), anna.zone.name(), anna.group.as_deref()), (Some("Änne Lee"), "Europe/Vienna", Some("house")));
    assert_eq!((anna.languages.join(","), anna.schedule.as_deref(), anna.daily_cap), ("fr,de".into(), Some("brisk-4w"), Some(25)));
    assert_eq!((anna.start_on.map(|d| d.to_string()).as_deref(), anna.user.as_str()), (Some("2026-12-01"), "anna"));
    assert_eq!(anna.smtp, SmtpAccess { server: server("mail.new.example", 587, TlsMode::Starttls), ehlo: "out.new.example".into() });
    assert_eq!(anna.imap.server, Server { ca_file: Some("conf/ca.pem".into()), ..server("mail.new.example", 10_993, TlsMode::Implicit) });
    assert_eq!(anna.credential, CredentialSource::File("conf/secrets/anna@new.example".into()));
    assert_eq!(anna.spam_folder.as_deref(), Some("Courrier indésirable"));
    let ben = mailbox(&config, "ben@new.example");
    assert_eq!((ben.schedule.as_deref(), ben.languages.join(","), ben.imap.server.port), (Some("gentle-6w"), "de".into(), 143));

    let carla = mailbox(&config, "carla@other.example");
    assert_eq!((carla.schedule.clone(), carla.group.as_deref(), carla.auth), (None, Some("1"), AuthKind::Xoauth2));
    assert_eq!((carla.send_limit, carla.start_limit, carla.receive_limit), (9, 2, 15));
    assert_eq!(carla.smtp.server, server("smtp.gmail.com", 465, TlsMode::Implicit), "its own provider goes before defaults");
    assert_eq!(carla.credential, CredentialSource::Command(vec!["conf/./tools/secret".into(), "carla@other.example".into()]));
    let dan = mailbox(&config, "dan@third.example");
    assert_eq!((dan.smtp.server, dan.imap.server.tls), (server("localhost", 2525, TlsMode::Plain), TlsMode::Plain));
    assert_eq!(dan.credential, CredentialSource::Command(vec!["pass".into(), "show".into(), "dan".into()]));
    assert_eq!(dan.sent_folder.as_deref(), Some("Gesendet"));
}

fn server(host: &str, port: u16, tls: TlsMode) -> Server {
    Server { host: host.into(), port, tls, ca_file: None }
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_file_with_line_caret_and_hint() {
    let text = "\
pool: main
zone: Europe/Berln
pool: again
schedule: standrd-6w
mailboxes:
  - address: anna@new.example
    rol: warming
    smtp: {host: mail.new.example, port: 25, tls: plain}
    imap: mail.new.example
    secret: hunter2
  - address: Anna@new.example
    smtp: mail.new.example
    imap: mail.new.example
    password: hunter3
ledgr: x.db
";
    let shown = read(text).unwrap_err().to_string();
    let want = "\
preheat.yaml:2:7: error: unknown zone `Europe/Berln`
    zone: Europe/Berln
          ^
  hint: did you mean `Europe/Berlin`?
preheat.yaml:3:1: error: `pool` is set twice
    pool: again
    ^
  hint: it is set first at line 1; keep one of the two
preheat.yaml:4:11: error: unknown schedule `standrd-6w`
    schedule: standrd-6w
              ^
  hint: did you mean `standard-6w`? there are standard-6w, gentle-6w, brisk-4w, own-server, maintain, braze-conservative, braze-moderate, sendgrid-manual; your own go into `schedules/` beside the config
preheat.yaml:7:5: error: unknown key `rol` in a mailbox
    rol: warming
    ^
  hint: did you mean `role`?
preheat.yaml:8:51: error: no TLS to `mail.new.example`: mail and password would cross the network in the clear
    smtp: {host: mail.new.example, port: 25, tls: plain}
                                                  ^
  hint: set `tls: implicit` or `tls: starttls`; `plain` is for localhost, 127.0.0.1 and ::1
preheat.yaml:10:13: error: a literal password is refused: `secret` says where the secret comes from
        secret: ***
            ^
  hint: write `secret: env:NAME`, `secret: file:PATH` or `secret: {command: [PROGRAM, ARGUMENT]}`; change a password that stood here
preheat.yaml:11:5: error: `secret` is missing
      - address: Anna@new.example
        ^
  hint: add `secret: env:NAME`, `secret: file:PATH` or `secret: {command: [PROGRAM, ARGUMENT]}`, here or in `defaults`
preheat.yaml:11:14: error: two mailboxes have the address anna@new.example
      - address: Anna@new.example
                 ^
  hint: it stands first at line 6; upper and lower case are the same
preheat.yaml:14:5: error: unknown key `password`; a literal password is refused
        password: ***
    ^
  hint: write `secret: env:NAME`, `secret: file:PATH` or `secret: {command: [PROGRAM, ARGUMENT]}`; change a password that stood here
preheat.yaml:15:1: error: unknown key `ledgr` in preheat.yaml
    ledgr: x.db
    ^
  hint: did you mean `ledger`?";
    let squash =
        |t: &str| t.lines().map(|l| if l.starts_with("    ") { l.trim().to_owned() } else { l.to_owned() }).collect::<Vec<_>>().join("\n");
    assert_eq!(squash(&shown), squash(want));
}

#[test]
fn no_form_of_a_literal_password_is_ever_shown() {
    for line in [
        "    secret: hunter2",
        "    secret: 'hunter2'",
        "    secret: \"hunter2",
        "    secret: [hunter2, hunter2]",
        "    secret: {hunter2: hunter2}",
        "    secret: {env: [hunter2]}",
        "    secret: |\n      hunter2\n      hunter2",
        "    secret: \"hunter2\n      hunter2\"",
        "    secret: env:hunter2!",
        "    secret: hunter2 # was hunter2",
        "    password: hunter2",
        "    pasword: hunter2",
        "    app_password: hunter2",
        "    imap_pass: hunter2",
        "    smtp: {host: x.example, password: hunter2}",
        "    token: {a: hunter2}",
        "    secret: env:X\n    secret: hunter2",
        "    password: a\n    password: hunter2",
        "    secrt: hunter2",
        "    {password: hunter2, rol: x}",
        "    password:hunter2",
        "  - password:hunter2",
        "    name: password:hunter2",
        "    smtp: smtp://me:hunter2@mail.example",
        "    smtp: {host: 'me:hunter2@mail.example'}",
        "    secret: &p hunter2\n    user: [*p]",
        "x: &p hunter2\nsecret: *p",
    ] {
        let error = read(&with(&format!("{line}\n"))).expect_err(line);
        let comment_is_theirs = line.contains('#');
        for shown in [error.to_string(), format!("{error:?}")] {
            let left = if comment_is_theirs { shown.replace("# was hunter2", "") } else { shown };
            assert!(!left.contains("hunter2"), "{line}\n{left}");
        }
    }
}

#[test]
fn faults_of_values() {
    assert_eq!(
        fault(
            "    daily_cap: many\n    receive_limit: -1\n    start_on: tomorrow\n    zone: Berlin\n    role: parner\n    languages: [en, klingon]\n"
        ),
        "5:16 `daily_cap` wants a whole number of messages from 1 to 10000000, not `many` | write the number alone: digits, no unit\n\
         6:20 `receive_limit` is -1, out of its range | it wants a whole number of messages from 0 to 10000\n\
         7:15 `start_on` wants a date, year-month-day, not `tomorrow` | for example 2026-12-01\n\
         8:11 unknown zone `Berlin` | zones have IANA names, such as Europe/Berlin or America/New_York\n\
         9:11 `role` cannot be `parner` | did you mean `partner`?\n\
         10:21 unknown language `klingon` | shipped are en, de, fr, es; another needs a file in `content: {files: […]}`"
    );
    assert_eq!(
        fault("    languages: [en, klingon]\n"),
        "5:21 unknown language `klingon` | shipped are en, de, fr, es; another needs a file in `content: {files: […]}`"
    );
    assert_eq!(
        fault("    window: 08:30-17:30\n    smtp: mail.new.example:587\n    target: 30\n    language: de\n"),
        "5:5 unknown key `window` in a mailbox | `window` goes into a schedule file\n\
         6:11 `host` wants a host name, not `mail.new.example:587` | the port is a key of its own: {host: mail.new.example, port: 587}\n\
         7:5 unknown key `target` in a mailbox | `target` goes into a schedule file\n\
         8:5 unknown key `language` in a mailbox | did you mean `languages`?"
    );
    assert_eq!(faults("zone: UTC\n---\nzone: UTC\n").len(), 1);
    assert_eq!(fault("    languages: []\n"), "5:16 `languages` is empty | name one at least: en, de, fr or es");
    assert_eq!(fault("    user: [a, b]\n"), "5:11 `user` wants a line of text, not a list | write a line of text");
    assert_eq!(fault("    address: x\n"), "5:5 `address` is set twice | it is set first at line 4; keep one of the two");
}

#[test]
fn nothing_gets_into_an_address_or_a_name_that_could_break_a_header() {
    assert_eq!(
        fault("    name: \"Anna\\r\\nBcc: eve@evil.example\"\n"),
        "5:11 `name` holds a control character | write it on one line, without line breaks, tabs or direction marks"
    );
    assert!(fault("    name: \"Anna\\u202Eeel\"\n").contains("`name` holds a control character"));
    assert!(fault("    spam_folder: \"a\\nb\"\n").contains("`spam_folder` holds a control character"));
    let bad =
        fault("  - address: \"a@x.example\\r\\nRCPT TO:<b@y.example>\"\n  - address: Anna Lee <anna@x.example>\n  - address: no-at\n");
    assert_eq!(
        bad.lines().map(|l| l.split(" | ").next().unwrap_or_default()).collect::<Vec<_>>(),
        [
            "5:14 `address` holds a control character",
            "6:14 `Anna Lee <anna@x.example>` is not an address: the address holds a character that cannot stand there: ' '",
            "7:14 `no-at` is not an address: an address needs a name, one @ and a domain",
        ]
    );
}

#[test]
fn faults_of_servers() {
    let bare = |mailbox: &str| faults(&format!("zone: UTC\nmailboxes:\n  - {{address: a@x.example, secret: 'env:X', {mailbox}}}\n"));
    assert_eq!(
        bare("name: A"),
        [
            "3:5 no `smtp` server: provider `generic` has none of its own | add `smtp: {host: …}` here or in `defaults`, or set `provider` to one of `gmail`, `microsoft`, `yahoo`, `icloud`, `zoho` or `fastmail`",
            "3:5 no `imap` server: provider `generic` has none of its own | add `imap: {host: …}` here or in `defaults`, or set `provider` to one of `gmail`, `microsoft`, `yahoo`, `icloud`, `zoho` or `fastmail`",
        ]
    );
    assert_eq!(
        bare("smtp: {host: m.example, port: 2525}, imap: {host: 'imap://m.example'}"),
        [
            "3:75 port 2525 does not say how TLS begins | add `tls:` with `implicit`, `starttls` or `plain`",
            "3:95 `host` wants a host name, not `imap://m.example` | for example mail.new.example",
        ]
    );
    assert_eq!(
        bare("provider: gmail, imap: {port: 70000}"),
        ["3:75 `port` is 70000, out of its range | it wants a whole number from 1 to 65535"]
    );
    let plain = bare("provider: gmail, smtp: {tls: plain}");
    assert!(plain[0].starts_with("3:74 no TLS to `smtp.gmail.com`"), "{plain:?}");
    let evil = bare("smtp: {host: localhost.evil.example, tls: plain}, imap: {host: '::1', tls: plain}");
    assert_eq!(evil.len(), 1, "{evil:?}");
}

#[test]
fn faults_of_the_whole() {
    assert_eq!(
        faults("pool: x\n"),
        [
            "1:1 `zone` is missing | add `zone:` with Europe/Berlin",
            "1:1 `mailboxes` is missing | add `mailboxes:` with a list, each the keys of a mailbox",
        ]
    );
    assert_eq!(
        faults("zone: UTC\nmailboxes: []\n"),
        ["2:12 there is no mailbox | add one at least under `mailboxes:`, as `preheat init` shows"]
    );
    assert_eq!(faults("zone: UTC\nmailboxes:\n").len(), 1);
    assert_eq!(faults("- a\n- b\n").len(), 1);
    assert_eq!(faults("").len(), 2);
    assert_eq!(
        fault("pairs: {max_per_pair: 5, max_per_pair_week: 3, provider_mix: {gmail: 0.7, generic: 0.5, gmial: 0.1}}\n"),
        "5:45 max_per_pair_week 3 is below max_per_pair 5 | a week holds a day: raise the one or lower the other\n\
         5:62 the shares of `provider_mix` add up to 1.20 | together they are at most 1\n\
         5:89 `provider_mix` cannot be `gmial` | did you mean `gmail`?"
    );
    assert_eq!(
        fault("pairs: {max_per_pair: 5, max_per_pair_week: 3}\n"),
        "5:45 max_per_pair_week 3 is below max_per_pair 5 | a week holds a day: raise the one or lower the other"
    );
    assert_eq!(
        fault("domains: {new.example: {daily_cap: 0}, 'not a domain': {}, New.Example: {}}\n"),
        "5:36 `daily_cap` is 0, out of its range | it wants a whole number of messages from 1 to 10000000\n\
         5:40 `domains` wants a mail domain, not `not a domain` | for example new.example\n\
         5:60 `New.Example` is set twice | it is set first at line 5; keep one of the two"
    );
    assert!(fault("ledger: ~/preheat.db\n").contains("which only a shell understands"));
}

#[test]
fn what_does_nothing_is_worth_a_word() {
    let text = with(
        "    send_limit: 3\n  - {address: p@other.example, role: partner, schedule: gentle-6w, start_on: 2026-12-01}\ndomains: {new.exmple: {daily_cap: 9}}\n",
    );
    let config = read(&text).unwrap_or_else(|e| panic!("{e}"));
    let shown: Vec<String> = config
        .warnings
        .iter()
        .map(|w| format!("{} {} | {}", w.source.as_ref().unwrap().line, w.what, w.hint.as_deref().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            "5 `send_limit` does nothing here: it is for partner mailboxes | leave it out, or set `role: partner`",
            "6 `schedule` does nothing here: it is for warming mailboxes | leave it out, or set `role: warming`",
            "6 `start_on` does nothing here: it is for warming mailboxes | leave it out, or set `role: warming`",
            "7 no warming mailbox is in new.exmple | did you mean `new.example`?",
        ]
    );
    assert_eq!((config.warnings[0].subject.as_str(), config.warnings[3].subject.as_str()), ("anna@new.example", "config"));
}

#[test]
fn unknown_schedules_and_faulty_schedule_files_are_told_with_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    std::fs::write(dir.path().join("schedules/mine.yaml"), "ramp:\n  start: 9\n  target: 3\nwindow: 17:30-08:30\n").unwrap();
    std::fs::write(dir.path().join("schedules/short.yaml"), "ramp: {start: 3, target: 9, weeks: 2}\n").unwrap();
    let file = dir.path().join("preheat.yaml");
    std::fs::write(
        &file,
        with("    schedule: mine\n  - {address: b@new.example, schedule: mine.yaml}\n  - {address: c@new.example, schedule: ../mine}\n"),
    )
    .unwrap();
    let found = load(&file).unwrap_err().findings;
    let shown: Vec<String> = found
        .iter()
        .map(|f| {
            let s = f.source.as_ref().unwrap();
            format!("{}:{} {}", s.file.strip_prefix(dir.path()).unwrap().display(), s.line, f.what)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "preheat.yaml:6 unknown schedule `mine.yaml`",
            "preheat.yaml:7 unknown schedule `../mine`",
            "schedules/mine.yaml:3 target 3 is below start 9",
            "schedules/mine.yaml:4 the window `17:30-08:30` ends before it begins",
        ]
    );
    assert!(found[0].hint.as_ref().unwrap().starts_with("did you mean `mine`? there are mine, short, standard-6w"), "{:?}", found[0].hint);
    std::fs::write(&file, with("    schedule: short\n")).unwrap();
    let config = load(&file).unwrap_or_else(|e| panic!("{e}"));
    let warning = &config.warnings[0];
    assert_eq!(
        (warning.what.as_str(), warning.source.as_ref().unwrap().file.clone()),
        ("the ramp takes 2 weeks", dir.path().join("schedules/short.yaml"))
    );
    assert_eq!(config.schedules.keys().collect::<Vec<_>>(), ["short"]);
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("preheat.yaml");
    let secret = dir.path().join("pass");
    std::fs::write(&file, with("    secret: file:pass\n  - {address: b@other.example, secret: 'file:pass'}\n  - {address: c@other.example, secret: 'file:not-there-yet'}\n")).unwrap();
    std::fs::write(&secret, "x").unwrap();
    for (mode, refused) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o601, true)] {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        match load(&file) {
            Ok(_) => assert!(!refused, "{mode:o}"),
            Err(e) => {
                assert!(refused, "{mode:o}: {e}");
                assert_eq!(e.findings.len(), 1, "one file, one finding");
                assert_eq!(e.findings[0].what, format!("others can read the secret in {} (mode {mode:03o})", secret.display()));
                assert_eq!(e.findings[0].hint, Some(format!("chmod 600 {}", secret.display())));
                assert_eq!(e.findings[0].source.as_ref().unwrap().line, 5);
            }
        }
    }
}

#[test]
fn files_that_cannot_be_read_have_a_hint_too() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(&dir.path().join("preheat.yaml")).unwrap_err();
    assert!(missing.findings[0].hint.as_ref().unwrap().contains("preheat init"), "{missing}");
    let latin = dir.path().join("latin.yaml");
    std::fs::write(&latin, b"pool: x\nzone: \xfc\n").unwrap();
    let error = load(&latin).unwrap_err();
    let at = error.findings[0].source.as_ref().unwrap();
    assert_eq!((at.line, at.column, error.findings[0].what.as_str()), (2, 7, "not UTF-8 text"));
}

#[test]
fn ten_thousand_mailboxes_are_read() {
    use std::fmt::Write;
    let mut text = format!("zone: Europe/Berlin\n{DEFAULTS}mailboxes:\n");
    for i in 0..10_000 {
        let _ = write!(
            text,
            "  - address: m{i}@d{}.example\n    name: Mailbox {i}\n    role: warming\n    group: g{}\n    daily_cap: 40\n",
            i % 100,
            i % 100
        );
    }
    let config = read(&text).unwrap_or_else(|e| panic!("{}", e.findings[0]));
    assert_eq!((config.mailboxes.len(), config.warming_domains().len()), (10_000, 100));
    let last = mailbox(&config, "m9999@d99.example");
    assert_eq!((last.daily_cap, last.source.line), (Some(40), 4 + 5 * 9_999));
}

/// The parser's own budget ends at 250,000 nodes; this file has twice as many.
#[test]
fn the_budget_is_ours_not_the_parsers() {
    let mailbox = "  - {address: a@x.example, role: warming, group: g, zone: UTC, daily_cap: 1, name: A}\n";
    let root = super::tree::read(&format!("mailboxes:\n{}", mailbox.repeat(40_000))).unwrap();
    let super::tree::Tree::Map(map) = root.value else { panic!("a mapping") };
    let super::tree::Tree::List(list) = &map[0].node.value else { panic!("a list") };
    assert_eq!(list.len(), 40_000);
}

#[test]
fn durations_of_the_shipped_default_are_those_of_the_design() {
    let window = schedule_by_name("standard-6w", None).unwrap().schedule.window;
    assert_eq!((window.mailbox_gap, window.domain_gap), (Duration::from_mins(5), Duration::from_secs(90)));
}

#[test]
fn of_hundreds_of_faults_the_first_are_shown_and_the_others_counted() {
    let text = format!("zone: Europe/Berlin\n{DEFAULTS}mailboxes:\n  - address: anna@new.example\n{}", "  - rk\n".repeat(400));
    let error = read(&text).unwrap_err();
    let (faults, shown) = (error.findings.len(), error.to_string());
    assert!(faults >= 400 && shown.matches("preheat.yaml:").count() == 100, "{faults} faults");
    assert!(shown.ends_with(&format!("\n… and {} more, which are told when these are mended", faults - 100)));
}
