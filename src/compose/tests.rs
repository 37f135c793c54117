use super::*;
use crate::letter::Key;
use crate::words::LocalDate;
use chrono::TimeZone;

pub(super) fn start_draft(language: &str, content: u64) -> Draft<'_> {
    let party = |address: &str, name: &str| Party { address: Address::parse(address).unwrap(), name: Some(name.into()) };
    let from = party("ben.roy@new.example", "Ben Roy");
    Draft {
        id: LetterId::of_start(&from.address, LocalDate::ymd(2026, 12, 1).unwrap(), 1),
        from,
        to: party("anna.lee@partner.test", "Anna Lee"),
        date: chrono_tz::Europe::Berlin.with_ymd_and_hms(2026, 12, 1, 9, 5, 0).unwrap(),
        content,
        language,
        parent: None,
    }
}

pub(super) fn answer_draft<'a>(language: &'a str, content: u64, subject: &str, text: &str) -> Draft<'a> {
    let start = start_draft(language, content);
    let parent = Parent {
        message_id: MessageId::parse("1@partner.test").unwrap(),
        references: Vec::new(),
        subject: subject.into(),
        text: text.into(),
        from: start.to.clone(),
        date: DateTime::parse_from_rfc3339("2026-11-30T16:20:00+00:00").unwrap(),
    };
    Draft { parent: Some(parent), ..start }
}

fn keys() -> Keyring {
    Keyring::of(Key::new("k1", vec![7; 32]).unwrap())
}
