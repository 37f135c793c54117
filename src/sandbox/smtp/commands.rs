//! What a command line says. The grammar is smtp-proto's; what it would let through and this server does not take is refused here.

use std::borrow::Cow;

use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, AUTH_XOAUTH2, Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MailFrom, Request};

use super::auth::Mechanism;

/// A command, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// STARTTLS.
    StartTls,
    /// AUTH with the first response, in base64, where one came along.
    Auth(Mechanism, Option<String>),
    /// MAIL with its address as it stands there (empty for `<>`) and SIZE (0: not said).
    Mail(String, usize),
    /// RCPT with its address as it stands there.
    Rcpt(String),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
}

/// Reads a command line, given without its end.
///
/// # Errors
/// The refusal: 500 to 504 or 555. Nothing of what the client said is repeated in it.
pub fn parse(line: &[u8]) -> Result<Command, String> {
    // smtp-proto skips every CR: `MA\rIL` would be a command.
    if line.iter().any(|b| matches!(b, b'\r' | 0)) {
        return Err("500 5.5.2 Error: bare <CR> or NUL in a command line".into());
    }
    let whole = [line, b"\r\n"].concat();
    let request = Request::parse(&mut whole.iter()).map_err(|e| refusal(&e))?;
    let alone = |command: Command, name: &str| {
        let bare = line.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        bare.then_some(command).ok_or_else(|| format!("501 5.5.4 Syntax: {name}"))
    };
    match request {
        Request::Ehlo { .. } => Ok(Command::Ehlo),
        Request::Helo { .. } => Ok(Command::Helo),
        Request::StartTls => alone(Command::StartTls, "STARTTLS"),
        Request::Auth { mechanism, initial_response } => auth(mechanism, &initial_response),
        Request::Mail { from } => mail(&from),
        Request::Rcpt { to } if to.orcpt.is_some() || to.flags != 0 || to.rrvs != 0 => Err(PARAMETER.into()),
        Request::Rcpt { to } => Ok(Command::Rcpt(to.address.into_owned())),
        Request::Data => alone(Command::Data, "DATA"),
        Request::Rset => alone(Command::Rset, "RSET"),
        Request::Quit => alone(Command::Quit, "QUIT"),
        Request::Noop { .. } => Ok(Command::Noop),
        Request::Vrfy { .. } => Ok(Command::Vrfy),
        Request::Help { .. } => Ok(Command::Help),
        _ => Err("502 5.5.1 Error: command not implemented".into()),
    }
}

const PARAMETER: &str = "555 5.5.4 Unsupported parameter";

fn auth(mechanism: u64, initial: &str) -> Result<Command, String> {
    let mechanism = match mechanism {
        AUTH_PLAIN => Mechanism::Plain,
        AUTH_LOGIN => Mechanism::Login,
        AUTH_XOAUTH2 => Mechanism::Xoauth2,
        _ => return Err("504 5.5.4 Unrecognized authentication type".into()),
    };
    Ok(Command::Auth(mechanism, (!initial.is_empty()).then(|| initial.to_owned())))
}

/// Only what EHLO offers: SIZE, BODY, and AUTH, whose value this server does not trust (RFC 4954 §5) and does not need.
fn mail(from: &MailFrom<Cow<'_, str>>) -> Result<Command, String> {
    let plain = MailFrom {
        address: from.address.clone(),
        flags: from.flags & (MAIL_BODY_7BIT | MAIL_BODY_8BITMIME),
        size: from.size,
        auth: from.auth.clone(),
        ..MailFrom::default()
    };
    if *from != plain {
        return Err(PARAMETER.into());
    }
    Ok(Command::Mail(from.address.clone().into_owned(), from.size))
}

fn refusal(error: &Error) -> String {
    match error {
        Error::UnknownCommand => "500 5.5.2 Error: command not recognized".into(),
        Error::InvalidSenderAddress => "501 5.1.7 Bad sender address syntax".into(),
        Error::InvalidRecipientAddress => "501 5.1.3 Bad recipient address syntax".into(),
        Error::SyntaxError { syntax } => format!("501 5.5.4 Syntax: {syntax}"),
        Error::InvalidParameter { param } => format!("501 5.5.4 Bad value of {param}"),
        Error::UnsupportedParameter { .. } => PARAMETER.into(),
        Error::NeedsMoreData { .. } | Error::ResponseTooLong | Error::InvalidResponse { .. } => "501 5.5.2 Error: bad syntax".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        let read = |line: &str| parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(read("ehlo client.test"), Command::Ehlo);
        assert_eq!(read("mail from:<a@x.test> size=10 BODY=8BITMIME AUTH=<>"), Command::Mail("a@x.test".into(), 10));
        assert_eq!(read("MAIL FROM:<>"), Command::Mail(String::new(), 0));
        assert_eq!(read("RCPT TO:<B@x.test>"), Command::Rcpt("B@x.test".into()));
        assert_eq!(read("auth plain AGEAYg=="), Command::Auth(Mechanism::Plain, Some("AGEAYg==".into())));
        assert_eq!(read("AUTH XOAUTH2"), Command::Auth(Mechanism::Xoauth2, None));
        assert_eq!((read("data"), read("Quit"), read("NOOP x")), (Command::Data, Command::Quit, Command::Noop));
    }

    #[test]
    fn what_is_not_offered_or_not_well_formed_is_refused() {
        for (line, code) in [
            ("", "500"),
            ("WHAT", "500"),
            ("MA\rIL FROM:<a@x.test>", "500"),
            ("NOOP \0", "500"),
            ("BDAT 10 LAST", "502"),
            ("EXPN all", "502"),
            ("AUTH", "501"),
            ("AUTH CRAM-MD5", "504"),
            ("AUTH SOMETHING-QUITE-ELSE", "504"),
            ("MAIL a@x.test", "501"),
            ("MAIL FROM:<a@x.test> SMTPUTF8", "555"),
            ("MAIL FROM:<a@x.test> BODY=BINARYMIME", "555"),
            ("MAIL FROM:<a@x.test> RET=FULL", "555"),
            ("MAIL FROM:<a@x.test> X=1", "555"),
            ("MAIL FROM:<a@x.test> SIZE=x", "501"),
            ("RCPT TO:<a@x.test> NOTIFY=NEVER", "555"),
            ("RCPT TO:<@>", "501"),
            ("DATA now", "501"),
            ("STARTTLS please", "501"),
            ("EHLO", "501"),
        ] {
            let refusal = parse(line.as_bytes()).expect_err(line);
            assert!(refusal.starts_with(code), "{line}: {refusal}");
        }
    }
}
