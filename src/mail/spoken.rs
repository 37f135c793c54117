//! A secret as it goes over the wire, so that a server that repeats it is not quoted.
//!
//! Servers are known to repeat a command that they do not understand, and what they say is printed and written down.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::Trouble;
use super::wire::WireReply;
use crate::words::Reply;

/// What is kept of a server's words that hold the secret.
const LEFT_OUT: &str = "(the server repeats the secret: its words are left out)";
/// So many characters of a secret at the end of words that were cut short are as much as all of it.
const TELLING: usize = 4;

/// The forms in which a mailbox's secret may come back: as it is, quoted, and in the messages of PLAIN, LOGIN and XOAUTH2.
#[derive(Clone, Default)]
pub(super) struct Spoken(Vec<Zeroizing<String>>);

impl Spoken {
    /// Of a mailbox that signs in as `user`.
    pub(super) fn of(user: &str, secret: &SecretString) -> Self {
        let secret = secret.expose_secret();
        let quoted = Zeroizing::new(secret.replace('\\', "\\\\").replace('"', "\\\""));
        let in_base64 = |message: String| Zeroizing::new(STANDARD.encode(Zeroizing::new(message).as_bytes()));
        let mut forms = vec![
            // Words are cleaned before they are kept: so must be what is looked for in them.
            Zeroizing::new(Reply::clean(secret)),
            Zeroizing::new(Reply::clean(&quoted)),
            Zeroizing::new(secret.to_owned()),
            quoted,
            in_base64(secret.to_owned()),
            in_base64(format!("\0{user}\0{secret}")),
            in_base64(format!("user={user}\x01auth=Bearer {secret}\x01\x01")),
        ];
        // What is as short as that stands in any sentence.
        forms.retain(|form| form.chars().count() >= TELLING);
        Self(forms)
    }

    /// Whether words hold the secret, or were cut short in the middle of it.
    fn is_in(&self, text: &str) -> bool {
        let cut = text.strip_suffix('…');
        let begins = |form: &str, cut: &str| form.char_indices().skip(TELLING).any(|(at, _)| cut.ends_with(&form[..at]));
        self.0.iter().any(|form| text.contains(form.as_str()) || cut.is_some_and(|cut| begins(form, cut)))
    }

    /// The words, or what stands in their place.
    pub(super) fn without(&self, text: String) -> String {
        if self.is_in(&text) { LEFT_OUT.to_owned() } else { text }
    }

    /// A reply that does not hold the secret.
    pub(super) fn out_of(&self, mut reply: WireReply) -> WireReply {
        if self.is_in(&reply.lines.concat()) || self.is_in(&reply.reply().text) {
            reply.lines = vec![LEFT_OUT.to_owned()];
        }
        reply
    }

    /// A trouble that does not hold it.
    pub(super) fn out_of_trouble(&self, trouble: Trouble) -> Trouble {
        let said = |reply: Reply| Reply { text: self.without(reply.text), ..reply };
        match trouble {
            Trouble::Unreachable(text) => Trouble::Unreachable(self.without(text)),
            Trouble::Tls(text) => Trouble::Tls(self.without(text)),
            Trouble::OverLimit(text) => Trouble::OverLimit(self.without(text)),
            Trouble::NoMechanism(text) => Trouble::NoMechanism(self.without(text)),
            Trouble::Closed(text) => Trouble::Closed(self.without(text)),
            Trouble::Protocol(text) => Trouble::Protocol(self.without(text)),
            Trouble::NotDone(text) => Trouble::NotDone(self.without(text)),
            Trouble::SignInRefused(reply) => Trouble::SignInRefused(said(reply)),
            Trouble::Refused(reply) => Trouble::Refused(said(reply)),
            Trouble::FolderGone(reply) => Trouble::FolderGone(said(reply)),
            Trouble::NoSecret(_)
            | Trouble::TimedOut(_)
            | Trouble::NoStarttls
            | Trouble::EarlyData
            | Trouble::Renumbered
            // Said by nobody outside.
            | Trouble::ServerDown(_)
            | Trouble::InLine { .. } => trouble,
        }
    }
}

impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spoken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "corr\"ect  horse\\battery";

    fn heard(text: &str) -> String {
        let spoken = Spoken::of("anna@new.test", &SecretString::from(SECRET));
        match spoken.out_of_trouble(Trouble::Refused(Reply::new(Reply::BAD, text))) {
            Trouble::Refused(reply) => reply.text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_form_of_the_secret_is_quoted() {
        let plain = STANDARD.encode(format!("\0anna@new.test\0{SECRET}"));
        let token = STANDARD.encode(format!("user=anna@new.test\x01auth=Bearer {SECRET}\x01\x01"));
        let quoted = "LOGIN \"anna@new.test\" \"corr\\\"ect  horse\\\\battery\"";
        for words in [SECRET, quoted, &STANDARD.encode(SECRET), &plain, &token] {
            assert_eq!(heard(&format!("BAD what is {words}?")), LEFT_OUT, "{words}");
        }
        for cut in 481..=493 {
            let long = format!("{}{SECRET} and more words", "x".repeat(cut));
            assert_eq!(heard(&long), LEFT_OUT, "cut after {cut}");
        }
        assert_eq!(heard("NO [AUTHENTICATIONFAILED] wrong, corr"), "NO [AUTHENTICATIONFAILED] wrong, corr");
        assert_eq!(heard("NO [AUTHENTICATIONFAILED] wrong"), "NO [AUTHENTICATIONFAILED] wrong");
        assert_eq!(format!("{:?}", Spoken::of("a", &SecretString::from(SECRET))), "Spoken");
    }

    #[test]
    fn a_reply_of_several_lines_is_looked_at_as_a_whole() {
        let spoken = Spoken::of("anna", &SecretString::from("hunter22"));
        let lines = |lines: &[&str]| WireReply { code: 535, lines: lines.iter().map(ToString::to_string).collect() };
        assert_eq!(spoken.out_of(lines(&["5.7.8 you said hunt", "er22 to me"])).lines, [LEFT_OUT]);
        assert_eq!(spoken.out_of(lines(&["5.7.8 no", "really"])).lines, ["5.7.8 no", "really"]);
        assert_eq!(Spoken::default().out_of(lines(&["hunter22"])).lines, ["hunter22"], "nothing was said yet");
    }
}
