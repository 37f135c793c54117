//! From a host name to a TCP connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use super::Fault;
use crate::clock;
use crate::config::{Server, TlsMode};
use crate::mail::{Step, Trouble};

/// Addresses of one host that are tried.
const ADDRESSES: usize = 8;

/// Connects to one of the host's addresses, in the order in which the resolver gives them; `limit` is shared out among them.
///
/// Sets TCP_NODELAY: without it a dialogue of short lines waits for delayed acknowledgements. With [`TlsMode::Plain`] no address
/// outside of loopback is connected to, whatever the name resolves to today.
///
/// # Errors
/// At [`Step::Connect`]: [`Trouble::Unreachable`] with what each address said, or [`Trouble::TimedOut`].
pub(super) async fn dial(server: &Server, limit: Duration) -> Result<(TcpStream, SocketAddr), Fault> {
    let addresses = resolve(server, limit).await?;
    let share = limit / addresses.len().max(1) as u32;
    let mut said = Vec::new();
    let mut timed_out = false;
    for address in addresses {
        match clock::within(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return settle(stream, server.tls),
            Ok(Err(e)) => said.push(format!("{address}: {}", plain_words(&e))),
            Err(late) => {
                timed_out = true;
                said.push(format!("{address}: {late}"));
            }
        }
    }
    // Only where silence is all there was is it a time-out: a refusal by one address says more.
    if timed_out && said.len() == 1 {
        return Err(Fault::new(Step::Connect, Trouble::TimedOut(limit.as_secs())));
    }
    Err(unreachable(said.join("; ")))
}

async fn resolve(server: &Server, limit: Duration) -> Result<Vec<SocketAddr>, Fault> {
    // `[::1]` as it stands in a URL.
    let host = server.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&server.host);
    let found = clock::within(limit, lookup_host((host, server.port)))
        .await
        .map_err(|_| Fault::new(Step::Connect, Trouble::TimedOut(limit.as_secs())))?
        .map_err(|e| unreachable(format!("no address for {host}: {}", plain_words(&e))))?;
    let addresses: Vec<SocketAddr> = found.filter(|a| server.tls != TlsMode::Plain || is_loopback(*a)).take(ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(match server.tls {
            TlsMode::Plain => not_loopback(host),
            TlsMode::Implicit | TlsMode::Starttls => unreachable(format!("no address for {host}")),
        });
    }
    Ok(addresses)
}

fn settle(stream: TcpStream, tls: TlsMode) -> Result<(TcpStream, SocketAddr), Fault> {
    let peer = stream.peer_addr().map_err(|e| unreachable(plain_words(&e)))?;
    if tls == TlsMode::Plain && !is_loopback(peer) {
        return Err(not_loopback(&peer.ip().to_string()));
    }
    stream.set_nodelay(true).map_err(|e| unreachable(plain_words(&e)))?;
    Ok((stream, peer))
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn not_loopback(host: &str) -> Fault {
    unreachable(format!("{host} is not this machine, and `tls: plain` goes to loopback only"))
}

fn unreachable(why: String) -> Fault {
    Fault::new(Step::Connect, Trouble::Unreachable(why))
}

/// An operating system's error without its number.
fn plain_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn server(host: &str, port: u16, tls: TlsMode) -> Server {
        Server { host: host.into(), port, tls, ca_file: None }
    }

    #[tokio::test]
    async fn plain_goes_to_loopback_only() {
        // 192.0.2.0/24 is for documentation: nobody is there, and nobody is asked.
        for host in ["192.0.2.1", "[2001:db8::1]", "::ffff:192.0.2.1"] {
            let fault = dial(&server(host, 25, TlsMode::Plain), Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(fault.step, Step::Connect);
            assert!(matches!(&fault.trouble, Trouble::Unreachable(s) if s.contains("loopback only")), "{host}: {:?}", fault.trouble);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stream, peer) = dial(&server("127.0.0.1", port, TlsMode::Plain), Duration::from_secs(5)).await.unwrap();
        assert!(stream.nodelay().unwrap() && peer.port() == port);
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_says_where() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let fault = dial(&server("127.0.0.1", port, TlsMode::Implicit), Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(fault.trouble, Trouble::Unreachable(format!("127.0.0.1:{port}: connection refused")));
    }
}
