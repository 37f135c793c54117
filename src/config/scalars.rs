//! Single values from their text: durations, times of day, weekdays, hosts, secrets.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;

use crate::words::Domain;

use super::model::{CredentialSource, DayName};

/// Reads `5m`, `90s`, `3h`, `2d` or `1h30m`: numbers with units, the larger unit first, nothing between them.
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let mut seconds: u64 = 0;
    let mut units = UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?.chars().next()?;
        let (_, length) = units.find(|(u, _)| *u == unit)?;
        seconds = seconds.checked_add(number.checked_mul(*length)?)?;
        rest = rest.get(digits + 1..)?;
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// A duration as the file writes it: `1h30m`; `0s` for none.
pub fn duration_text(length: Duration) -> String {
    let seconds = length.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let shown: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.concat() }
}

/// Reads `08:30-17:30`, in the order in which it is written.
pub fn hours(text: &str) -> Option<(NaiveTime, NaiveTime)> {
    let (from, to) = text.split_once(['-', '–'])?;
    Some((time_of_day(from)?, time_of_day(to)?))
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |t: &str, max: usize| (1..=max).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour, 2) || !digits(minute, 2) || minute.len() != 2 {
        return None;
    }
    NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)
}

/// The weekdays' words, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const WEEKDAYS_IN_FULL: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads one weekday (`mon`, `Monday`) or a span of them (`mon-fri`, `mon..fri`, `sat-mon`).
///
/// # Errors
/// The word that is no weekday.
pub fn weekdays(text: &str) -> Result<BTreeSet<DayName>, String> {
    let day = |word: &str| {
        let word = word.trim().to_lowercase();
        let at = WEEKDAYS.iter().zip(WEEKDAYS_IN_FULL).position(|(short, full)| word == *short || word == full);
        at.map(|i| i as u8).ok_or(word)
    };
    let Some((first, last)) = text.split_once("..").or_else(|| text.split_once(['-', '–'])) else {
        return Ok(BTreeSet::from([DayName(day(text)?)]));
    };
    let (first, last) = (day(first)?, day(last)?);
    let length = (last + 7 - first) % 7;
    Ok((0..=length).map(|i| DayName((first + i) % 7)).collect())
}

/// Whether `text` can name a server: a host name of any number of labels, or an IP address.
pub fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !l.starts_with('-') && !l.ends_with('-')
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}

/// Whether a host is this machine, the only one to which preheat speaks without TLS.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT …`. `{address}` and `{local}` may stand in each.
///
/// `None` for anything else; that may be a password, so nobody may show it.
pub fn secret(text: &str) -> Option<CredentialSource> {
    let (how, what) = text.split_once(':')?;
    match how {
        "env" => secret_env(what.trim()),
        "file" => secret_file(what.trim()),
        "command" => secret_command(what.split_whitespace().map(str::to_owned).collect()),
        _ => None,
    }
}

/// A secret from an environment variable; `None` where `name` cannot be one's name.
pub fn secret_env(name: &str) -> Option<CredentialSource> {
    let plain = name.replace("{address}", "A").replace("{local}", "A");
    let holds = plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !plain.starts_with(|c: char| c.is_ascii_digit());
    (holds && !plain.is_empty()).then(|| CredentialSource::Env(name.to_owned()))
}

/// A secret from a file; `None` for no path.
pub fn secret_file(path: &str) -> Option<CredentialSource> {
    (!path.is_empty() && !path.contains(char::is_control)).then(|| CredentialSource::File(PathBuf::from(path)))
}

/// A secret from a program; `None` where there is no program, or a part of it holds a control character.
pub fn secret_command(parts: Vec<String>) -> Option<CredentialSource> {
    let holds = parts.first().is_some_and(|p| !p.is_empty()) && parts.iter().all(|p| !p.contains(char::is_control));
    holds.then_some(CredentialSource::Command(parts))
}

/// Whether a key's name says that a secret stands there, or is a slip of one that does.
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let says_so = ["pass", "pwd", "pw", "secret", "token", "credential", "key", "kennwort"].iter().any(|word| key.contains(word));
    let words = key.rsplit([' ', '\t', '{', ',', '-']).next().unwrap_or_default().trim_end_matches(':').trim_matches(['"', '\'']);
    let slip = |word: &str| words.len() < 20 && strsim::damerau_levenshtein(words, word) <= 2;
    says_so || slip("password") || slip("secret")
}

/// A mail domain's text, checked.
pub fn domain(text: &str) -> Option<Domain> {
    Domain::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_the_larger_first() {
        let read: Vec<Option<u64>> = [
            "5m",
            "90s",
            "3h",
            "1h30m",
            "2d",
            "0s",
            "1d1h1m1s",
            "5",
            "5 apples",
            "m",
            "",
            "30m1h",
            "5m5m",
            "-5m",
            "1.5h",
            "5é",
            "99999999999999999999s",
            "999999999999999999d",
        ]
        .iter()
        .map(|t| duration(t).map(|d| d.as_secs()))
        .collect();
        let want = [300, 90, 10_800, 5_400, 172_800, 0, 90_061].map(Some);
        assert_eq!(read[..7], want);
        assert_eq!(read[7..], [None; 11]);
        assert_eq!(["5m", "1h30m", "0s", "1d1h1m1s"].map(|t| duration_text(duration(t).unwrap())), ["5m", "1h30m", "0s", "1d1h1m1s"]);
    }

    #[test]
    fn hours_are_two_times_of_day() {
        let at = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        assert_eq!(hours("08:30-17:30"), Some((at(8, 30), at(17, 30))));
        assert_eq!(hours("8:30 – 17:30"), Some((at(8, 30), at(17, 30))));
        assert_eq!(hours("22:00-06:00"), Some((at(22, 0), at(6, 0))));
        for bad in ["", "08:30", "8-17", "08:30-24:00", "08:5-09:00", "08:60-09:00", "a:b-c:d", "+8:30-09:00", "08:30-17:30-18:00"] {
            assert_eq!(hours(bad), None, "{bad}");
        }
    }

    #[test]
    fn weekdays_are_words_or_spans() {
        let days = |t| weekdays(t).map(|d| d.into_iter().map(|d| d.0).collect::<Vec<_>>());
        assert_eq!(days("mon"), Ok(vec![0]));
        assert_eq!(days("Sunday"), Ok(vec![6]));
        assert_eq!(days("mon-fri"), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(days("mon..sun"), Ok(vec![0, 1, 2, 3, 4, 5, 6]));
        assert_eq!(days("sat-mon"), Ok(vec![0, 5, 6]));
        assert_eq!(days("mon-fry"), Err("fry".to_owned()));
        assert_eq!(days(""), Err(String::new()));
    }

    #[test]
    fn hosts_and_loopback() {
        assert!(["mail.new.example", "localhost", "127.0.0.1", "::1", "mx1"].iter().all(|h| is_host(h)));
        assert!(["", "a b", "a..b", "-a.b", "smtp://x", "x:25", "ä.example", "a\r\nb"].iter().all(|h| !is_host(h)));
        assert!(["localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"].iter().all(|h| is_loopback(h)));
        assert!(["localhost.evil.example", "10.0.0.1", "0.0.0.0", "mail.example"].iter().all(|h| !is_loopback(h)));
    }

    #[test]
    fn a_secret_is_named_never_written() {
        assert_eq!(secret("env:PASS_{local}"), Some(CredentialSource::Env("PASS_{local}".into())));
        assert_eq!(secret("file:secrets/{address}"), Some(CredentialSource::File("secrets/{address}".into())));
        assert_eq!(secret("command:pass show mail"), Some(CredentialSource::Command(vec!["pass".into(), "show".into(), "mail".into()])));
        for literal in ["hunter2", "", "env:", "env:my pass", "env:1st", "file:", "command:", "plain:x", "http://x", "env", "ENV:X"] {
            assert_eq!(secret(literal), None, "{literal}");
        }
        assert!(
            ["password", "Passwd", "app_password", "smtp_pwd", "api_token", "pasword", "secrt", "  - {user: x, pasword:", "pw", "api_key"]
                .iter()
                .all(|k| names_a_secret(k))
        );
        assert!(["address", "user", "sent_folder", "zone", "pool", "rol", "port", ""].iter().all(|k| !names_a_secret(k)));
    }
}
