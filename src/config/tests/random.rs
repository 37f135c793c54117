//! Random texts: nothing makes the reader panic, and no password is shown.

use std::path::Path;

use proptest::prelude::*;

use super::{read, with};
use crate::config::{ScheduleOrigin, parse_schedule};

/// Text that is nearly a config: lines made of known keys, odd values and odd indentation.
fn config_like() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "pool",
        "zone",
        "schedule",
        "defaults",
        "mailboxes",
        "- address",
        "address",
        "name",
        "secret",
        "password",
        "smtp",
        "imap",
        "host",
        "port",
        "tls",
        "domains",
        "pairs",
        "provider_mix",
        "content",
        "ramp",
        "start",
        "target",
        "weeks",
        "steps",
        "curve",
        "calendar",
        "weekdays",
        "holidays",
        "window",
        "hours",
        "mailbox_gap",
        "after",
        "maintain",
        "max_daily_growth",
        "engagement",
        "open_delay",
        "median",
        "? ",
        "<<",
        "é",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "",
            "x",
            "5",
            "-5",
            "1e999",
            "99999999999999999999",
            "0.3",
            "[",
            "]",
            "{",
            "}",
            "[mon-fri]",
            "mon..fri",
            "08:30-17:30",
            "17:30-08:30",
            "5m",
            "5é",
            "2026-12-01",
            "Europe/Berlin",
            "a@x.example",
            "env:X",
            "file:",
            "{command: [a, b]}",
            "&a x",
            "*a",
            "!!int x",
            "| ",
            "> ",
            "\"\\r\\n\"",
            "'",
            "# x",
            "~",
            "off",
            "stop",
            "{maintain: 3}",
            "plain",
            "gmail",
            "\u{feff}",
            "\u{2028}",
            "- - -",
            "%YAML 1.2",
            "---",
            "...",
            "\t",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let line = (0_usize..6, key, value).prop_map(|(indent, key, value)| format!("{}{key}: {value}", " ".repeat(indent)));
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}|[-a-z: \\n\\[\\]{}&*!|>'\"#%@,\\r\\t]{0,200}") {
        if let Err(error) = read(&text) {
            prop_assert!(!error.findings.is_empty() && !error.to_string().is_empty());
        }
        let _ = parse_schedule("s", &text, Path::new("s.yaml"), ScheduleOrigin::Shipped);
    }

    #[test]
    fn no_near_config_makes_the_reader_panic(text in config_like()) {
        if let Err(error) = read(&text) {
            prop_assert!(!error.findings.is_empty() && !error.to_string().is_empty());
        }
        let _ = parse_schedule("s", &text, Path::new("s.yaml"), ScheduleOrigin::Shipped).map_err(|found| format!("{found:?}"));
    }

    #[test]
    fn a_literal_password_of_any_kind_is_refused_and_never_shown(word in "[A-Za-z0-9!$%^()_+=;<>?/.~-]{6,30}", below in "(user|name|group)") {
        prop_assume!(!"address secret mailbox password literal refused preheat anna example command program argument control character".contains(&word.to_lowercase()));
        let text = with(&format!("    secret: {word}\n    {below}: [1]\n"));
        let error = read(&text).expect_err("refused");
        prop_assert!(!error.to_string().contains(&word), "{error}");
    }
}
