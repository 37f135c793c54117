//! The people of the practice pool.

use crate::words::{Address, Domain, Provider, Role};
use crate::world::{AccountSpec, Personality};

/// Somebody with a mailbox in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name beside the address.
    pub name: &'static str,
    /// The address, and the user to sign in as.
    pub address: Address,
    /// Whose habits the servers have.
    pub personality: Personality,
    /// Warming or partner.
    pub role: Role,
    /// The language of letters.
    pub language: &'static str,
}

/// Name, address, personality, role, language.
const POOL: [(&str, &str, Personality, Role, &str); 12] = [
    ("Anna Lindqvist", "anna@nordwind.test", Personality::Microsoft, Role::Warming, "en"),
    ("Ben Achterberg", "ben@nordwind.test", Personality::Microsoft, Role::Warming, "en"),
    ("Clara Hofmann", "clara@nordwind.test", Personality::Microsoft, Role::Warming, "de"),
    ("David Okafor", "david@nordwind.test", Personality::Microsoft, Role::Warming, "en"),
    ("Elena Rossi", "elena@suedlicht.test", Personality::Dovecot, Role::Warming, "en"),
    ("Finn Brandt", "finn@suedlicht.test", Personality::Dovecot, Role::Warming, "de"),
    ("Grace Molina", "grace@gmail-like.test", Personality::Gmail, Role::Partner, "en"),
    ("Hugo Laurent", "hugo@gmail-like.test", Personality::Gmail, Role::Partner, "en"),
    ("Ines Duarte", "ines@microsoft-like.test", Personality::Microsoft, Role::Partner, "en"),
    ("Jonas Weber", "jonas@microsoft-like.test", Personality::Microsoft, Role::Partner, "de"),
    ("Karin Svensson", "karin@dovecot-like.test", Personality::Dovecot, Role::Partner, "en"),
    ("Liam Byrne", "liam@dovecot-like.test", Personality::Dovecot, Role::Partner, "en"),
];

/// Twelve people: four and two on two domains to be warmed, and six partners on three kinds of servers. With the pair limits that
/// `folder` writes they carry the standard ramp to its end.
///
/// # Panics
/// Never: the addresses are compiled in, and a test reads them.
pub fn practice_pool() -> Vec<Person> {
    let person = |(name, address, personality, role, language)| Person {
        name,
        address: Address::parse(address).expect("the practice pool's addresses are compiled in, and a test reads them"),
        personality,
        role,
        language,
    };
    POOL.into_iter().map(person).collect()
}

impl Person {
    /// The account with its secret.
    pub fn account(&self, secret: Option<String>) -> AccountSpec {
        let receiver = match self.personality {
            Personality::Dovecot => self.address.domain().to_string(),
            Personality::Gmail | Personality::Microsoft => self.provider().to_string(),
        };
        AccountSpec { address: self.address.clone(), personality: self.personality, receiver, user: self.address.to_string(), secret }
    }

    /// The provider that the config names.
    pub fn provider(&self) -> Provider {
        match self.personality {
            Personality::Gmail => Provider::Gmail,
            Personality::Microsoft => Provider::Microsoft,
            Personality::Dovecot => Provider::Generic,
        }
    }
}

/// The partners' domains: receivers have known them for years.
pub fn well_known_domains(people: &[Person]) -> Vec<Domain> {
    let mut domains: Vec<Domain> = people.iter().filter(|p| p.role == Role::Partner).map(|p| p.address.domain()).collect();
    domains.sort();
    domains.dedup();
    domains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_has_two_domains_to_warm_and_partners_on_every_kind_of_server() {
        let people = practice_pool();
        let warming = |domain: &str| people.iter().filter(|p| p.role == Role::Warming && p.address.domain().as_str() == domain).count();
        assert_eq!((people.len(), warming("nordwind.test"), warming("suedlicht.test")), (12, 4, 2));
        let known: Vec<String> = well_known_domains(&people).iter().map(ToString::to_string).collect();
        assert_eq!(known, ["dovecot-like.test", "gmail-like.test", "microsoft-like.test"]);
        let receivers: Vec<String> = people.iter().map(|p| p.account(None).receiver).collect();
        assert_eq!(receivers[3..8], ["microsoft", "suedlicht.test", "suedlicht.test", "gmail", "gmail"]);
    }
}
