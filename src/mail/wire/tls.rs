//! TLS: whom to trust, and what went wrong, in words.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};

use super::{Deadlines, Fault};
use crate::clock;
use crate::mail::{Step, Trouble};
use crate::words::Reply;

/// The sets of CAs in use, each read once and shared by every connection (so that sessions can be resumed).
#[derive(Debug, Default)]
pub struct Trust {
    configs: Mutex<BTreeMap<Option<PathBuf>, Arc<ClientConfig>>>,
}

impl Trust {
    /// The client's side of TLS 1.2 and 1.3 with the system's roots, or with exactly the certificates of a PEM file.
    ///
    /// # Errors
    /// At [`Step::Tls`]: [`Trouble::Tls`] where the file cannot be read or holds no certificate, or the system has none.
    pub(super) fn config(&self, ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Fault> {
        let key = ca_file.map(Path::to_path_buf);
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&key) {
            return Ok(Arc::clone(config));
        }
        let roots = match ca_file {
            Some(file) => roots_of_file(file)?,
            None => roots_of_system()?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| tls(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        configs.insert(key, Arc::clone(&config));
        Ok(config)
    }
}

fn roots_of_system() -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(tls("this machine has no CA certificates: install the package `ca-certificates`".to_owned()));
    }
    Ok(roots)
}

fn roots_of_file(file: &Path) -> Result<RootCertStore, Fault> {
    let bad = |why: &str| tls(format!("ca_file {}: {why}", file.display()));
    let pem = std::fs::read(file).map_err(|e| bad(&e.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| bad("a PEM block cannot be read"))?;
        roots.add(certificate).map_err(|_| bad("holds something that is no CA certificate"))?;
    }
    if roots.is_empty() { Err(bad("holds no certificate")) } else { Ok(roots) }
}

/// The handshake, with the host's name checked against the certificate.
///
/// # Errors
/// At [`Step::Tls`], in words that tell another name, an unknown CA and an old certificate apart.
pub(super) async fn handshake(
    stream: TcpStream,
    host: &str,
    config: Arc<ClientConfig>,
    deadlines: &Deadlines,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|_| tls(format!("`{}` can be on no certificate", Reply::clean(host))))?;
    match clock::within(deadlines.tls, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(tls(words(host, &e))),
        Err(_) => Err(Fault::new(Step::Tls, Trouble::TimedOut(deadlines.tls.as_secs()))),
    }
}

fn tls(why: String) -> Fault {
    Fault::new(Step::Tls, Trouble::Tls(why))
}

/// A failed handshake for people. Names on the certificate are the server's words, so they are cleaned.
fn words(host: &str, error: &io::Error) -> String {
    let Some(error) = error.get_ref().and_then(|e| e.downcast_ref::<TlsError>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "the server closed the connection during the handshake".to_owned(),
            _ => format!("the connection broke during the handshake ({})", error.kind()),
        };
    };
    match error {
        TlsError::InvalidCertificate(e) => certificate_words(host, e),
        TlsError::InvalidMessage(_) | TlsError::InappropriateMessage { .. } => {
            "the server sent something that is not TLS: port and `tls:` may not fit together".to_owned()
        }
        TlsError::AlertReceived(alert) => format!("the server broke off the handshake ({alert:?})"),
        TlsError::PeerIncompatible(_) => "the server speaks no TLS version or cipher that is still safe".to_owned(),
        other => Reply::clean(&other.to_string()),
    }
}

fn certificate_words(host: &str, error: &CertificateError) -> String {
    match error {
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> = presented.iter().take(3).map(|n| Reply::clean(&readable_name(n))).collect();
            let more = if presented.len() > 3 { " and others" } else { "" };
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            format!("the certificate is for another name: it names {names}{more}, not {host}")
        }
        CertificateError::NotValidForName => format!("the certificate is for another name, not {host}"),
        CertificateError::UnknownIssuer => {
            "the certificate is not trusted: its issuer is not among the CAs in use (a self-signed one looks the same)".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has run out".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet, or this machine's clock is wrong".to_owned()
        }
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        CertificateError::BadSignature => "the certificate is not trusted: its signature does not hold".to_owned(),
        other => format!("the certificate is not trusted: {}", Reply::clean(&rustls::Error::from(other.clone()).to_string())),
    }
}

/// rustls presents names as `DnsName("mx.test")`.
fn readable_name(presented: &str) -> String {
    presented.split('"').nth(1).unwrap_or(presented).to_owned()
}
