//! The keys of a schedule file, as tables.

use super::table::{Key, Kind, Section};

const VOLUME: Kind = Kind::Whole { min: 1, max: 10_000_000, unit: "messages a day" };
const CHANCE: Kind = Kind::Share { max: 1.0 };
const DAY: u64 = 86_400;

/// The curves as they are written.
pub const CURVES: &[&str] = &["linear", "exponential", "logistic", "steps"];

/// A whole schedule file.
pub static SCHEDULE: Section = Section {
    title: "schedules/NAME.yaml",
    about: "A ramp plan. Volumes are messages a day of one mailbox, answers included.",
    short: None,
    keys: &[
        Key::optional("about", Kind::Text, "", "One sentence for people."),
        Key::required("ramp", Kind::Section(&RAMP), "From which volume to which, how fast, in which shape."),
        Key::optional("calendar", Kind::Section(&CALENDAR), "", "On which days."),
        Key::optional("window", Kind::Section(&WINDOW), "", "At which times of the sender's day."),
        Key::optional(
            "engagement",
            Kind::Section(&ENGAGEMENT),
            "",
            "What a mailbox with this schedule does with the letters that it receives.",
        ),
        Key::optional(
            "after",
            Kind::WordOr(&["stop"], &AFTER),
            "",
            "What comes after the ramp: `stop`, or `{maintain: N}`. Half of the target goes on if it is not set.",
        ),
        Key::optional(
            "share",
            Kind::Share { max: 1.0 },
            "1",
            "The most of a day's total that warmup takes, 0.01 at least; the rest is room for real mail. Never less than what is maintained after the ramp.",
        ),
    ],
};

/// The ramp.
pub static RAMP: Section = Section {
    title: "ramp",
    about: "From which volume to which, how fast, in which shape.",
    short: None,
    keys: &[
        Key::optional("start", VOLUME, "", "The first day's volume. With `steps` it is the first of them; otherwise it must be set."),
        Key::optional(
            "target",
            VOLUME,
            "",
            "The volume that the ramp reaches, `start` or more. With `steps` it is the largest of them; otherwise it must be set.",
        ),
        Key::optional(
            "weeks",
            Kind::Whole { min: 1, max: 26, unit: "weeks" },
            "6",
            "Calendar weeks; the curve runs over the send-days in them. 4 to 6 are usual. With `steps` their number says it.",
        ),
        Key::optional(
            "curve",
            Kind::Word(CURVES),
            "exponential",
            "The shape: `exponential` grows by the same factor each day, `linear` by the same number, `logistic` is an S, `steps` a list.",
        ),
        Key::optional("steps", Kind::List(&VOLUME), "", "The volumes in order, for `curve: steps`."),
        Key::optional("per", Kind::Word(&["day", "week"]), "day", "Whether each of the `steps` stands for a send-day or for a week."),
        Key::optional(
            "max_daily_growth",
            Kind::WordOr(&["off"], &GROWTH),
            "",
            "The bound on every step: the larger of a number of messages and a share of the day before. Off for `steps`.",
        ),
        Key::optional(
            "jitter",
            Kind::Share { max: 0.5 },
            "0",
            "How far chance may lower a day, as a share of its volume; it never raises one.",
        ),
    ],
};

/// The bound on every step.
pub static GROWTH: Section = Section {
    title: "max_daily_growth",
    about: "The larger of the two bounds a step.",
    short: None,
    keys: &[
        Key::optional("messages", Kind::Whole { min: 0, max: 10_000_000, unit: "messages" }, "2", "Messages more than the day before."),
        Key::optional("share", Kind::Share { max: 1.0 }, "0.20", "Share of the day before."),
    ],
};

/// On which days.
pub static CALENDAR: Section = Section {
    title: "calendar",
    about: "On which days mail is sent.",
    short: None,
    keys: &[
        Key::optional("weekdays", Kind::Weekdays, "mon-fri", "The weekdays with full volume."),
        Key::optional("weekend_factor", CHANCE, "0", "The share of a day's volume on the other days; 0 is no sending."),
        Key::optional("holidays", Kind::List(&Kind::Date), "", "Dates without any sending."),
    ],
};

/// At which times.
pub static WINDOW: Section = Section {
    title: "window",
    about: "At which times of the sender's day mail is sent, and how far apart.",
    short: Some("hours"),
    keys: &[
        Key::optional("hours", Kind::Hours, "08:30-17:30", "From and to, in the mailbox's own time zone."),
        Key::optional("mailbox_gap", Kind::Duration { max: DAY }, "5m", "Between two letters of one mailbox, at least."),
        Key::optional("domain_gap", Kind::Duration { max: DAY }, "90s", "Between two letters of one domain, at least."),
    ],
};

/// What recipients do.
pub static ENGAGEMENT: Section = Section {
    title: "engagement",
    about: "What a mailbox does with the letters that it receives. A letter in spam is always rescued.",
    short: None,
    keys: &[
        Key::optional("open", CHANCE, "0.60", "Chance that a letter is opened."),
        Key::optional("answer", CHANCE, "0.30", "Chance that an opened or rescued letter is answered."),
        Key::optional("important", CHANCE, "0.15", "Chance that a letter is marked important."),
        Key::optional("flag", CHANCE, "0.05", "Chance that a letter is flagged."),
        Key::optional("rescue_delay", Kind::Section(&RESCUE_DELAY), "", "From the first sight of a letter in spam to its rescue."),
        Key::optional("open_delay", Kind::Section(&OPEN_DELAY), "", "From the first sight of a letter to its opening."),
        Key::optional("answer_delay", Kind::Section(&ANSWER_DELAY), "", "From the opening to the answer."),
        Key::optional("hours", Kind::Hours, "07:00-22:00", "When the mailbox is read, in its own time zone."),
    ],
};

const LONGEST: Kind = Kind::Duration { max: 14 * DAY };
const MEDIAN: &str = "Half of the delays are below it.";
const P95: &str = "95 of 100 delays are below it.";
const MIN: &str = "No delay is below it.";
const MAX: &str = "No delay is above it.";

/// How long a rescue takes.
pub static RESCUE_DELAY: Section = Section {
    title: "rescue_delay",
    about: "How long a rescue takes: most are quick, a few are slow.",
    short: None,
    keys: &[
        Key::optional("median", LONGEST, "45m", MEDIAN),
        Key::optional("p95", LONGEST, "4h", P95),
        Key::optional("min", LONGEST, "10m", MIN),
        Key::optional("max", LONGEST, "6h", MAX),
    ],
};

/// How long an opening takes.
pub static OPEN_DELAY: Section = Section {
    title: "open_delay",
    about: "How long it takes until a letter is opened.",
    short: None,
    keys: &[
        Key::optional("median", LONGEST, "1h", MEDIAN),
        Key::optional("p95", LONGEST, "8h", P95),
        Key::optional("min", LONGEST, "3m", MIN),
        Key::optional("max", LONGEST, "24h", MAX),
    ],
};

/// How long an answer takes.
pub static ANSWER_DELAY: Section = Section {
    title: "answer_delay",
    about: "How long it takes until an opened letter is answered.",
    short: None,
    keys: &[
        Key::optional("median", LONGEST, "3h", MEDIAN),
        Key::optional("p95", LONGEST, "26h", P95),
        Key::optional("min", LONGEST, "15m", MIN),
        Key::optional("max", LONGEST, "48h", MAX),
    ],
};

/// After the ramp.
pub static AFTER: Section = Section {
    title: "after",
    about: "What comes after the ramp.",
    short: None,
    keys: &[Key::required("maintain", VOLUME, "Messages a day from then on.")],
};
