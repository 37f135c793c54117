//! Host, port and TLS of a mailbox's servers, put together from the mailbox, its provider and `defaults`.

use std::path::Path;

use crate::words::Provider;

use super::fields::Fields;
use super::findings::{Findings, quoted};
use super::keys;
use super::mailbox::Layers;
use super::model::{Server, TlsMode};
use super::providers::{ServerFacts, provider_facts};
use super::scalars::is_loopback;
use super::table::listed;
use super::tree::Place;

/// Which of a mailbox's two servers.
#[derive(Clone, Copy)]
pub enum Side {
    /// The one that takes mail.
    Smtp,
    /// The one that shows folders.
    Imap,
}

impl Side {
    fn key(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
        }
    }

    fn preset(self, provider: Provider) -> Option<&'static ServerFacts> {
        match self {
            Self::Smtp => provider_facts(provider).smtp.as_ref(),
            Self::Imap => provider_facts(provider).imap.as_ref(),
        }
    }

    /// The usual ports and what they imply, the default first.
    fn usual(self) -> &'static [(u16, TlsMode)] {
        match self {
            Self::Smtp => &[(465, TlsMode::Implicit), (587, TlsMode::Starttls), (25, TlsMode::Starttls), (25, TlsMode::Plain)],
            Self::Imap => &[(993, TlsMode::Implicit), (143, TlsMode::Starttls), (143, TlsMode::Plain)],
        }
    }
}

/// A mailbox's server.
///
/// Key by key: what the mailbox sets, then its provider's servers if it names one itself, then `defaults`, then the provider's of `defaults`.
/// Port and TLS are taken together from the first that sets either.
pub fn server(side: Side, mailbox: &Layers<'_>, base: &Path, f: &mut Findings<'_>) -> Option<Server> {
    let own = mailbox.own.fields(side.key());
    let default = mailbox.defaults.fields(side.key());
    let provider = mailbox.provider();
    let preset = side.preset(provider);
    let named_here = mailbox.own.has("provider") && preset.is_some();
    let layers: Vec<&Fields> = if named_here { vec![&own] } else { vec![&own, &default] };

    let Some(host) = layers.iter().find_map(|l| l.text("host")).or_else(|| preset.map(|p| p.host.clone())) else {
        if !layers.iter().any(|l| l.has("host")) {
            let what = format!("no `{}` server: provider `{provider}` has none of its own", side.key());
            let hint =
                format!("add `{}: {{host: …}}` here or in `defaults`, or set `provider` to one of {}", side.key(), listed(&with_servers()));
            f.error(mailbox.own.at, what, hint);
        }
        return None;
    };
    let (port, tls) = port_and_tls(side, &layers, preset, f)?;
    let at = layers.iter().find(|l| l.has("tls") || l.has("host")).map_or(mailbox.own.at, |l| place_of(l, "tls", "host"));
    if tls == TlsMode::Plain && !is_loopback(&host) {
        let hint = "set `tls: implicit` or `tls: starttls`; `plain` is for localhost, 127.0.0.1 and ::1";
        f.error(at, format!("no TLS to {}: mail and password would cross the network in the clear", quoted(&host)), hint);
        return None;
    }
    let ca_file = layers.iter().find_map(|l| l.text("ca_file")).map(|path| base.join(path));
    Some(Server { host, port, tls, ca_file })
}

fn port_and_tls(side: Side, layers: &[&Fields], preset: Option<&ServerFacts>, f: &mut Findings<'_>) -> Option<(u16, TlsMode)> {
    let Some(layer) = layers.iter().find(|l| l.has("port") || l.has("tls")) else {
        return Some(preset.map_or(side.usual()[0], |p| (p.port, p.tls)));
    };
    let tls = layer.text("tls").and_then(|word| match word.as_str() {
        "implicit" => Some(TlsMode::Implicit),
        "starttls" => Some(TlsMode::Starttls),
        "plain" => Some(TlsMode::Plain),
        _ => None,
    });
    let port = layer.whole("port").and_then(|p| u16::try_from(p).ok());
    match (port, tls) {
        (Some(port), Some(tls)) => Some((port, tls)),
        (None, Some(tls)) if !layer.has("port") => side.usual().iter().find(|(_, t)| *t == tls).copied(),
        (Some(port), None) if !layer.has("tls") => {
            let usual = side.usual().iter().find(|(p, _)| *p == port).copied();
            if usual.is_none() {
                let hint = format!("add `tls:` with {}", listed(keys::TLS_MODES));
                f.error(layer.place("port"), format!("port {port} does not say how TLS begins"), hint);
            }
            usual
        }
        _ => None,
    }
}

fn place_of(fields: &Fields, first: &str, second: &str) -> Place {
    if fields.has(first) { fields.place(first) } else { fields.place(second) }
}

fn with_servers() -> Vec<&'static str> {
    Provider::ALL.iter().filter(|p| provider_facts(**p).smtp.is_some()).map(|p| p.as_str()).collect()
}
