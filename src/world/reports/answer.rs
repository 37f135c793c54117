//! What is written in answer to a message: by a machine for who is away, by a person, and by who wants no more mail.

use super::draft::Draft;
use super::{About, Personality, Server};
use crate::words::Moment;

/// What who is away has told the machine to say.
pub const VACATIONS: [&str; 5] = [
    "I am out of the office until next Monday, with little access to mail. I will write back then.",
    "Vielen Dank für Ihre Nachricht. Ich bin bis Montag nicht im Büro und melde mich danach.",
    "Je suis absent du bureau jusqu'à lundi et vous répondrai à mon retour.",
    "Estoy fuera de la oficina hasta el lunes; responderé a mi vuelta.",
    "ただいま不在にしております。月曜日に戻りましたらご返信いたします。",
];

/// What a person writes back.
pub const REPLIES: [&str; 6] = [
    "Thank you, that sounds good. Could we speak about it on Thursday, after lunch?",
    "I have passed this on to Robert, he knows more about it than I do.",
    "Not this year, I am afraid: the budget is gone. Ask me again in spring.",
    "Danke, das interessiert mich. Was würde das für zwölf Leute kosten?",
    "Merci, je regarde cela cette semaine et vous rappelle.",
    "Gracias, lo hablo con mi equipo y le digo algo el martes.",
];

/// The wish to get no more mail, in words.
pub const UNSUBSCRIBES: [&str; 5] = [
    "Please remove me from your list.",
    "Please stop sending me emails.",
    "Bitte nehmen Sie mich aus dem Verteiler.",
    "Merci de me désinscrire.",
    "Quiero darme de baja, gracias.",
];

/// How somebody says that they want no more mail.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// In words, as an answer.
    Words(&'a str),
    /// By a mail to the List-Unsubscribe address, which a mail program writes (RFC 2369).
    Header,
}

/// A vacation answer of who got the message (RFC 3834): no return path, and it says that it is a machine's. `by`: the server of who is away.
pub fn vacation(by: Server<'_>, about: About<'_>, words: &str, at: Moment) -> Vec<u8> {
    let subject = about.subject();
    let mut draft = Draft::to(about.from, "", &format!("<{}>", about.to), at);
    let subject = match by.habits {
        Personality::Gmail => format!("Out of office Re: {subject}"),
        Personality::Microsoft => format!("Automatic reply: {subject}"),
        Personality::Dovecot => format!("Auto: {subject}"),
    };
    draft.field("Subject", &subject);
    identify(&mut draft, "vacation", about, at);
    match by.habits {
        Personality::Gmail => {
            draft.field("Auto-Submitted", "auto-replied");
            draft.field("Precedence", "bulk");
            draft.field("X-Autoreply", "yes");
        }
        Personality::Microsoft => {
            draft.field("Auto-Submitted", "auto-replied");
            draft.field("X-Auto-Response-Suppress", "All");
        }
        Personality::Dovecot => {
            draft.field("Auto-Submitted", "auto-replied (vacation)");
            draft.field("Precedence", "bulk");
            draft.field("X-Auto-Response-Suppress", "All");
        }
    }
    draft.text(words)
}

/// What a person writes who got the message.
pub fn reply(about: About<'_>, words: &str, at: Moment) -> Vec<u8> {
    let mut draft = Draft::to(about.from, about.to.as_str(), &format!("<{}>", about.to), at);
    draft.field("Subject", &answer_subject(&about.subject()));
    identify(&mut draft, "reply", about, at);
    draft.text(&quoting(about, words))
}

/// The wish of who got the message to get no more.
pub fn unsubscribe(about: About<'_>, wish: Wish<'_>, at: Moment) -> Vec<u8> {
    let mut draft = Draft::to(about.from, about.to.as_str(), &format!("<{}>", about.to), at);
    match wish {
        Wish::Words(words) => {
            draft.field("Subject", &answer_subject(&about.subject()));
            identify(&mut draft, "unsubscribe", about, at);
            draft.text(&quoting(about, words))
        }
        Wish::Header => {
            draft.field("Subject", "unsubscribe");
            draft.id(about.to.domain().as_str(), &["unsubscribe", &about.id(), about.to.as_str(), &at.0.to_string()]);
            draft.text("This message was written by a mail program.\n")
        }
    }
}

/// Gives it a Message-ID, and says what it answers.
fn identify(draft: &mut Draft, what: &str, about: About<'_>, at: Moment) {
    let original = about.id();
    draft.id(about.to.domain().as_str(), &[what, &original, about.to.as_str(), &at.0.to_string()]);
    draft.answers(&original, &about.field("References"));
}

fn answer_subject(subject: &str) -> String {
    let answers = subject.get(..3).is_some_and(|s| s.eq_ignore_ascii_case("re:"));
    if answers { subject.to_owned() } else { format!("Re: {subject}") }
}

fn quoting(about: About<'_>, words: &str) -> String {
    format!("{words}\n\nOn {}, {} wrote:\n> {}\n", about.field("Date"), about.from, about.subject())
}
