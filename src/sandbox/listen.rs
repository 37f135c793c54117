//! Listeners, their accept loops, and what a new connection is served by.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::doors::{Door, Service};
use super::{imap, smtp, stopped};
use crate::clock::{self, Clock};
use crate::world::World;

/// Connections of one listener at once, whoever they are.
const MOST: usize = 1_024;
/// After an accept that failed (no more files, mostly).
const BREATH: Duration = Duration::from_millis(100);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct House {
    pub world: Arc<World>,
    pub clock: Clock,
    pub tls: TlsAcceptor,
    pub smtp: Arc<smtp::Connections>,
    pub imap: Arc<imap::Connections>,
    pub stop: watch::Receiver<bool>,
}

/// Opens a door on 127.0.0.1, and on ::1 at the same port where there is one and it is free.
pub(super) async fn open(door: &Door) -> io::Result<(u16, Vec<TcpListener>)> {
    let first = TcpListener::bind(("127.0.0.1", door.port)).await?;
    let port = first.local_addr()?.port();
    let second = TcpListener::bind(("::1", port)).await.ok();
    Ok((port, std::iter::once(first).chain(second).collect()))
}

/// Accepts until the sandbox stops, then waits for the connections to end: each of them is told, too.
pub(super) async fn accept(listener: TcpListener, door: Door, house: House) {
    let mut stop = house.stop.clone();
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            accepted = listener.accept() => match accepted {
                // Nobody answers: who cannot be reached hears nothing.
                Ok(_) if open.len() >= MOST || house.world.is_down(door.personality, house.clock.now()) => {}
                Ok((stream, _)) => {
                    open.spawn(serve(stream, door, house.clone()));
                }
                Err(_) => drop(clock::within(BREATH, std::future::pending::<()>()).await),
            },
        }
    }
    while open.join_next().await.is_some() {}
}

/// One connection to its end. That it broke is of interest to nobody here: the client knows.
async fn serve(stream: TcpStream, door: Door, house: House) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !matches!(door.service, Service::Smtps | Service::Imaps) {
        return speak(stream, false, door, house).await;
    }
    let stream = clock::within(HANDSHAKE, house.tls.accept(stream)).await.map_err(io::Error::other)??;
    speak(stream, true, door, house).await
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send>(stream: S, over_tls: bool, door: Door, house: House) -> io::Result<()> {
    let House { world, clock, tls, smtp, imap, stop } = house;
    let plain = matches!(door.service, Service::PlainSubmission | Service::PlainImap | Service::BareImap | Service::PrefixedImap);
    let tls = (!plain).then_some(tls);
    match door.service {
        Service::Smtps | Service::Submission | Service::PlainSubmission => {
            let face = smtp::Face { personality: door.personality, plain_sign_in: plain };
            smtp::serve(stream, over_tls, world, clock, face, tls, smtp, stop).await
        }
        Service::Imaps | Service::Imap | Service::PlainImap | Service::BareImap | Service::PrefixedImap => {
            let face = imap::Face {
                personality: door.personality,
                starttls: door.service == Service::Imap,
                plain_sign_in: plain,
                bare: door.service == Service::BareImap,
                prefixed: door.service == Service::PrefixedImap,
            };
            imap::serve(stream, over_tls, world, clock, face, tls, imap, stop).await
        }
    }
}
