//! What is known of the providers: data, compiled in, with its date and sources in the file itself.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::words::{Domain, Provider};

use super::model::TlsMode;

const DATA: &str = include_str!("providers.yaml");

/// What is known of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFacts {
    /// Its name for people.
    pub title: String,
    /// Where mail is handed over; `None` for generic.
    pub smtp: Option<ServerFacts>,
    /// Where mail is read; `None` for generic.
    pub imap: Option<ServerFacts>,
    /// Messages in 24 hours; `None` where none is published. [`ProviderFacts::daily_limit_of`] knows consumer accounts too.
    pub daily_limit: Option<u32>,
    /// The same for addresses in the provider's own consumer domains.
    pub consumer_daily_limit: Option<u32>,
    /// Those domains, lower case.
    #[serde(default)]
    pub consumer_domains: Vec<String>,
    /// Whether a copy of mail sent over SMTP is put into Sent by the provider itself.
    pub keeps_sent_copies: bool,
    /// Names of its spam folder, best first; for servers that do not say it by SPECIAL-USE.
    pub spam_folders: Vec<String>,
    /// The same for Sent.
    pub sent_folders: Vec<String>,
    /// IMAP connections of one account at once.
    pub connections: u32,
    /// How many mailboxes sign in on one server at the same time.
    pub sign_ins: u32,
    /// SMTP sessions with a letter on its way on one server at the same time, of all mailboxes.
    pub outgoing: u32,
    /// IMAP sessions on one server that listen for news, of all mailboxes; `None`: as many as there are.
    pub listening: Option<u32>,
    /// What it takes to sign in, for hints.
    pub sign_in: String,
}

/// A provider's server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFacts {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How TLS begins.
    pub tls: TlsMode,
}

impl ProviderFacts {
    /// Messages in 24 hours for a mailbox of `domain`; `None` where no limit is published.
    pub fn daily_limit_of(&self, domain: &Domain) -> Option<u32> {
        if self.consumer_domains.iter().any(|d| d == domain.as_str()) { self.consumer_daily_limit } else { self.daily_limit }
    }
}

/// What is known of `provider`.
///
/// # Panics
/// Never: the data is compiled in, and a test reads it for every provider.
pub fn provider_facts(provider: Provider) -> &'static ProviderFacts {
    static FACTS: OnceLock<BTreeMap<String, ProviderFacts>> = OnceLock::new();
    let facts = FACTS.get_or_init(|| serde_saphyr::from_str(DATA).expect("providers.yaml is compiled in, and a test reads it"));
    &facts[provider.as_str()]
}

/// Who runs mail for a domain, where that is one of its own consumer domains, or below one. Of others the domain does not tell.
pub fn provider_of_domain(domain: &str) -> Option<Provider> {
    let is_of = |own: &String| domain.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    Provider::ALL.iter().copied().find(|provider| provider_facts(*provider).consumer_domains.iter().any(is_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_known_and_all_but_generic_have_servers() {
        for &provider in Provider::ALL {
            let facts = provider_facts(provider);
            assert_eq!(facts.smtp.is_some() && facts.imap.is_some(), provider != Provider::Generic, "{provider}");
            assert!(!facts.spam_folders.is_empty() && !facts.sent_folders.is_empty() && facts.connections > 0, "{provider}");
            assert!(facts.sign_ins > 0 && facts.outgoing > 0 && facts.listening != Some(0), "{provider}");
            assert!(facts.consumer_domains.iter().all(|d| Domain::parse(d).is_ok_and(|p| p.as_str() == d)), "{provider}");
            for server in facts.smtp.iter().chain(&facts.imap) {
                assert_eq!(server.tls == TlsMode::Implicit, [465, 993].contains(&server.port), "{provider}");
            }
        }
    }

    #[test]
    fn consumer_domains_tell_who_runs_them() {
        for (domain, provider) in [
            ("gmail.com", Some(Provider::Gmail)),
            ("hotmail.com", Some(Provider::Microsoft)),
            ("arf.mail.yahoo.com", Some(Provider::Yahoo)),
            ("me.com", Some(Provider::Icloud)),
            ("notgmail.com", None),
            ("new.example", None),
            ("", None),
        ] {
            assert_eq!(provider_of_domain(domain), provider, "{domain}");
        }
    }

    #[test]
    fn limits_differ_for_consumer_accounts() {
        let limit = |p, d| provider_facts(p).daily_limit_of(&Domain::parse(d).unwrap());
        assert_eq!(limit(Provider::Gmail, "new.example"), Some(2_000));
        assert_eq!(limit(Provider::Gmail, "gmail.com"), Some(500));
        assert_eq!(limit(Provider::Microsoft, "outlook.com"), Some(1_000));
        assert_eq!(limit(Provider::Icloud, "me.com"), Some(1_000));
        assert_eq!(limit(Provider::Generic, "new.example"), None);
    }
}
