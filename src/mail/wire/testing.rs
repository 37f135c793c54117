//! Scripted peers for protocol tests: servers on loopback that follow a transcript to the byte.
//!
//! ```text
//! S: text       sends the line with CRLF; lines that stand together leave in one segment
//! C: text       the client must say this line; `*` at the end matches any rest
//! C: $          the client must end the connection here, and say nothing more
//! !raw text     sends the text as it is; \r, \n, \t, \0 and \xHH are known
//! !tls          TLS begins: at the start of the script, or after a go-ahead
//! !bytes        waits until the client has sent something, without reading it
//! !message      reads up to the final dot, and keeps the message under `heard`
//! !flood text   sends the text until the client ends the connection
//! !stall        waits, silently, until the client ends the connection
//! !close        ends the connection
//! ```

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::config::{Server, TlsMode};
use crate::mail::hostile::script::unescape;

/// A server that follows a transcript with the first client that comes.
pub(crate) struct ScriptedPeer {
    pub port: u16,
    task: JoinHandle<Result<String, String>>,
}

impl ScriptedPeer {
    /// Without TLS.
    pub async fn follow(script: &str) -> Self {
        Self::serve(script, None).await
    }

    /// With a certificate for `!tls`.
    pub async fn follow_with_tls(script: &str, config: Arc<ServerConfig>) -> Self {
        Self::serve(script, Some(config)).await
    }

    async fn serve(script: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = script.to_owned();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            let mut play = Play { side: Some(Side::Plain(stream)), tls, heard: String::new() };
            play.run(&script).await.map(|()| play.heard)
        });
        Self { port, task }
    }

    /// The messages that `!message` read. Panics where the client left the script: with the line of the script and what came instead.
    pub async fn heard(self) -> String {
        match self.task.await.expect("the peer") {
            Ok(heard) => heard,
            Err(e) => panic!("{e}"),
        }
    }
}

enum Side {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct Play {
    side: Option<Side>,
    tls: Option<Arc<ServerConfig>>,
    heard: String,
}

impl Play {
    async fn run(&mut self, script: &str) -> Result<(), String> {
        let mut pending = Vec::new();
        for step in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if let Some(line) = step.strip_prefix("S:") {
                pending.extend_from_slice(line.strip_prefix(' ').unwrap_or(line).as_bytes());
                pending.extend_from_slice(b"\r\n");
                continue;
            }
            if let Some(raw) = step.strip_prefix("!raw ") {
                pending.extend(unescape(raw));
                continue;
            }
            self.send(&std::mem::take(&mut pending)).await;
            self.step(step).await.map_err(|e| format!("at `{step}`: {e}"))?;
        }
        self.send(&pending).await;
        Ok(())
    }

    async fn step(&mut self, step: &str) -> Result<(), String> {
        if let Some(wanted) = step.strip_prefix("C: ") {
            let line = self.line().await;
            let holds = match (wanted, &line) {
                ("$", None) => true,
                (_, Some(l)) => wanted.strip_suffix('*').map_or(l == wanted, |start| l.starts_with(start)),
                _ => false,
            };
            return if holds { Ok(()) } else { Err(format!("the client said {line:?}")) };
        }
        let (action, text) = step.split_once(' ').unwrap_or((step, ""));
        match action {
            "!tls" => self.begin_tls().await,
            "!bytes" => match self.side.as_ref() {
                Some(Side::Plain(s)) => s.peek(&mut [0; 1]).await.map(|_| ()).map_err(|e| e.to_string()),
                _ => Err("!bytes is for plain connections".to_owned()),
            },
            "!message" => self.message().await,
            "!flood" => {
                let text = unescape(text);
                while self.send(&text).await {}
                Ok(())
            }
            "!stall" => {
                while self.byte().await.is_some() {}
                Ok(())
            }
            "!close" => {
                self.side = None;
                Ok(())
            }
            _ => Err("not a step of a script".to_owned()),
        }
    }

    async fn begin_tls(&mut self) -> Result<(), String> {
        let (Some(Side::Plain(stream)), Some(config)) = (self.side.take(), self.tls.clone()) else {
            return Err("no plain connection or no certificate".to_owned());
        };
        // A client that refuses the certificate ends the script here: what the client says about it is the test's business.
        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
            self.side = Some(Side::Tls(Box::new(stream)));
        }
        Ok(())
    }

    fn stream(&mut self) -> Option<&mut dyn Stream> {
        match self.side.as_mut()? {
            Side::Plain(s) => Some(s),
            Side::Tls(s) => Some(&mut **s),
        }
    }

    /// Whether the client still took it.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        let Some(stream) = self.stream() else { return false };
        let sent: io::Result<()> = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        }
        .await;
        sent.is_ok()
    }

    async fn byte(&mut self) -> Option<u8> {
        self.stream()?.read_u8().await.ok()
    }

    /// A line without CRLF; `None` at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.byte().await {
                Some(b'\n') => return Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()),
                Some(b) => line.push(b),
                None if line.is_empty() => return None,
                None => return Some(format!("{} (cut off)", String::from_utf8_lossy(&line))),
            }
        }
    }

    async fn message(&mut self) -> Result<(), String> {
        let mut message = Vec::new();
        while !message.ends_with(b"\r\n.\r\n") {
            message.push(self.byte().await.ok_or("the message has no final dot")?);
        }
        write!(self.heard, "{}", String::from_utf8_lossy(&message)).map_err(|e| e.to_string())
    }
}

/// A certificate authority of the test's own, with its PEM in a file.
pub(crate) struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub file: NamedTempFile,
}

impl TestCa {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A server's side of TLS with a certificate for `name`.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.server_until(name, 2100)
    }

    /// One that ran out in `year`.
    pub fn server_until(&self, name: &str, year: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Arc::new(config)
    }

    /// A server of the config at `port` of this machine, with this CA.
    pub fn at(&self, port: u16, tls: TlsMode) -> Server {
        Server { host: "localhost".to_owned(), port, tls, ca_file: Some(self.file.path().to_path_buf()) }
    }
}
