//! A mailbox for tests and fuzzing.

use crate::config::{AuthKind, CredentialSource, ImapAccess, Mailbox, Server, SmtpAccess, TlsMode};
use crate::words::{Address, Provider, Role, Source};

/// A server of the config without TLS.
pub(crate) fn plain_at(port: u16) -> Server {
    Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::Plain, ca_file: None }
}

/// `anna@warm.test`, on one server for both protocols; her secret is what Cargo says the package's name is: `preheat`.
pub(crate) fn mailbox_on(server: Server) -> Mailbox {
    let Ok(address) = Address::parse("anna@warm.test") else { panic!("an address of our own") };
    Mailbox {
        address,
        role: Role::Warming,
        provider: Provider::Generic,
        group: None,
        zone: chrono_tz::UTC,
        name: None,
        languages: vec!["en".to_owned()],
        schedule: None,
        start_on: None,
        daily_cap: None,
        receive_limit: 20,
        send_limit: 12,
        start_limit: 3,
        smtp: SmtpAccess { server: server.clone(), ehlo: "client.warm.test".to_owned() },
        imap: ImapAccess { server },
        user: "anna".to_owned(),
        credential: CredentialSource::Env("CARGO_PKG_NAME".to_owned()),
        auth: AuthKind::Password,
        spam_folder: None,
        sent_folder: None,
        outside_mail: None,
        source: Source { file: "preheat.yaml".into(), line: 1, column: 1, text: String::new() },
    }
}
