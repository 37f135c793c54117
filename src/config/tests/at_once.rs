//! One fault hides no other.

use super::*;

/// A mailbox that cannot be used still names a schedule and a secret's file: they are looked at in the same go.
#[cfg(unix)]
#[test]
fn a_fault_in_a_mailbox_or_in_defaults_hides_none_of_the_files_it_names() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    std::fs::write(dir.path().join("schedules/own.yaml"), "ramp: {start: 9, target: 4}\n").unwrap();
    for name in ["anna@new.example", "shared"] {
        let secret = dir.path().join(name);
        std::fs::write(&secret, "x").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let file = dir.path().join("preheat.yaml");
    let text = "\
defaults: {smtp: mail.new.example, imap: mail.new.example, receive_limit: many, secret: 'file:{address}'}
zone: UTC
mailboxes:
  - {address: anna@new.example, role: warmin, languages: xx, schedule: own}
  - {address: ben.new.example, secret: file:shared, schedule: nowhere}
  - {address: carla@new.example, smtp: {port: 1000000}}
pairs: {max_per_pair: 5, max_per_pair_week: 3}
";
    std::fs::write(&file, text).unwrap();
    let error = load(&file).unwrap_err();
    let place = |f: &crate::words::Finding| f.source.as_ref().map(|s| (s.file.file_name().unwrap().to_string_lossy().into_owned(), s.line));
    let found: Vec<_> = error.findings.iter().map(|f| (place(f).unwrap(), f.what.replace(&*dir.path().to_string_lossy(), "."))).collect();
    let of = |line: u32, what: &str| (("preheat.yaml".to_owned(), line), what.to_owned());
    let want = [
        of(1, "`receive_limit` wants a whole number of messages from 0 to 10000, not `many`"),
        of(1, "others can read the secret in ./anna@new.example (mode 644)"),
        of(4, "`role` cannot be `warmin`"),
        of(4, "unknown language `xx`"),
        of(5, "`ben.new.example` is not an address: an address needs a name, one @ and a domain"),
        of(5, "others can read the secret in ./shared (mode 644)"),
        of(5, "unknown schedule `nowhere`"),
        of(6, "`port` is 1000000, out of its range"),
        of(7, "max_per_pair_week 3 is below max_per_pair 5"),
        (("own.yaml".to_owned(), 1), "target 4 is below start 9".to_owned()),
    ];
    assert_eq!(found, want);
}

#[test]
fn an_empty_list_is_said_beside_other_faults_and_a_list_of_faulty_items_is_not_called_empty() {
    assert_eq!(faults(&format!("zone: Nowhere\n{DEFAULTS}mailboxes: []\n")).len(), 2);
    assert_eq!(faults(&format!("zone: UTC\n{DEFAULTS}mailboxes: [5, x]\n")).len(), 2);
    assert_eq!(faults(&with("    languages: [[1]]\n")).len(), 1);
}
