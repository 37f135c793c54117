//! What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1).

use crate::mail::wire::WireReply;
use crate::words::Reply;

/// The extensions that preheat uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// SIZE (RFC 1870).
    pub size: bool,
    /// PIPELINING (RFC 2920): commands may go without waiting for the replies to those before.
    pub pipelining: bool,
    /// The mechanisms of AUTH (RFC 4954), upper case.
    pub mechanisms: Vec<String>,
}

impl Offers {
    /// Reads the lines behind the server's name. Keywords are compared without case; `AUTH=LOGIN`, the form before the RFC, counts too.
    pub fn read(ehlo: &WireReply) -> Self {
        let mut offers = Self::default();
        for line in ehlo.lines.iter().skip(1) {
            let upper = line.to_ascii_uppercase();
            let mut words = upper.split([' ', '\t', '=']).filter(|w| !w.is_empty());
            match words.next() {
                Some("SIZE") => offers.size = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("AUTH") => offers.mechanisms.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers.mechanisms.sort();
        offers.mechanisms.dedup();
        offers
    }

    pub fn has(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|m| m == mechanism)
    }

    /// For people: what there is instead.
    pub fn listed(&self) -> String {
        if self.mechanisms.is_empty() { "none at all".to_owned() } else { Reply::clean(&self.mechanisms.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(lines: &[&str]) -> Offers {
        Offers::read(&WireReply { code: 250, lines: lines.iter().map(|l| (*l).to_owned()).collect() })
    }

    #[test]
    fn offers_are_read_whatever_their_case_and_form() {
        let o = offers(&["mx.test", "size 35882577", "Auth Login  plain", "AUTH=LOGIN", "STARTTLS", "pipelining"]);
        assert_eq!(o, Offers { size: true, pipelining: true, mechanisms: vec!["LOGIN".into(), "PLAIN".into()] });
        assert_eq!(offers(&["AUTH PLAIN"]), Offers::default());
        assert_eq!((offers(&["mx.test", "AUTH"]).listed().as_str(), o.listed().as_str()), ("none at all", "LOGIN, PLAIN"));
    }
}
