//! The keys of `preheat.yaml`, as tables.

use super::table::{Key, Kind, Section};

/// The roles as they are written; the words of [`crate::words::Role`].
pub const ROLES: &[&str] = &["warming", "partner"];
/// The providers as they are written; the words of [`crate::words::Provider`].
pub const PROVIDERS: &[&str] = &["gmail", "microsoft", "yahoo", "icloud", "zoho", "fastmail", "generic"];
/// How TLS begins, as it is written.
pub const TLS_MODES: &[&str] = &["implicit", "starttls", "plain"];
/// How a secret signs in, as it is written.
pub const AUTH_KINDS: &[&str] = &["password", "xoauth2"];
/// How real mail is counted, as it is written; the words of [`crate::words::OutsideMail`].
pub const OUTSIDE_MAIL: &[&str] = &["sent_folder", "reported", "none"];
/// What becomes of finished warmup mail, as it is written.
pub const TIDY_WAYS: &[&str] = &["move", "delete"];
/// The languages of the shipped content.
pub const LANGUAGES: &[&str] = &["en", "de", "fr", "es"];

const PORT: Kind = Kind::Whole { min: 1, max: 65_535, unit: "" };
const CAP: Kind = Kind::Whole { min: 1, max: 10_000_000, unit: "messages" };
const LIMIT: Kind = Kind::Whole { min: 0, max: 10_000, unit: "messages" };

/// The whole file.
pub static CONFIG: Section = Section {
    title: "preheat.yaml",
    about: "The pool: its mailboxes, how to reach them, and the limits on them. Paths are beside this file unless they are absolute.",
    short: None,
    keys: &[
        Key::optional("pool", Kind::Text, "pool", "The pool's name, shown in output."),
        Key::required("zone", Kind::Zone, "The time zone of mailboxes that name none; it decides their local date and their window."),
        Key::optional(
            "schedule",
            Kind::Text,
            "standard-6w",
            "The schedule of warming mailboxes that name none: a shipped one, or a file in `schedules/` beside this file.",
        ),
        Key::optional("ledger", Kind::Path, "preheat.db", "The SQLite file in which everything that happens is written down."),
        Key::optional(
            "key_file",
            Kind::Path,
            "preheat.key",
            "The file with the key that signs `X-Preheat`; `preheat init` makes it, readable by its owner only.",
        ),
        Key::optional("defaults", Kind::Section(&DEFAULTS), "", "What holds for every mailbox that does not say otherwise."),
        Key::required(
            "mailboxes",
            Kind::List(&Kind::Section(&MAILBOX)),
            "The mailboxes of the pool: warming ones, and partners that receive and answer.",
        ),
        Key::optional("domains", Kind::Map(&Kind::Domain, &Kind::Section(&DOMAIN)), "", "Settings of warming domains, by domain."),
        Key::optional("pairs", Kind::Section(&PAIRS), "", "Limits on who writes to whom."),
        Key::optional(
            "tidy",
            Kind::WordOr(&["off"], &TIDY),
            "",
            "What becomes of warmup mail that is finished, at its recipient and in its sender's Sent folder. `off`: it stays where it is.",
        ),
        Key::optional("content", Kind::Section(&CONTENT), "", "Content of your own, beside the shipped."),
    ],
};

const ROLE: Key = Key::optional(
    "role",
    Kind::Word(ROLES),
    "warming",
    "`warming`: its domain is being warmed. `partner`: an established mailbox that receives and answers.",
);
const PROVIDER: Key =
    Key::optional("provider", Kind::Word(PROVIDERS), "generic", "Who runs it; all but `generic` bring servers, ports and a daily limit.");
const GROUP: Key = Key::optional(
    "group",
    Kind::Text,
    "",
    "Mailboxes of one group (one tenant, one host) never write to each other, because such mail does not leave the house.",
);
const ZONE: Key = Key::optional("zone", Kind::Zone, "", "Its time zone; the file's `zone` if it is not set.");
const LANGUAGE_LIST: Key = Key::optional(
    "languages",
    Kind::OneOrMore(&Kind::Text),
    "en",
    "The languages that it writes, best first: `en`, `de`, `fr`, `es`, or one of your content files'.",
);
const SCHEDULE: Key =
    Key::optional("schedule", Kind::Text, "", "The schedule of a warming mailbox; the file's `schedule` if it is not set.");
const START_ON: Key =
    Key::optional("start_on", Kind::Date, "", "The first local date of its ramp; the first day that preheat runs if it is not set.");
const DAILY_CAP: Key = Key::optional("daily_cap", CAP, "", "Messages a day at most, whatever the schedule says.");
const RECEIVE_LIMIT: Key = Key::optional("receive_limit", LIMIT, "20", "Letters that it may receive on one local date.");
const SEND_LIMIT: Key = Key::optional("send_limit", LIMIT, "12", "Partners: letters that it may send a day, answers included.");
const START_LIMIT: Key = Key::optional("start_limit", LIMIT, "3", "Partners: threads that it may start a day.");
const SMTP_KEY: Key = Key::optional("smtp", Kind::Section(&SMTP), "", "How it sends; the provider's servers if it is not set.");
const IMAP_KEY: Key = Key::optional("imap", Kind::Section(&IMAP), "", "How it is read; the provider's servers if it is not set.");
const SECRET: Key = Key::optional(
    "secret",
    Kind::Secret,
    "",
    "Where its password or token comes from, never the password itself. `{address}` and `{local}` stand for the mailbox; in `env:` they are upper-cased and what is no letter or digit becomes `_`. A file must be readable by its owner only; a program is run without a shell and its first line is taken.",
);
const AUTH: Key = Key::optional(
    "auth",
    Kind::Word(AUTH_KINDS),
    "password",
    "`password`: PLAIN or LOGIN, as the server offers. `xoauth2`: the secret is an OAuth2 access token.",
);
const SPAM_FOLDER: Key = Key::optional("spam_folder", Kind::Text, "", "The spam folder's name, where preheat cannot find it by itself.");
const SENT_FOLDER: Key = Key::optional("sent_folder", Kind::Text, "", "The same for the folder of sent mail.");
const OUTSIDE: Key = Key::optional(
    "outside_mail",
    Kind::Word(OUTSIDE_MAIL),
    "",
    "Warming mailboxes: how preheat knows of the real mail that is sent from it, which counts against the same total. `sent_folder`: counted in its Sent folder. `reported`: told by `preheat sent report`. `none`: nothing else is sent. If it is not set, `preheat allowance` says that it does not know.",
);

/// A mailbox.
pub static MAILBOX: Section = Section {
    title: "a mailbox",
    about: "One mailbox of the pool. What it does not set is taken from `defaults`, then from its provider.",
    short: Some("address"),
    keys: &[
        Key::required("address", Kind::Address, "Its address; no two mailboxes share one."),
        Key::optional("name", Kind::Text, "", "The name beside its address in From and To."),
        ROLE,
        PROVIDER,
        GROUP,
        ZONE,
        LANGUAGE_LIST,
        SCHEDULE,
        START_ON,
        DAILY_CAP,
        RECEIVE_LIMIT,
        SEND_LIMIT,
        START_LIMIT,
        SMTP_KEY,
        IMAP_KEY,
        Key::optional("user", Kind::Text, "", "The user to sign in as; its address if it is not set."),
        SECRET,
        AUTH,
        SPAM_FOLDER,
        SENT_FOLDER,
        OUTSIDE,
    ],
};

/// What holds for every mailbox.
pub static DEFAULTS: Section = Section {
    title: "defaults",
    about: "What holds for every mailbox that does not say otherwise. `smtp` and `imap` are not taken by a mailbox that names a provider with servers of its own.",
    short: None,
    keys: &[
        ROLE,
        PROVIDER,
        GROUP,
        ZONE,
        LANGUAGE_LIST,
        START_ON,
        DAILY_CAP,
        RECEIVE_LIMIT,
        SEND_LIMIT,
        START_LIMIT,
        SMTP_KEY,
        IMAP_KEY,
        SECRET,
        AUTH,
        SPAM_FOLDER,
        SENT_FOLDER,
        OUTSIDE,
    ],
};

const HOST: Key = Key::optional("host", Kind::Host, "", "The server's name, as it stands in its certificate.");
const TLS: Key = Key::optional(
    "tls",
    Kind::Word(TLS_MODES),
    "",
    "How TLS begins; implied by a usual port. `plain` is for this machine only (localhost, 127.0.0.1, ::1).",
);
const CA_FILE: Key =
    Key::optional("ca_file", Kind::Path, "", "A PEM file with the authority to trust for this server, instead of the system's.");

/// How a mailbox sends.
pub static SMTP: Section = Section {
    title: "smtp",
    about: "The server that takes its mail.",
    short: Some("host"),
    keys: &[
        HOST,
        Key::optional(
            "port",
            PORT,
            "",
            "465 if it is not set, or the usual port of `tls`. 465 implies `implicit`; 587 and 25 imply `starttls`.",
        ),
        TLS,
        CA_FILE,
        Key::optional("ehlo", Kind::Host, "", "The name that preheat gives itself; the mailbox's domain if it is not set."),
    ],
};

/// How a mailbox is read.
pub static IMAP: Section = Section {
    title: "imap",
    about: "The server that shows its folders.",
    short: Some("host"),
    keys: &[
        HOST,
        Key::optional(
            "port",
            PORT,
            "",
            "993 if it is not set, or the usual port of `tls`. 993 implies `implicit`; 143 implies `starttls`.",
        ),
        TLS,
        CA_FILE,
    ],
};

/// Settings of a warming domain.
pub static DOMAIN: Section = Section {
    title: "a domain",
    about: "A warming domain, whose reputation its mailboxes share.",
    short: None,
    keys: &[Key::optional("daily_cap", CAP, "", "Messages a day over all of its mailboxes.")],
};

/// Limits on who writes to whom.
pub static PAIRS: Section = Section {
    title: "pairs",
    about: "Limits on who writes to whom. The lower they are, the more mailboxes a target needs; `preheat plan` says how many.",
    short: None,
    keys: &[
        Key::optional(
            "max_per_pair",
            Kind::Whole { min: 1, max: 1_000, unit: "threads" },
            "3",
            "Threads a day from one mailbox to another.",
        ),
        Key::optional(
            "max_per_pair_week",
            Kind::Whole { min: 1, max: 7_000, unit: "threads" },
            "12",
            "Threads in 7 days from one mailbox to another.",
        ),
        Key::optional(
            "thread_length",
            Kind::Whole { min: 1, max: 20, unit: "letters" },
            "4",
            "Letters in a thread at most; 1 for no answers.",
        ),
        Key::optional(
            "provider_mix",
            Kind::Map(&Kind::Word(PROVIDERS), &Kind::Share { max: 1.0 }),
            "",
            "The wanted share of letters by the recipient's provider, together at most 1; as the pool is made up if it is not set.",
        ),
    ],
};

/// What becomes of finished warmup mail.
pub static TIDY: Section = Section {
    title: "tidy",
    about: "What becomes of warmup mail that is finished, at its recipient and in its sender's Sent folder. Nothing else is ever touched.",
    short: None,
    keys: &[
        Key::optional(
            "after",
            Kind::Duration { max: 366 * 86_400 },
            "14d",
            "From the hand-over of a letter until it is put away, 2 days at least: until then a provider may still move it.",
        ),
        Key::optional(
            "how",
            Kind::Word(TIDY_WAYS),
            "move",
            "`move`: into a folder of its own, which is made where there is none. `delete`: for good; at Gmail, into the bin.",
        ),
        Key::optional("into", Kind::Text, "Warmup", "The folder's name, for `how: move`."),
    ],
};

/// Content of the user's own.
pub static CONTENT: Section = Section {
    title: "content",
    about: "Texts of your own, beside the shipped.",
    short: None,
    keys: &[
        Key::optional("files", Kind::OneOrMore(&Kind::Path), "", "Content files; the form is that of the shipped ones."),
        Key::optional("command", Kind::Program, "", "A program that gets JSON on standard input and answers JSON: a subject and a text."),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{OutsideMail, Provider, Role};

    #[test]
    fn the_words_of_the_tables_are_the_words_of_the_design() {
        assert_eq!(ROLES, Role::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>());
        assert_eq!(PROVIDERS, Provider::ALL.iter().map(|p| p.as_str()).collect::<Vec<_>>());
        assert_eq!(OUTSIDE_MAIL, OutsideMail::ALL.iter().map(|o| o.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn every_default_of_a_mailbox_is_a_key_of_a_mailbox() {
        for key in DEFAULTS.keys {
            let own = MAILBOX.key(key.name).unwrap();
            assert_eq!(format!("{key:?}"), format!("{own:?}"));
        }
    }
}
