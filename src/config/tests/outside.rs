//! `outside_mail` and `share`: what may be said, what is wrong, and what is worth a word.

use super::*;
use crate::words::OutsideMail;

fn warnings(config: &Config) -> Vec<String> {
    let shown = |w: &crate::words::Finding| {
        let s = w.source.as_ref().unwrap();
        format!("{}:{} {} | {}", s.line, s.column, w.what, w.hint.as_deref().unwrap())
    };
    config.warnings.iter().map(shown).collect()
}

#[test]
fn a_mailbox_says_how_its_real_mail_is_known_and_the_defaults_may_say_it_for_all() {
    let text = "\
zone: UTC
defaults: {provider: gmail, secret: 'env:X', outside_mail: reported}
mailboxes:
  - a@new.example
  - {address: b@new.example, outside_mail: Sent_Folder}
  - {address: c@new.example, outside_mail: none}
  - {address: p@other.example, role: partner}
";
    let config = read(text).unwrap_or_else(|e| panic!("{e}"));
    let of = |address| mailbox(&config, address).outside_mail;
    assert_eq!(
        ["a@new.example", "b@new.example", "c@new.example"].map(of),
        [Some(OutsideMail::Reported), Some(OutsideMail::SentFolder), Some(OutsideMail::Nothing)]
    );
    assert_eq!(of("p@other.example"), None, "a partner's is nobody's business");
    assert_eq!(warnings(&config), Vec::<String>::new());
    assert_eq!(mailbox(&read(&with("")).unwrap(), "anna@new.example").outside_mail, None, "nobody has said");
}

#[test]
fn faults_are_told_with_their_places() {
    assert_eq!(fault("    outside_mail: sent\n"), "5:19 `outside_mail` cannot be `sent` | one of `sent_folder`, `reported` or `none`");
    assert_eq!(fault("    outside_mail: send_folder\n"), "5:19 `outside_mail` cannot be `send_folder` | did you mean `sent_folder`?");
    assert_eq!(fault("    outside: none\n").split(" | ").next(), Some("5:5 unknown key `outside` in a mailbox"));
    assert_eq!(fault("    share: 0.5\n"), "5:5 unknown key `share` in a mailbox | `share` goes into a schedule file");
}

#[test]
fn a_sent_folder_that_does_not_hold_everything_is_worth_a_word_once_for_each_place_where_it_is_set() {
    let text = "\
zone: UTC
defaults: {secret: 'env:X', smtp: m.example, imap: m.example, outside_mail: sent_folder}
mailboxes:
  - a@new.example
  - b@new.example
  - {address: c@new.example, provider: gmail}
  - {address: d@new.example, provider: icloud, outside_mail: sent_folder}
  - {address: p@other.example, role: partner, outside_mail: none}
";
    let hint = "only what a mail client puts there is counted; for the rest, set `outside_mail: reported` and use `preheat sent report`";
    let why = "may send more than its Sent folder shows: its provider keeps no copies of mail sent over SMTP";
    assert_eq!(
        warnings(&read(text).unwrap_or_else(|e| panic!("{e}"))),
        [
            format!("2:77 a@new.example (and 1 more) {why} | {hint}"),
            format!("7:62 d@new.example {why} | {hint}"),
            "8:61 `outside_mail` does nothing here: it is for warming mailboxes | leave it out, or set `role: warming`".to_owned(),
        ]
    );
}

#[test]
fn a_share_is_a_number_from_a_hundredth_to_one() {
    let read = |text: &str| {
        parse_schedule("s", &format!("ramp: {{start: 4, target: 30}}\n{text}\n"), Path::new("s.yaml"), ScheduleOrigin::Shipped)
            .map(|s| s.schedule.share)
            .map_err(|found| {
                let f = &found[0];
                let s = f.source.as_ref().unwrap();
                format!("{}:{} {} | {}", s.line, s.column, f.what, f.hint.as_deref().unwrap())
            })
    };
    assert_eq!(read("about: x"), Ok(1.0));
    assert_eq!((read("share: 1"), read("share: 0.01"), read("share: 0.6")), (Ok(1.0), Ok(0.01), Ok(0.6)));
    assert_eq!(read("share: 0").unwrap_err(), "2:8 `share` is 0, out of its range | it wants a number from 0.01 to 1");
    assert_eq!(read("share: 80").unwrap_err(), "2:8 `share` is 80, out of its range | it wants a number from 0 to 1");
    assert_eq!(read("share: 80 %").unwrap_err(), "2:8 `share` is a share, not a percentage | write it as a share: 0.8");
    assert!(read("share: half").unwrap_err().starts_with("2:8 `share` wants a number from 0 to 1, not `half`"));
}

#[test]
fn room_for_real_mail_that_nobody_counts_is_worth_a_word() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    std::fs::write(dir.path().join("schedules/half.yaml"), "ramp: {start: 3, target: 30}\nshare: 0.5\n").unwrap();
    let file = dir.path().join("preheat.yaml");
    let mailboxes = "    schedule: half
  - {address: b@new.example, schedule: half, outside_mail: none}
  - {address: c@new.example, schedule: half, outside_mail: reported}
  - {address: d@new.example}
";
    std::fs::write(&file, with(mailboxes)).unwrap();
    assert_eq!(
        warnings(&load(&file).unwrap_or_else(|e| panic!("{e}"))),
        [
            "4:5 `share` of schedule half makes room for real mail, and nobody counts that of anna@new.example (and 1 more) | set `outside_mail: sent_folder` or `reported`; without it, `share` only lowers what is warmed up"
        ]
    );
}
