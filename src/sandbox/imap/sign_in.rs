//! Capabilities and signing in: LOGIN, AUTHENTICATE PLAIN, LOGIN and XOAUTH2, STARTTLS.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imap_codec::imap_types::auth::AuthMechanism;

use super::answer::Done;
use super::session::{Next, Session, SignedIn};
use super::wire::{Heard, Wire};
use crate::words::Address;
use crate::world::{Barred, Personality};

/// How many refused sign-ins a connection survives.
const ATTEMPTS: u32 = 5;
/// The longest line of a SASL exchange.
const LONGEST_LINE: usize = 16 << 10;

/// What XOAUTH2 says of a token that is no good; then it wants an empty line.
const BAD_TOKEN: &str = "{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.example/\"}";

impl Session {
    /// What is offered now, as CAPABILITY lists it.
    pub fn capabilities(&self) -> String {
        let mut all = vec!["IMAP4rev1"];
        if self.signed_in.is_none() {
            if !self.face.bare {
                all.extend(["SASL-IR", "ID", if self.personality() == Personality::Gmail { "LITERAL-" } else { "LITERAL+" }]);
            }
            if self.can_start_tls {
                all.push("STARTTLS");
            }
            if self.may_sign_in_here() {
                all.extend(["AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2"]);
            } else {
                all.push("LOGINDISABLED");
            }
        } else if !self.face.bare {
            let gmail = self.personality() == Personality::Gmail;
            all.extend(["ID", "NAMESPACE", "UNSELECT", "CHILDREN", if gmail { "LITERAL-" } else { "LITERAL+" }]);
            for (offered, name) in [
                (self.offers(|t| t.idle), "IDLE"),
                (self.offers(|t| t.uidplus), "UIDPLUS"),
                (self.offers(|t| t.moves), "MOVE"),
                (self.offers(|t| t.special_use), "SPECIAL-USE"),
                (self.offers(|t| t.special_use), "LIST-EXTENDED"),
                (self.offers(|t| t.gmail), "X-GM-EXT-1"),
            ] {
                if offered {
                    all.push(name);
                }
            }
        }
        all.join(" ")
    }

    fn may_sign_in_here(&self) -> bool {
        self.over_tls || self.face.plain_sign_in
    }

    pub async fn start_tls(&mut self, wire: &mut Wire<'_>, tag: &str) -> io::Result<(Option<Done>, Next)> {
        if !self.can_start_tls || self.signed_in.is_some() {
            return Ok((Some(Done::bad("there is no TLS to begin here")), Next::Command));
        }
        self.out.line(format_args!("{tag} OK begin TLS"));
        wire.send(&mut self.out.0).await?;
        Ok((None, Next::StartTls))
    }

    pub fn login(&mut self, user: &[u8], password: &[u8]) -> Done {
        self.before_sign_in().unwrap_or_else(|| self.check(&String::from_utf8_lossy(user), password, "LOGIN"))
    }

    /// Why nobody can sign in here and now.
    fn before_sign_in(&self) -> Option<Done> {
        if self.signed_in.is_some() {
            return Some(Done::bad("somebody is signed in already"));
        }
        (!self.may_sign_in_here()).then(|| Done::no("[PRIVACYREQUIRED] not without TLS"))
    }

    pub async fn authenticate(
        &mut self,
        wire: &mut Wire<'_>,
        mechanism: &AuthMechanism<'_>,
        first: Option<Vec<u8>>,
    ) -> io::Result<(Option<Done>, Next)> {
        if let Some(done) = self.before_sign_in() {
            return Ok((Some(done), Next::Command));
        }
        if first.is_some() && self.face.bare {
            return Ok((Some(Done::bad("an initial response is not offered here")), Next::Command));
        }
        let exchanged = match mechanism {
            AuthMechanism::Plain => self.plain(wire, first).await,
            AuthMechanism::Login => self.two_questions(wire, first).await,
            AuthMechanism::XOAuth2 => self.bearer(wire, first).await,
            _ => Ok(Done::no("[CANNOT] that mechanism is not offered")),
        };
        match exchanged {
            Ok(done) | Err(Sasl::Done(done)) => Ok(self.after_sign_in(done)),
            Err(Sasl::Closed) => Ok((None, Next::Close)),
            Err(Sasl::Io(e)) => Err(e),
        }
    }

    /// Where no server answers, nothing is said at all; and nobody guesses for ever.
    pub fn after_sign_in(&self, done: Done) -> (Option<Done>, Next) {
        if self.unreachable {
            return (None, Next::Close);
        }
        (Some(done), if self.refused >= ATTEMPTS { Next::Close } else { Next::Command })
    }

    /// PLAIN (RFC 4616).
    async fn plain(&mut self, wire: &mut Wire<'_>, first: Option<Vec<u8>>) -> Result<Done, Sasl> {
        let message = self.first(wire, first).await?;
        let fields: Vec<&[u8]> = message.split(|b| *b == 0).collect();
        let [_, user, password] = fields.as_slice() else { return Ok(Done::bad("that is not PLAIN")) };
        Ok(self.check(&String::from_utf8_lossy(user), password, "AUTHENTICATE"))
    }

    /// LOGIN: user and password, each asked for.
    async fn two_questions(&mut self, wire: &mut Wire<'_>, first: Option<Vec<u8>>) -> Result<Done, Sasl> {
        let user = match first {
            Some(user) => user,
            None => self.question(wire, "Username:").await?,
        };
        let password = self.question(wire, "Password:").await?;
        Ok(self.check(&String::from_utf8_lossy(&user), &password, "AUTHENTICATE"))
    }

    /// XOAUTH2: `user=…^Aauth=Bearer …^A^A`. A bad token is told in a challenge of its own.
    async fn bearer(&mut self, wire: &mut Wire<'_>, first: Option<Vec<u8>>) -> Result<Done, Sasl> {
        let message = self.first(wire, first).await?;
        let mut fields = message.split(|b| *b == 1);
        let user = fields.next().and_then(|f| f.strip_prefix(b"user="));
        let token = fields.next().and_then(|f| f.strip_prefix(b"auth=Bearer "));
        let (Some(user), Some(token)) = (user, token) else { return Ok(Done::bad("that is not XOAUTH2")) };
        let done = self.check(&String::from_utf8_lossy(user), token, "AUTHENTICATE");
        if matches!(done, Done::No(_)) && !self.unreachable {
            // Whatever is answered to it, the NO comes next.
            match self.question(wire, BAD_TOKEN).await {
                Ok(_) | Err(Sasl::Done(_)) => {}
                Err(end) => return Err(end),
            }
        }
        Ok(done)
    }

    async fn first(&mut self, wire: &mut Wire<'_>, first: Option<Vec<u8>>) -> Result<Vec<u8>, Sasl> {
        match first {
            Some(first) => Ok(first),
            None => self.question(wire, "").await,
        }
    }

    /// Asks something, and reads the answer.
    async fn question(&mut self, wire: &mut Wire<'_>, text: &str) -> Result<Vec<u8>, Sasl> {
        self.out.line(format_args!("+ {}", STANDARD.encode(text)));
        wire.send(&mut self.out.0).await?;
        let line = match wire.line(LONGEST_LINE).await? {
            Heard::Command(line) => line,
            Heard::Over(why) => {
                self.bye(wire, why).await?;
                return Err(Sasl::Closed);
            }
            _ => return Err(Sasl::Closed),
        };
        let line = line.trim_ascii_end();
        if line == b"*" {
            return Err(Sasl::Done(Done::bad("taken back")));
        }
        STANDARD.decode(line).map_err(|_| Sasl::Done(Done::bad("that is no base64")))
    }

    /// Lets a user in, or not.
    fn check(&mut self, user: &str, secret: &[u8], verb: &str) -> Done {
        let now = self.now();
        self.world.settle(now);
        let Some(account) = self.world.account_of_user(user) else { return self.refuse(self.face.personality, verb) };
        let spec = self.world.with_account(&account, |a| a.spec.clone());
        let Some(spec) = spec else { return self.refuse(self.face.personality, verb) };
        match self.world.may_sign_in(&account, now) {
            // The sandbox has no silence: the connection ends.
            Err(Barred::Unreachable | Barred::Silent) => {
                self.unreachable = true;
                return Done::no("[UNAVAILABLE] no server answers");
            }
            Err(Barred::Refused(_)) => return self.refuse(spec.personality, verb),
            Ok(()) => {}
        }
        if spec.secret.is_none_or(|s| s.as_bytes() != secret) {
            return self.refuse(spec.personality, verb);
        }
        self.seat(account, spec.personality)
    }

    /// Wrong password or locked account: they do not tell which.
    fn refuse(&mut self, personality: Personality, verb: &str) -> Done {
        self.refused += 1;
        match personality {
            Personality::Gmail => Done::no("[AUTHENTICATIONFAILED] Invalid credentials (Failure)"),
            Personality::Microsoft => Done::no(format!("{verb} failed.")),
            Personality::Dovecot => Done::no("[AUTHENTICATIONFAILED] Authentication failed."),
        }
    }

    fn seat(&mut self, account: Address, personality: Personality) -> Done {
        let most = personality.traits().imap_connections;
        let seat = self.connections.take(&account, most);
        let (Some(seat), Some(bell)) = (seat, self.world.changes_of(&account)) else {
            return match personality {
                Personality::Gmail => Done::no("[ALERT] Too many simultaneous connections. (Failure)"),
                _ => Done::no(format!("[LIMIT] Maximum number of connections of a user is reached ({most})")),
            };
        };
        if !self.face.bare && !self.face.prefixed {
            self.world.make_usual_folders(&account);
        }
        let kicked = self.world.with_account(&account, |a| a.kicked).unwrap_or_default();
        self.signed_in = Some(SignedIn { account, personality, bell, kicked, _seat: seat });
        Done::ok(format!("[CAPABILITY {}] signed in", self.capabilities()))
    }
}

/// How a SASL exchange ended before its time.
enum Sasl {
    /// With this word.
    Done(Done),
    /// With the connection.
    Closed,
    /// With a broken connection.
    Io(io::Error),
}

impl From<io::Error> for Sasl {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}
