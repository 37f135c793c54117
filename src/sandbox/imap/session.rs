//! One connection, command by command.

use std::io;
use std::sync::Arc;

use imap_codec::imap_types::command::CommandBody;
use tokio::sync::watch;

use super::answer::{Answer, Done};
use super::command::{self, Asks, Command};
use super::names::Names;
use super::view::View;
use super::wire::{Heard, Limits, Wire};
use super::{Connections, Face, Seat};
use crate::clock::Clock;
use crate::words::{Address, Moment};
use crate::world::{Barred, Personality, Traits, World};

/// Literals of a command before the sign-in, and after it.
const SMALL: usize = 4 << 10;
const LARGE: usize = 40 << 20;
/// How many commands in a row may make no sense before the connection ends.
const PATIENCE: u32 = 20;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// For good.
    Closed,
    /// TLS begins, and it goes on inside.
    StartTls,
}

/// What comes behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next one.
    Command,
    /// Nothing more: what there is to say is said.
    Close,
    /// TLS.
    StartTls,
}

/// One connection.
pub(super) struct Session {
    pub world: Arc<World>,
    pub clock: Clock,
    pub face: Face,
    pub over_tls: bool,
    pub can_start_tls: bool,
    pub connections: Arc<Connections>,
    pub out: Answer,
    /// Refused sign-ins so far.
    pub refused: u32,
    /// Somebody tried to sign in whose server does not answer.
    pub unreachable: bool,
    pub signed_in: Option<SignedIn>,
    pub view: Option<View>,
    nonsense: u32,
}

/// Who is signed in.
pub(super) struct SignedIn {
    pub account: Address,
    pub personality: Personality,
    /// Rings at every change of the account.
    pub bell: watch::Receiver<u64>,
    /// The account's [`crate::world::Account::kicked`] at the sign-in: another one throws the session out.
    pub kicked: u64,
    /// Its place among the account's connections.
    pub _seat: Seat,
}

impl Session {
    pub fn new(world: Arc<World>, clock: Clock, face: Face, over_tls: bool, can_start_tls: bool, connections: Arc<Connections>) -> Self {
        Self {
            world,
            clock,
            face,
            over_tls,
            can_start_tls,
            connections,
            out: Answer::default(),
            refused: 0,
            unreachable: false,
            signed_in: None,
            view: None,
            nonsense: 0,
        }
    }

    pub async fn greet(&mut self, wire: &mut Wire<'_>) -> io::Result<()> {
        let greeting = format!("* OK [CAPABILITY {}] IMAP4rev1 of a modelled world ({})", self.capabilities(), self.face.personality);
        self.out.line(greeting);
        wire.send(&mut self.out.0).await
    }

    /// Forgets what was said in the clear; there is no new greeting inside TLS.
    pub fn is_now_over_tls(&mut self) {
        (self.over_tls, self.can_start_tls) = (true, false);
        (self.refused, self.nonsense) = (0, 0);
    }

    pub async fn run(&mut self, wire: &mut Wire<'_>) -> io::Result<End> {
        loop {
            let next = match wire.command(self.limits()).await? {
                Heard::Command(bytes) => self.one_command(wire, &bytes).await?,
                Heard::TooBig(begun) => {
                    self.out.line(format_args!("{} NO [TOOBIG] that literal is too big", command::tag_of(&begun)));
                    wire.send(&mut self.out.0).await?;
                    Next::Command
                }
                Heard::Over(why) => self.bye(wire, why).await?,
                Heard::Stopped => self.bye(wire, "the sandbox stops").await?,
                Heard::Gone => Next::Close,
            };
            match next {
                Next::Command => {}
                Next::StartTls => return Ok(End::StartTls),
                Next::Close => {
                    wire.close().await;
                    return Ok(End::Closed);
                }
            }
        }
    }

    async fn one_command(&mut self, wire: &mut Wire<'_>, bytes: &[u8]) -> io::Result<Next> {
        let now = self.now();
        self.world.settle(now);
        if self.is_cut_off(now) {
            return Ok(Next::Close);
        }
        let breaks = self.signed_in.as_ref().is_some_and(|s| self.world.breaks_now(&s.account, now));
        let Command { tag, asks } = command::read(bytes, self.traits().is_some_and(|t| t.gmail));
        let may_expunge = may_expunge(&asks);
        let (done, mut next) = match asks {
            Asks::Nonsense => {
                self.nonsense += 1;
                (Some(Done::bad("that is no command that this server knows")), Next::Command)
            }
            asks => {
                self.nonsense = 0;
                self.carry_out(wire, &tag, asks).await?
            }
        };
        let Some(done) = done else { return Ok(next) };
        if next == Next::Command && !self.tell_changes(may_expunge) {
            return self.bye(wire, "the selected folder is not what it was").await;
        }
        self.out.line(format_args!("{tag} {done}"));
        if self.nonsense >= PATIENCE {
            self.out.line("* BYE too much of that");
            next = Next::Close;
        }
        if breaks {
            // The command was carried out, and its word gets lost on the way.
            self.out.0.truncate(self.out.0.len() / 2);
            next = Next::Close;
        }
        wire.send(&mut self.out.0).await?;
        Ok(next)
    }

    /// Carries a command out. Without a [`Done`], everything was said already.
    async fn carry_out(&mut self, wire: &mut Wire<'_>, tag: &str, asks: Asks) -> io::Result<(Option<Done>, Next)> {
        let body = match asks {
            Asks::Known(body) => body,
            Asks::List(list) => return Ok((Some(self.list(&list)), Next::Command)),
            Asks::Labels(labels) => return Ok((Some(self.store_labels(&labels)), Next::Command)),
            Asks::Nonsense => return Ok((None, Next::Command)),
        };
        let done = match body {
            CommandBody::StartTLS => return self.start_tls(wire, tag).await,
            CommandBody::Logout => {
                self.out.line("* BYE see you");
                return Ok((Some(Done::ok("logged out")), Next::Close));
            }
            CommandBody::Login { username, password } => {
                let done = self.login(username.as_ref(), password.declassify().as_ref());
                return Ok(self.after_sign_in(done));
            }
            CommandBody::Authenticate { mechanism, initial_response } => {
                let first = initial_response.map(|r| r.declassify().to_vec());
                return self.authenticate(wire, &mechanism, first).await;
            }
            CommandBody::Idle => return self.idle(wire).await,
            CommandBody::Fetch { sequence_set, macro_or_item_names, uid } => {
                self.fetch(wire, &sequence_set, &macro_or_item_names, uid).await?
            }
            other => self.at_once(other),
        };
        Ok((Some(done), Next::Command))
    }

    /// Commands that ask nothing back and answer in one piece.
    fn at_once(&mut self, body: CommandBody<'static>) -> Done {
        match body {
            CommandBody::Capability => {
                let line = format!("* CAPABILITY {}", self.capabilities());
                self.out.line(line);
                Done::ok("those are all")
            }
            CommandBody::Noop | CommandBody::Check => Done::ok("done"),
            CommandBody::Id { .. } if !self.face.bare => {
                self.out.line(format_args!("* ID (\"name\" \"preheat sandbox\" \"version\" \"{}\")", env!("CARGO_PKG_VERSION")));
                Done::ok("done")
            }
            CommandBody::Namespace if !self.face.bare => self.namespace(),
            CommandBody::Select { mailbox } => self.select(&mailbox, false),
            CommandBody::Examine { mailbox } => self.select(&mailbox, true),
            CommandBody::Unselect if !self.face.bare => self.unselect(),
            CommandBody::Close => self.close_folder(),
            CommandBody::Create { mailbox } => self.create(&mailbox),
            CommandBody::Delete { mailbox } => self.delete(&mailbox),
            CommandBody::Rename { from, to } => self.rename(&from, &to),
            CommandBody::Subscribe { mailbox } | CommandBody::Unsubscribe { mailbox } => self.subscribe(&mailbox),
            CommandBody::Lsub { reference, mailbox_wildcard } => self.lsub(&reference, &mailbox_wildcard),
            CommandBody::Status { mailbox, item_names } => self.status(&mailbox, &item_names),
            CommandBody::Append { mailbox, flags, date, message } => self.append(&mailbox, &flags, date.as_ref(), &message),
            CommandBody::Expunge => self.expunge(None),
            CommandBody::ExpungeUid { sequence_set } if self.offers(|t| t.uidplus) => self.expunge(Some(&sequence_set)),
            CommandBody::Search { charset, criteria, uid } => self.search(charset.as_ref(), criteria.as_ref(), uid),
            CommandBody::Store { sequence_set, kind, response, flags, uid } => self.store(&sequence_set, kind, response, &flags, uid),
            CommandBody::Copy { sequence_set, mailbox, uid } => self.copy(&sequence_set, &mailbox, uid),
            CommandBody::Move { sequence_set, mailbox, uid } if self.offers(|t| t.moves) => self.move_to(&sequence_set, &mailbox, uid),
            _ => Done::bad("that is not offered here"),
        }
    }

    /// Ends the session with these words.
    pub async fn bye(&mut self, wire: &mut Wire<'_>, why: &str) -> io::Result<Next> {
        self.out.line(format_args!("* BYE {why}"));
        wire.send(&mut self.out.0).await?;
        Ok(Next::Close)
    }

    /// Plan time.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Whether no server answers for the account that is signed in.
    pub fn is_cut_off(&self, now: Moment) -> bool {
        self.signed_in.as_ref().is_some_and(|s| {
            let is_kicked = self.world.with_account(&s.account, |a| a.kicked) != Some(s.kicked);
            is_kicked || self.world.may_sign_in(&s.account, now) == Err(Barred::Unreachable)
        })
    }

    /// The account that is signed in.
    ///
    /// # Errors
    /// What to say where nobody is.
    pub fn account(&self) -> Result<Address, Done> {
        self.signed_in.as_ref().map(|s| s.account.clone()).ok_or_else(|| Done::bad("sign in first"))
    }

    /// The habits of the account that is signed in.
    pub fn traits(&self) -> Option<&'static Traits> {
        self.signed_in.as_ref().map(|s| s.personality.traits())
    }

    /// Whether a habit is offered to the account that is signed in, by this listener.
    pub fn offers(&self, habit: impl Fn(&Traits) -> bool) -> bool {
        !self.face.bare && self.traits().is_some_and(habit)
    }

    /// How this listener writes names.
    pub fn names(&self) -> Names {
        Names { prefixed: self.face.prefixed }
    }

    fn limits(&self) -> Limits {
        let bytes = if self.signed_in.is_some() { LARGE } else { SMALL };
        let unasked = match self.personality() {
            _ if self.face.bare => 0,
            Personality::Gmail => SMALL,
            _ => bytes,
        };
        Limits { bytes, unasked }
    }

    /// Whose habits count now.
    pub fn personality(&self) -> Personality {
        self.signed_in.as_ref().map_or(self.face.personality, |s| s.personality)
    }
}

/// RFC 3501 §7.4.1: message numbers do not change under a command that is given in them.
fn may_expunge(asks: &Asks) -> bool {
    !matches!(
        asks,
        Asks::Known(CommandBody::Fetch { uid: false, .. } | CommandBody::Store { uid: false, .. } | CommandBody::Search { uid: false, .. })
            | Asks::Labels(command::Labels { uid: false, .. })
    )
}
