use super::*;
use crate::letter::Key;
use crate::words::LocalDate;
use chrono::TimeZone;

pub(super) fn start_draft(language: &str, content: u64) -> Draft<'_> {
    let party = |address: &str, name: &str| Party { address: Address::parse(address).unwrap(), name: Some(name.into()) };
    let from = party("ben.roy@new.example", "Ben Roy");
    Draft {
        id: LetterId::of_start(&from.address, LocalDate::ymd(2026, 12, 1).unwrap(), 1),
        from,
        to: party("anna.lee@partner.test", "Anna Lee"),
        date: chrono_tz::Europe::Berlin.with_ymd_and_hms(2026, 12, 1, 9, 5, 0).unwrap(),
        content,
        language,
        parent: None,
    }
}

pub(super) fn answer_draft<'a>(language: &'a str, content: u64, subject: &str, text: &str) -> Draft<'a> {
    let start = start_draft(language, content);
    let parent = Parent {
        message_id: MessageId::parse("1@partner.test").unwrap(),
        references: Vec::new(),
        subject: subject.into(),
        text: text.into(),
        from: start.to.clone(),
        date: DateTime::parse_from_rfc3339("2026-11-30T16:20:00+00:00").unwrap(),
    };
    Draft { parent: Some(parent), ..start }
}

fn keys() -> Keyring {
    Keyring::of(Key::new("k1", vec![7; 32]).unwrap())
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What every message must be, whatever went into it.
fn assert_well_formed(bytes: &[u8], answer: bool) {
    let message = text_of(bytes);
    assert!(message.is_ascii());
    assert!(!message.replace("\r\n", "").contains(['\r', '\n']), "bare CR or LF");
    assert!(message.split("\r\n").all(|line| line.len() <= 998), "a line over 998");
    let block = message.split_once("\r\n\r\n").unwrap().0;
    let names: Vec<&str> = block.split("\r\n").filter(|l| !l.starts_with(' ')).map(|l| l.split_once(':').unwrap().0).collect();
    let threading: &[&str] = if answer { &["In-Reply-To", "References"] } else { &[] };
    let expected: Vec<&str> = ["Date", "From", "To", "Subject", "Message-ID"]
        .iter()
        .chain(threading)
        .chain(&["MIME-Version", "Content-Type", "X-Preheat", "X-Auto-Response-Suppress"])
        .copied()
        .collect();
    assert_eq!(names, expected);
    let parsed = mail_parser::MessageParser::default().parse(bytes).unwrap();
    assert_eq!(parsed.headers().iter().map(mail_parser::Header::name).collect::<Vec<_>>(), expected);
}

const START: &str = "\
Date: Tue, 01 Dec 2026 09:05:00 +0100\r
From: =?UTF-8?Q?Ren=C3=A9e_Roy?= <ben.roy@new.example>\r
To: Anna Lee <anna.lee@partner.test>\r
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r
Message-ID: <{id}@new.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=\"=_{id}\"\r
X-Preheat: k1.{id}.\r
 {hmac}\r
X-Auto-Response-Suppress: OOF, AutoReply\r
\r
--=_{id}\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Hallo Anna,\r
\r
1 < 2 =E2=80=93 stimmt das?\r
\r
--=_{id}\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
<!DOCTYPE html>\r
<html lang=3D\"de\">\r
<head><meta charset=3D\"utf-8\"></head>\r
<body>\r
<p>Hallo Anna,</p>\r
<p>1 &lt; 2 =E2=80=93 stimmt das?</p>\r
</body>\r
</html>\r
\r
--=_{id}--\r
";

const ANSWER: &str = "\
Date: Tue, 01 Dec 2026 09:05:00 +0100\r
From: Ben Roy <ben.roy@new.example>\r
To: Anna Lee <anna.lee@partner.test>\r
Subject: Re: The plan\r
Message-ID: <{id}@new.example>\r
In-Reply-To: <1@partner.test>\r
References: <1@partner.test>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=\"=_{id}\"\r
X-Preheat: k1.{id}.\r
 {hmac}\r
X-Auto-Response-Suppress: OOF, AutoReply\r
\r
--=_{id}\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 7bit\r
\r
Yes, it is.\r
\r
On 30 November 2026 at 17:20, Anna Lee wrote:\r
> Is it done?\r
>\r
> Anna\r
\r
--=_{id}\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: 7bit\r
\r
<!DOCTYPE html>\r
<html lang=\"en\">\r
<head><meta charset=\"utf-8\"></head>\r
<body>\r
<p>Yes, it is.</p>\r
<p>On 30 November 2026 at 17:20, Anna Lee wrote:</p>\r
<blockquote>\r
<p>Is it done?</p>\r
<p>Anna</p>\r
</blockquote>\r
</body>\r
</html>\r
\r
--=_{id}--\r
";

/// The expected message with the letter's id and HMAC in it.
fn expected(shape: &str, draft: &Draft<'_>) -> String {
    let mark = keys().sign(draft.id, &draft.from.address, &draft.to.address).unwrap();
    shape.replace("{id}", &draft.id.to_string()).replace("{hmac}", mark.rsplit('.').next().unwrap())
}

#[test]
fn a_start_byte_for_byte() {
    let mut draft = start_draft("de", 1);
    draft.from.name = Some("Renée Roy".into());
    let letter = compose_with(&draft, "Grüße", "Hallo Anna,\n\n1 < 2 – stimmt das?", &Library::shipped(), &keys()).unwrap();
    assert_eq!(text_of(&letter.bytes), expected(START, &draft));
    assert_eq!((letter.subject.as_str(), letter.text.as_str()), ("Grüße", "Hallo Anna,\n\n1 < 2 – stimmt das?\n"));
    assert_well_formed(&letter.bytes, false);
}

#[test]
fn an_answer_byte_for_byte() {
    let draft = answer_draft("en", 1, "AW: The plan", "Is it done?\n\nAnna\n");
    let letter = compose_with(&draft, "ignored: the thread has its subject", "Yes, it is.", &Library::shipped(), &keys()).unwrap();
    assert_eq!(text_of(&letter.bytes), expected(ANSWER, &draft));
    assert_well_formed(&letter.bytes, true);
}

#[test]
fn a_letter_from_the_library_word_for_word() {
    let letter = compose(&start_draft("en", 7), &Library::shipped(), &keys()).unwrap();
    assert_eq!(format!("{}\n\n{}", letter.subject, letter.text), LIBRARY_START);
    let again = compose(&start_draft("en", 7), &Library::shipped(), &keys()).unwrap();
    assert_eq!(letter, again);
    assert_ne!(compose(&start_draft("en", 8), &Library::shipped(), &keys()).unwrap().text, letter.text);
}

const LIBRARY_START: &str = "\
Status call: finding a time

Hi Anna,

We still need a date for the status call about the pilot phase.

I could do Tuesday at three, and the main subject would be the dates for next month. \
Could you let me know by Tuesday, so that I can tell the others?

With kind regards,
Ben Roy
";

#[test]
fn a_thread_holds_together() {
    let library = Library::shipped();
    for language in library.languages() {
        let start = compose(&start_draft(language, 11), &library, &keys()).unwrap();
        let mut parent = parent_of(&start.bytes).unwrap();
        assert_eq!((&parent.subject, &parent.message_id), (&start.subject, &start.message_id));
        assert_eq!(parent.text, start.text.trim_end());
        assert_eq!(parent.date, start_draft(language, 11).date);
        let mut chain = vec![start.message_id.clone()];
        let mut id = start_draft(language, 11).id;
        for step in 0..3u64 {
            let mut draft = start_draft(language, step);
            id = LetterId::of_answer(id);
            draft.id = id;
            if step % 2 == 0 {
                std::mem::swap(&mut draft.from, &mut draft.to);
            }
            draft.parent = Some(parent);
            let answer = compose(&draft, &library, &keys()).unwrap();
            assert_well_formed(&answer.bytes, true);
            assert_eq!(answer.subject, format!("Re: {}", start.subject));
            parent = parent_of(&answer.bytes).unwrap();
            assert_eq!(parent.references, chain, "{language} {step}");
            assert_eq!(parent.text, answer.text.trim_end());
            assert!(answer.text.lines().all(|l| !l.starts_with("> > >")), "{}", answer.text);
            let parsed = mail_parser::MessageParser::default().parse(&answer.bytes).unwrap();
            assert_eq!(parsed.in_reply_to().as_text(), chain.last().map(MessageId::as_str));
            let mark = parsed.header_raw("X-Preheat").unwrap();
            assert_eq!(keys().verify(mark, &draft.from.address, &draft.to.address).unwrap().letter, draft.id);
            assert!(parsed.body_html(0).unwrap().contains("<blockquote>"));
            chain.push(answer.message_id);
        }
    }
}

#[test]
fn a_language_without_content_is_told_and_a_command_may_still_write_in_it() {
    let library = Library::shipped();
    assert_eq!(compose(&start_draft("nl", 1), &library, &keys()), Err(ComposeError::Language("nl".into())));
    let draft = answer_draft("nl", 1, "Vraag", "Hoi");
    let letter = compose_with(&draft, "", "Ja.", &library, &keys()).unwrap();
    assert_eq!(letter.text, "Ja.\n\nAnna Lee, 2026-11-30 17:20:\n> Hoi\n");
    assert_eq!(compose_with(&start_draft("nl", 1), " \r\n", "Ja.", &library, &keys()), Err(ComposeError::NoSubject));
    assert_eq!(compose_with(&draft, "", "\u{7}\n", &library, &keys()), Err(ComposeError::NoText));
    assert_eq!(compose(&start_draft("en", 1), &library, &Keyring::default()), Err(ComposeError::NoKey));
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    /// Text that leans towards what breaks headers.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[ -~]{0,40}",
            Just("\r\nBcc: x@y.test\r\n\r\n".to_owned()),
            Just("=?utf-8?q?=0D=0A?=".to_owned()),
            Just("\u{202E}\u{200F}שלום".to_owned()),
            Just("\"\\,;:<>()@".to_owned()),
            "[a-zé日🙂]{50,120}",
        ];
        proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn breaks_no_header_block(name in nasty(), other in nasty(), subject in nasty(), text in nasty(), parent_text in nasty(), id in nasty()) {
            let mut draft = start_draft("en", 1);
            draft.from.name = Some(name.clone());
            draft.to.name = Some(other);
            if let Ok(start) = compose_with(&draft, &subject, &text, &Library::default(), &keys()) {
                assert_well_formed(&start.bytes, false);
                let parent = parent_of(&start.bytes).unwrap();
                // What was written is what is read: names and subjects survive encoding and folding.
                prop_assert_eq!(&parent.subject, &start.subject);
                prop_assert_eq!(&parent.from, &Party { address: draft.from.address.clone(), name: draft.from.shown_name() });
                prop_assert_eq!(&parent.text, start.text.trim_end());
            }
            let mut answer = answer_draft("en", 1, &subject, &parent_text);
            let parent = answer.parent.as_mut().unwrap();
            parent.from.name = Some(name);
            parent.references.extend(MessageId::parse_list(&format!("{id}@x <{id}@y>")));
            let letter = compose_with(&answer, "", "Yes.", &Library::default(), &keys()).unwrap();
            assert_well_formed(&letter.bytes, true);
        }

        #[test]
        fn read_as_a_parent_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in nasty()) {
            let _ = parent_of(&bytes);
            let _ = parent_of(format!("From: {text}\r\nMessage-ID: {text}\r\nDate: {text}\r\nSubject: {text}\r\n\r\n{text}").as_bytes());
            let _ = from_command_output(&bytes);
        }
    }
}
