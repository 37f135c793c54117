//! Refusals while sending: the traps that codes and words set.

use crate::classify::classify;
use crate::words::Provider::{Generic, Gmail, Microsoft, Yahoo};
use crate::words::{RefusalClass, Reply};

#[test]
fn a_refusal_is_about_the_recipient_only_where_codes_and_words_say_so() {
    use RefusalClass::{BadAddress, Disabled, Full, Other, Policy, Quota, Rate, Temporary};
    let said = [
        (Generic, 550, "5.1.1 <p@y.test>: Recipient address rejected: User unknown in virtual mailbox table", BadAddress),
        (Gmail, 550, "5.1.1 The email account that you tried to reach does not exist.", BadAddress),
        (Microsoft, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", BadAddress),
        (Generic, 550, "5.1.2 We weren't able to find the recipient domain", BadAddress),
        (Generic, 551, "5.1.6 The address is no longer valid", BadAddress),
        (Microsoft, 550, "5.4.1 [p@y.test]: Recipient address rejected: Access denied.", BadAddress),
        (Microsoft, 550, "5.4.1 Access denied", BadAddress),
        (Generic, 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", BadAddress),
        (Generic, 550, "5.4.1 relay access denied", Policy),
        (Yahoo, 554, "delivery error: dd This user doesn't have a y.test account (p@y.test) [0]", BadAddress),
        (Yahoo, 554, "delivery error: dd This user doesn\u{2019}t have a y.test account", BadAddress),
        (Generic, 554, "this user doesn't have a valid account", Policy),
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
        (Generic, 550, "5.1.0 <a@x.test>: Sender address rejected: User unknown in virtual mailbox table", Policy),
        (Generic, 550, "5.1.1 <a@x.test>: Sender address rejected: undeliverable address", Policy),
        (Microsoft, 550, "5.1.8 Access denied, bad outbound sender", Policy),
        (Microsoft, 550, "5.1.90 Your message can't be sent because you've reached your daily limit", Quota),
        (Generic, 554, "5.7.1 <p@y.test>: Relay access denied", Policy),
        (Generic, 550, "5.7.1 blocked by policy", Policy),
        (Generic, 550, "mailbox unavailable", Other),
        (Generic, 550, "", Other),
        // What may pass is nobody's end.
        (Generic, 452, "4.2.2 mailbox full", Temporary),
        (Gmail, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that", Rate),
        (Generic, 450, "4.1.1 user unknown", Temporary),
        (Generic, 250, "2.1.5 no such user? no: Ok", Other),
    ];
    for (speaker, code, text, class) in said {
        assert_eq!(classify(speaker, &Reply::new(code, text)), class, "{speaker} {code} {text}");
    }
}
