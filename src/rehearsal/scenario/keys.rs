//! The keys of a scenario file, as tables.

use crate::config::table::{Key, Kind, Section};

use super::TO_THE_END;

/// The kinds of faults as they are written; [`super::What`] in its order.
pub const WHATS: &[&str] = &[
    "outage",
    "hangs",
    "locked",
    "gone",
    "full",
    "away",
    "flaky",
    "blocklisted",
    "broken-dmarc",
    "complaints",
    "campaign",
    "greylisting",
    "asleep",
    "killed",
];

/// How a sender hears that a letter is not taken: [`crate::world::By`].
pub const BYS: &[&str] = &["refusal", "report"];

/// Whom a fault may concern, beside providers, addresses and domains.
pub const ATS: &[&str] = &["all", "biggest-receiver", "first-domain", "first-warming", "first-partner"];

const DAY: Kind = Kind::Whole { min: 1, max: TO_THE_END, unit: "" };
const DAYS: Kind = Kind::Whole { min: 1, max: TO_THE_END, unit: "days" };

/// A whole scenario file.
pub static SCENARIO: Section = Section {
    title: "scenarios/NAME.yaml",
    about: "What happens in the modelled world while a ramp is rehearsed. Days are counted from 1, the rehearsal's first date.",
    short: None,
    keys: &[
        Key::required("about", Kind::Text, "One sentence for people."),
        Key::optional("schedule", Kind::Text, "", "The schedule that every warming mailbox gets instead of its own."),
        Key::optional("holidays", Kind::List(&Kind::Section(&HOLIDAYS)), "", "Days on which nobody sends."),
        Key::optional("faults", Kind::List(&Kind::Section(&FAULT)), "", "What goes wrong."),
    ],
};

/// Days without sending.
static HOLIDAYS: Section = Section {
    title: "holidays",
    about: "Days on which nobody sends.",
    short: None,
    keys: &[Key::required("from_day", DAY, "The first of them."), Key::required("days", DAYS, "How many.")],
};

/// Something that goes wrong.
pub static FAULT: Section = Section {
    title: "a fault",
    about: "Something that goes wrong for a while.",
    short: None,
    keys: &[
        Key::required("what", Kind::Word(WHATS), "What goes wrong."),
        Key::optional(
            "at",
            Kind::Text,
            "",
            "Whom it concerns: `all`, `biggest-receiver`, `first-domain`, `first-warming`, `first-partner`, a provider such as `gmail`, or an address or a domain of the pool. `outage`, `hangs`, `locked`, `gone`, `full` and `away` must say it; what is about a domain (`blocklisted`, `broken-dmarc`, `complaints`, `campaign`) may name a warming domain or a receiver.",
        ),
        Key::optional("from_day", DAY, "1", "Its first day."),
        Key::optional("days", DAYS, "", "How many days; until the end if it is not set."),
        Key::optional(
            "share",
            Kind::Share { max: 1.0 },
            "",
            "`flaky`: the share of commands at which the connection breaks. `complaints`: the share of them that is about preheat's own letters, none if it is not set; the others are about mail that somebody else sent.",
        ),
        Key::optional(
            "a_day",
            Kind::Whole { min: 1, max: 1_000, unit: "times a day" },
            "",
            "`complaints`: how many a day at each receiver. `campaign`: how many messages a day from each mailbox. `killed`: how many a day.",
        ),
        Key::optional(
            "by",
            Kind::Word(BYS),
            "",
            "`gone`, `full`, `blocklisted`: how senders hear of it. `refusal`: while the letter is offered; nothing is taken over. `report`, if it is not set: the letter is taken over, and a report comes back later.",
        ),
        Key::optional("wait", Kind::Duration { max: 5 * 86_400 }, "", "`greylisting`: how long a letter is put off."),
        Key::optional("hours", Kind::Text, "", "`asleep`: from and to, over midnight too: `22:30-09:40`."),
    ],
};
