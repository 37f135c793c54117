//! The modelled world on loopback sockets: real SMTP and IMAP servers in this process, over one [`World`]. Where a message goes is decided
//! by the model in `world`; that it is taken, kept and shown is real, and any mail client can look in.
//!
//! ```text
//! people    who has a mailbox in the practice pool
//! doors     what listens where
//! listen    accept loops
//! smtp      the submission server            ┐ each generic over its stream,
//! imap      the server for looking           ┘ each over the same World
//! tls       a CA that is made at start
//! folder    the practice pool as files: preheat.yaml, key, secrets, CA
//! control   a Unix socket for trouble on purpose
//! rig       the population of the test rig
//! ```

pub mod control;
pub mod doors;
pub mod folder;
pub mod imap;
mod listen;
pub mod people;
pub mod rig;
pub mod smtp;
pub mod tls;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::chance::Seed;
use crate::clock::{self, Clock};
use crate::words::{Address, Domain, Moment};
use crate::world::{AccountSpec, Personality, World};
use doors::{BadPortBase, Door, Service};
use listen::House;
use tls::{Identity, NoIdentity};

/// How long open sessions may take to end when the sandbox stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a sandbox is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who has a mailbox.
    pub accounts: Vec<AccountSpec>,
    /// Domains that the receivers have known for years.
    pub known_well: Vec<Domain>,
    /// The world's time.
    pub clock: Clock,
    /// The world's draws.
    pub seed: Seed,
    /// What listens; see [`doors::doors_for`].
    pub doors: Vec<Door>,
    /// Whether mail goes through the modelled spam filter. `false` is for the test rig: all mail goes to INBOX, at once, unless a rule of the
    /// account says otherwise; an account begins with an INBOX, and the first sign-in makes the other folders, where a bare listener leaves
    /// it as it is; and the certificate is for `localhost` alone. So are Postfix and Dovecot set up there.
    pub filtered: bool,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A port cannot be had.
    #[error("port {port} of this machine cannot be had: {source}")]
    Port {
        /// Which; 0: any.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The port base is too high.
    #[error(transparent)]
    PortBase(#[from] BadPortBase),
    /// No certificate.
    #[error(transparent)]
    Identity(#[from] NoIdentity),
    /// The folder holds something else.
    #[error("{} holds something that is not a sandbox's; nothing was written", .0.display())]
    NotASandbox(PathBuf),
    /// A sandbox runs in this folder.
    #[error("a sandbox runs in {} already", .0.display())]
    Running(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Port { .. } => {
                "another program listens there, perhaps a sandbox in the same folder: stop it, or give another --port-base"
            }
            Self::PortBase(_) => "take one from 1024 to 62000",
            Self::Identity(_) => "this machine gives no random numbers",
            Self::NotASandbox(_) => "name a folder that is not there yet, or an empty one, with --dir",
            Self::Running(_) => "use it, or stop it first; two of them need two folders",
            Self::File { .. } => {
                "the folder must be one that you may read and write; a path of more than 90 characters is too long for its control socket"
            }
        }
    }
}

/// A running sandbox. Dropped, it stops too, but does not wait for its sessions.
#[derive(Debug)]
pub struct Sandbox {
    population: Population,
    ca_pem: String,
    ports: BTreeMap<(Personality, Service), u16>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// The world and how accounts come into it.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    pub world: Arc<World>,
    pub clock: Clock,
    filtered: bool,
}

impl Sandbox {
    /// Opens every door and begins to deliver. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`SandboxError::Port`], [`SandboxError::Identity`].
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let real_now = Clock::System.now();
        let identity = if options.filtered { Identity::new(real_now) } else { Identity::of_names(&["localhost"], real_now) }?;
        let world = World::new(options.seed);
        // A client may remember the folders of an earlier sandbox: these have other UIDVALIDITYs.
        world.count_from(u64::try_from(real_now.0 / 1_000).unwrap_or(0));
        let population = Population { world, clock: options.clock, filtered: options.filtered };
        if !options.filtered {
            population.world.deliver_at_once();
        }
        for domain in &options.known_well {
            population.world.with_filter(|f| f.know_well(domain));
        }
        for account in options.accounts {
            population.admit(account);
        }

        let stop = watch::Sender::new(false);
        let house = House {
            world: population.world.clone(),
            clock: population.clock.clone(),
            tls: identity.acceptor,
            smtp: Arc::default(),
            imap: Arc::default(),
            stop: stop.subscribe(),
        };
        let (mut ports, mut tasks) = (BTreeMap::new(), JoinSet::new());
        for door in options.doors {
            let (port, listeners) = listen::open(&door).await.map_err(|source| SandboxError::Port { port: door.port, source })?;
            ports.insert((door.personality, door.service), port);
            for listener in listeners {
                tasks.spawn(listen::accept(listener, door, house.clone()));
            }
        }
        tasks.spawn(deliver(population.clone(), stop.subscribe()));
        Ok(Self { population, ca_pem: identity.ca_pem, ports, stop, tasks })
    }

    /// The world that it serves.
    pub fn world(&self) -> &Arc<World> {
        &self.population.world
    }

    /// The world's clock.
    pub fn clock(&self) -> &Clock {
        &self.population.clock
    }

    /// The CA's certificate as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Where a service of a kind of server listens.
    pub fn port(&self, personality: Personality, service: Service) -> Option<u16> {
        self.ports.get(&(personality, service)).copied()
    }

    /// All ports.
    pub fn ports(&self) -> &BTreeMap<(Personality, Service), u16> {
        &self.ports
    }

    /// Opens the control socket; see [`control`].
    ///
    /// # Errors
    /// [`SandboxError::Running`], [`SandboxError::File`].
    pub async fn open_control(&mut self, socket: &Path) -> Result<(), SandboxError> {
        let listener = control::bind(socket).await?;
        let (population, stop) = (self.population.clone(), self.stop.subscribe());
        self.tasks.spawn(control::serve(listener, socket.to_owned(), population, stop));
        Ok(())
    }

    /// Closes every door, tells every session, and waits for them, two seconds at most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Those that have not ended by then end with the set.
        let _ = clock::within(FAREWELL, all).await;
    }
}

impl Population {
    /// Adds an account, or replaces it with an empty one.
    pub fn admit(&self, spec: AccountSpec) {
        let address = spec.address.clone();
        self.world.add_account(spec);
        self.begin(&address);
    }

    /// Files a share of 256 letters to an account into a folder. False: there is no such account.
    pub fn file(&self, who: &Address, share: u32, folder: &str) -> bool {
        let rule = (share > 0 || !self.filtered).then(|| (share, folder.to_owned()));
        self.world.with_account(who, |account| account.filed = rule).is_some()
    }

    /// An account as it was at first, and nobody in it. False: there is no such account.
    pub fn reset(&self, who: &Address) -> bool {
        let is_there = self.world.empty_account(who);
        self.begin(who);
        self.world.kick(who);
        is_there
    }

    /// What an empty account begins with.
    fn begin(&self, who: &Address) {
        self.file(who, 0, "INBOX");
        if !self.filtered {
            self.world.with_account(who, |account| {
                account.folders.retain(|name, _| name == "INBOX");
                rig::begin(account);
            });
        }
    }

    /// The world's time.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }
}

/// Waits until the sandbox stops, or is gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stops| *stops).await;
}

/// Carries out what becomes due in the world, until the sandbox stops.
async fn deliver(population: Population, mut stop: watch::Receiver<bool>) {
    let mut plans = population.world.plans();
    loop {
        plans.mark_unchanged();
        population.world.settle(population.now());
        let next = population.world.next_event();
        let due = async {
            match next {
                Some(at) => population.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = plans.changed() => {}
            () = due => {}
        }
    }
}
