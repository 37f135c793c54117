//! What a refusal is about: a server's reply while a letter is handed over, or its words in a report.

use super::codes;
use super::phrases;
use super::rules::{Rules, Said};
use super::text::Folded;
use crate::words::{Enhanced, Provider, RefusalClass, Reply};

/// What a refusal of `speaker`'s server is about.
///
/// What may pass says nothing final about a recipient: of a transient reply, such a class is `temporary`. A reply that is no refusal is `other`.
pub fn classify(speaker: Provider, reply: &Reply) -> RefusalClass {
    if !reply.is_permanent() && !reply.is_transient() {
        return RefusalClass::Other;
    }
    let words = Folded::new(&reply.text);
    let code = Some(reply.code).filter(|c| (400..600).contains(c));
    let found = Rules::shipped().find(&Said { speaker, reply: code, enhanced: reply.enhanced, words: &words });
    match found.map_or(RefusalClass::Other, |rule| rule.class) {
        class if reply.is_transient() && class.is_about_recipient() => RefusalClass::Temporary,
        class => class,
    }
}

/// Words of servers that let every stranger wait once.
const GREYLISTING: [&str; 4] = ["greylist", "graylist", "grey list", "gray list"];

/// Whether a reply that asks for patience is greylisting: said of every first letter, and no word about how many come.
pub fn is_greylisting(reply: &Reply) -> bool {
    let text = reply.text.to_ascii_lowercase();
    reply.is_transient() && GREYLISTING.iter().any(|word| text.contains(word))
}

/// What a report says of one recipient, from the surest source to the least sure.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What it is, for the evidence.
    pub name: &'static str,
    /// Its words.
    pub words: &'a str,
}

/// What was found in a report's sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub class: RefusalClass,
    pub reply: Option<u16>,
    pub enhanced: Option<Enhanced>,
    /// Which rule, in which source.
    pub evidence: String,
}

/// Finds what a report is about. The first source whose words a rule knows speaks; where no words do, the codes do.
pub fn find(sources: &[Source<'_>], status: Option<Enhanced>) -> Finding {
    let rules = Rules::shipped();
    let enhanced = sources.iter().find_map(|s| codes::best_enhanced(s.words).filter(|e| (e.subject, e.detail) != (0, 0)));
    let specific = status.filter(|e| (e.subject, e.detail) != (0, 0));
    let enhanced = enhanced.or(specific).or(status).or_else(|| sources.iter().find_map(|s| codes::best_enhanced(s.words)));
    let reply = sources.iter().find_map(|s| codes::reply_code(s.words));
    let speaker = sources.iter().find_map(|s| speaker_in(s.words)).unwrap_or(Provider::Generic);
    for source in sources {
        let words = Folded::new(source.words);
        let said = Said {
            speaker,
            reply: codes::reply_code(source.words).or(reply),
            enhanced: codes::best_enhanced(source.words).or(enhanced),
            words: &words,
        };
        if let Some(rule) = rules.by_words(&said) {
            let evidence = format!("{} in the {}", rule.asks_for(), source.name);
            let doubt = (rule.class == RefusalClass::BadAddress).then(|| doubt_of_unknown(rules, sources, enhanced)).flatten();
            return match doubt {
                Some((class, why)) => Finding { class, reply, enhanced, evidence: format!("{evidence}, but {why}") },
                None => Finding { class: rule.class, reply, enhanced, evidence },
            };
        }
    }
    let nothing = Folded::new("");
    // A general status in the report must not hide what the other server's own code says, nor the other way round.
    for enhanced in [enhanced, specific] {
        if let Some(rule) = rules.by_code(&Said { speaker, reply, enhanced, words: &nothing }) {
            return Finding { class: rule.class, reply, enhanced, evidence: format!("the code {} alone", rule.asks_for()) };
        }
    }
    Finding { class: RefusalClass::Other, reply, enhanced, evidence: "no rule knows its words or codes".to_owned() }
}

/// Why a recipient that is called unknown may not be, and what it is then: the report itself says elsewhere that the mailbox is switched off or
/// full; a server had taken the recipient at RCPT and refused the message; or its code says that the mailbox is there (RFC 3463 §3.3), or that
/// a rule forbids it (§3.8). Filters hide so. What is not certain must not end an address.
fn doubt_of_unknown(rules: &Rules, sources: &[Source<'_>], enhanced: Option<Enhanced>) -> Option<(RefusalClass, &'static str)> {
    // A code on the address (§3.2) settles it.
    if enhanced.is_some_and(|e| e.subject == 1) {
        return None;
    }
    // The comment beside a status code only spells the code out.
    for source in sources.iter().filter(|s| s.name != "status") {
        let said = Said { speaker: Provider::Generic, reply: None, enhanced: None, words: &Folded::new(source.words) };
        let class = rules.by_words(&said).map(|rule| rule.class);
        if let Some(class @ (RefusalClass::Disabled | RefusalClass::Full)) = class {
            return Some((class, "the report says more"));
        }
    }
    let all = Folded::new(&sources.iter().map(|s| s.words).collect::<Vec<_>>().join("\n"));
    if phrases::found("refused at rcpt", &all).is_some() {
        return None;
    }
    if phrases::found("refused at data", &all).is_some() {
        return Some((RefusalClass::Policy, "said after the message was taken in"));
    }
    enhanced.filter(|e| matches!((e.subject, e.detail), (2 | 7, 0 | 1))).map(|_| (RefusalClass::Policy, "its code says otherwise"))
}

/// Whose server speaks in these words, where they show it.
pub fn speaker_in(words: &str) -> Option<Provider> {
    let folded = Folded::new(words);
    let known = [
        ("speaker gmail", Provider::Gmail),
        ("speaker microsoft", Provider::Microsoft),
        ("speaker yahoo", Provider::Yahoo),
        ("speaker icloud", Provider::Icloud),
    ];
    known.into_iter().find(|(section, _)| phrases::found(section, &folded).is_some()).map(|(_, provider)| provider)
}
