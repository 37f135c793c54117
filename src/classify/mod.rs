//! Classify: a server's refusal → what it is about. Pure.
//!
//! The rules are data, in order: the first that fits speaks. Providers use the same code for different things, so a rule asks who spoke and what
//! was said before it believes a code. So far the table knows what is said about a recipient; everything else is `other`.

use crate::words::{Provider, RefusalClass, Reply};

/// One rule: it fits where all that it asks for is so.
struct Rule {
    /// Whose server spoke; none: anybody's.
    speaker: Option<Provider>,
    /// Enhanced codes (RFC 3463), one of which the reply begins with; empty: any, or none.
    codes: &'static [&'static str],
    /// Words that the reply has, all of them, in lower case.
    words: &'static [&'static str],
    /// What it is about.
    class: RefusalClass,
}

const fn rule(codes: &'static [&'static str], words: &'static [&'static str], class: RefusalClass) -> Rule {
    Rule { speaker: None, codes, words, class }
}

const fn rule_of(speaker: Provider, codes: &'static [&'static str], words: &'static [&'static str], class: RefusalClass) -> Rule {
    Rule { speaker: Some(speaker), codes, words, class }
}

/// Date: 2026-11. Sources: RFC 3463 and the registry of enhanced codes; the providers' own pages on their replies.
const RULES: &[Rule] = &[
    // Traps first: the codes below, said about the sender. Servers that check everything at RCPT say there, too, that they refuse MAIL FROM.
    rule(&[], &["sender address rejected"], RefusalClass::Other),
    rule(&["5.2.2"], &["submission quota"], RefusalClass::Quota),
    rule(&["5.2.1"], &["receiving mail", "rate"], RefusalClass::Rate),
    rule(&["5.2.1"], &["receiving mail", "too quickly"], RefusalClass::Rate),
    // Nobody there.
    rule(&["5.1.1", "5.1.2", "5.1.6", "5.1.10"], &[], RefusalClass::BadAddress),
    rule(&["5.4.1"], &["recipient address rejected", "access denied"], RefusalClass::BadAddress),
    rule_of(Provider::Microsoft, &["5.4.1"], &["access denied"], RefusalClass::BadAddress),
    rule_of(Provider::Yahoo, &[], &["doesn't have a", "account"], RefusalClass::BadAddress),
    // Full.
    rule(&["5.2.2"], &[], RefusalClass::Full),
    rule(&[], &["mailbox full"], RefusalClass::Full),
    rule(&[], &["mailbox is full"], RefusalClass::Full),
    // Switched off.
    rule(&["5.2.1"], &[], RefusalClass::Disabled),
    // Servers without enhanced codes have only their words.
    rule(&[], &["user unknown"], RefusalClass::BadAddress),
    rule(&[], &["unknown user"], RefusalClass::BadAddress),
    rule(&[], &["no such user"], RefusalClass::BadAddress),
];

impl Rule {
    fn fits(&self, speaker: Provider, code: Option<&str>, words: &str) -> bool {
        self.speaker.is_none_or(|s| s == speaker)
            && (self.codes.is_empty() || code.is_some_and(|code| self.codes.contains(&code)))
            && self.words.iter().all(|w| words.contains(w))
    }
}

/// What a permanent refusal of `speaker`'s server is about; a reply that is none is `other`.
pub fn classify(speaker: Provider, reply: &Reply) -> RefusalClass {
    if !reply.is_permanent() {
        return RefusalClass::Other;
    }
    let code = reply.enhanced.map(|e| e.to_string());
    let words = reply.text.to_lowercase().replace('\u{2019}', "'");
    let fitting = RULES.iter().find(|rule| rule.fits(speaker, code.as_deref(), &words));
    fitting.map_or(RefusalClass::Other, |rule| rule.class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Provider::{Generic, Gmail, Microsoft, Yahoo};

    #[test]
    fn a_refusal_is_about_the_recipient_only_where_codes_and_words_say_so() {
        use RefusalClass::{BadAddress, Disabled, Full, Other, Quota, Rate};
        let said = [
            (Generic, 550, "5.1.1 <p@y.test>: Recipient address rejected: User unknown in virtual mailbox table", BadAddress),
            (Gmail, 550, "5.1.1 The email account that you tried to reach does not exist.", BadAddress),
            (Microsoft, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", BadAddress),
            (Generic, 550, "5.1.2 We weren't able to find the recipient domain", BadAddress),
            (Generic, 551, "5.1.6 The address is no longer valid", BadAddress),
            (Microsoft, 550, "5.4.1 [p@y.test]: Recipient address rejected: Access denied.", BadAddress),
            (Microsoft, 550, "5.4.1 Access denied", BadAddress),
            (Generic, 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", BadAddress),
            (Generic, 550, "5.4.1 relay access denied", Other),
            (Yahoo, 554, "delivery error: dd This user doesn't have a y.test account (p@y.test) [0]", BadAddress),
            (Yahoo, 554, "delivery error: dd This user doesn\u{2019}t have a y.test account", BadAddress),
            (Generic, 554, "this user doesn't have a valid account", Other),
            (Generic, 550, "No such user here", BadAddress),
            (Generic, 553, "sorry, user unknown", BadAddress),
            (Gmail, 552, "5.2.2 The email account that you tried to reach is over quota", Full),
            (Generic, 552, "5.2.2 <p@y.test> Quota exceeded (mailbox for user is full)", Full),
            (Generic, 552, "Mailbox full", Full),
            (Microsoft, 554, "5.2.2 mailbox full; STOREDRV.Deliver", Full),
            (Microsoft, 550, "5.2.2 Submission quota exceeded", Quota),
            (Gmail, 550, "5.2.1 The email account that you tried to reach is inactive.", Disabled),
            (Gmail, 550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages", Rate),
            (Gmail, 550, "5.2.1 The user you are trying to contact is receiving mail too quickly", Rate),
            // About the sender, or about nobody.
            (Generic, 550, "5.1.0 <a@x.test>: Sender address rejected: User unknown in virtual mailbox table", Other),
            (Generic, 550, "5.1.1 <a@x.test>: Sender address rejected: undeliverable address", Other),
            (Microsoft, 550, "5.1.8 Access denied, bad outbound sender", Other),
            (Microsoft, 550, "5.1.90 Your message can't be sent because you've reached your daily limit", Other),
            (Generic, 554, "5.7.1 <p@y.test>: Relay access denied", Other),
            (Generic, 550, "5.7.1 blocked by policy", Other),
            (Generic, 550, "mailbox unavailable", Other),
            (Generic, 550, "", Other),
            // What may pass is nobody's end.
            (Generic, 452, "4.2.2 mailbox full", Other),
            (Gmail, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that", Other),
            (Generic, 250, "2.1.5 no such user? no: Ok", Other),
        ];
        for (speaker, code, text, class) in said {
            assert_eq!(classify(speaker, &Reply::new(code, text)), class, "{speaker} {code} {text}");
        }
    }

    #[test]
    fn every_rule_is_reached_by_what_it_asks_for() {
        for (n, rule) in RULES.iter().enumerate() {
            let speaker = rule.speaker.unwrap_or(Generic);
            let code = rule.codes.first().copied();
            let words = rule.words.join(" ");
            let first = RULES.iter().position(|r| r.fits(speaker, code, &words));
            assert_eq!(first, Some(n), "{code:?} {words}");
        }
    }
}
