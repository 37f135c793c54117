//! What the shipped content must be, and how faults in a user's file are told.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rand::Rng;

use super::library::SHIPPED;
use super::tests::{answer_draft, start_draft};
use super::*;
use crate::chance::Seed;
use crate::letter::Key;
use crate::words::LocalDate;

const LANGUAGES: [&str; 4] = ["de", "en", "es", "fr"];
/// 40 a day for 60 days.
const LETTERS: u32 = 2_400;

#[test]
fn four_languages_are_shipped() {
    assert_eq!(Library::shipped().languages(), LANGUAGES);
}

#[test]
fn the_content_can_say_enough() {
    let library = Library::shipped();
    for language in LANGUAGES {
        let starts = library.variety_of_starts(language).unwrap();
        assert_eq!(starts.distinct, library.distinct(language));
        assert!(starts.distinct > 500_000_000, "{language}: {}", starts.distinct);
        assert!(starts.expected_repeats(LETTERS) < 0.01, "{language}: {}", starts.expected_repeats(LETTERS));
        let answers = library.variety_of_answers(language).unwrap();
        assert!(answers.distinct > 100_000, "{language}: {}", answers.distinct);
        let follow_ups = library.variety_of_follow_ups(language).unwrap();
        assert!(follow_ups.distinct > 3_000, "{language}: {}", follow_ups.distinct);
    }
    assert_eq!(library.distinct("xx"), 0);
}

/// The draws of one mailbox, as the agenda makes them.
fn draws(mailbox: &str, seed: u64) -> impl Iterator<Item = u64> {
    let mailbox = Address::parse(mailbox).unwrap();
    let first = LocalDate::ymd(2026, 12, 1).unwrap();
    (0..LETTERS).map(move |i| {
        let id = LetterId::of_start(&mailbox, first.plus(i / 40), i % 40);
        Seed(seed).of_letter(id, "content").random()
    })
}

#[test]
fn a_mailbox_at_40_a_day_repeats_nothing_in_60_days() {
    let library = Library::shipped();
    for language in LANGUAGES {
        for seed in 1..=2 {
            let mut seen = BTreeSet::new();
            for content in draws("ben@new.example", seed) {
                let words = library.draw(&start_draft(language, content)).unwrap();
                assert!(seen.insert((words.subject.clone(), words.text.clone())), "{language} {seed}: {words:?}");
            }
            let mut seen = BTreeSet::new();
            for content in draws("ben@new.example", seed) {
                let start = library.draw(&start_draft(language, content)).unwrap();
                let answer = library.draw(&answer_draft(language, content ^ 0x5eed, &start.subject, &start.text)).unwrap();
                assert!(seen.insert((start.subject, start.text, answer.text)), "{language} {seed}");
            }
        }
    }
}

#[test]
fn the_count_is_the_number_of_letters() {
    let text = "language: xx\ngreetings: [\"Hi,\"]\nfarewells: [\"Bye,\"]\nattribution: \"{from}:\"\n\
        slots:\n  a: [\"1\", \"2\", \"3\"]\n  b:\n    - { x: \"p\", y: \"q\" }\n    - { x: \"p\", y: \"r\" }\n\
        topics:\n  - subjects: [\"S {a}\", \"T\"]\n    openings: [\"O {b.x}.\", \"P {b.y}.\"]\n    bodies: [\"B.\"]\n    closings: [\"C {a}.\"]\n\
        answers: { openings: [\"O\"], bodies: [\"B\"], closings: [\"C\"] }\n\
        follow_ups: { openings: [\"O\"], bodies: [\"B\", \"D\"], closings: [\"C\"] }\n";
    let library = Library::with_files(&[(PathBuf::from("x.yaml"), text.into())]).unwrap();
    let seen: BTreeSet<(String, String)> = (0..2_000)
        .map(|content| library.draw(&start_draft("xx", content)).unwrap())
        .map(|words| (words.subject, words.text.replace("\n\n", " ")))
        .collect();
    // a: 3 rows; the opening: `O p`, `P q` or `P r`; the subject: with a or without.
    assert_eq!((library.distinct("xx"), seen.len()), (18, 18));
    assert_eq!(library.variety_of_follow_ups("xx").unwrap(), Variety { distinct: 2, twice: 0.5 });
}

#[test]
fn every_subject_is_known_again_with_its_rows() {
    let library = Library::shipped();
    for (tag, language) in &library.languages {
        for topic in &language.topics {
            for subject in &topic.subjects {
                let slots: BTreeSet<usize> = subject.slots().collect();
                assert_eq!(slots.len(), 1, "{tag}: one thing in every subject");
                let slot = *slots.first().unwrap();
                for row in 0..library.slots.rows(slot) {
                    let bound = template::Bound::from([(slot, row)]);
                    let text = subject.render(&library.slots, &bound, &Fields::default());
                    let found = language.topics.iter().find_map(|t| t.subjects.iter().find_map(|s| s.read_back(&text, &library.slots)));
                    assert_eq!(found, Some(bound), "{tag}: {text}");
                }
            }
        }
    }
}

#[test]
fn answers_speak_of_what_their_parent_spoke_of() {
    let library = Library::shipped();
    let openings: BTreeSet<String> = (0..200)
        .map(|content| library.draw(&answer_draft("en", content, "RE: Delivery of the tool cases", "…")).unwrap().text)
        .map(|text| text.lines().nth(2).unwrap().to_owned())
        .collect();
    assert!(openings.iter().all(|o| o.contains("the tool cases")), "{openings:?}");
    let unknown = library.draw(&answer_draft("en", 3, "Something else", "…")).unwrap().text;
    assert!(
        library.languages["en"]
            .answers
            .openings
            .iter()
            .any(|t| { unknown.contains(&t.render(&library.slots, &template::Bound::new(), &Fields::default())) })
    );
    let mut third = answer_draft("en", 3, "Re: Delivery of the tool cases", "…");
    third.parent.as_mut().unwrap().references = vec![MessageId::parse("a@b").unwrap()];
    assert!(!library.draw(&third).unwrap().text.contains("tool cases"));
}

#[test]
fn the_shipped_content_is_plain_and_honest() {
    for (name, text) in SHIPPED {
        for bad in [
            "http", "www.", "://", ".com", "@", "[", "click", "klick", "cliqu", "clic ", "attached", "anbei", "Anhang", "ci-joint",
            "adjunt", "!",
        ] {
            let lines: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with('#') && !l.starts_with("months:")).collect();
            assert!(lines.iter().all(|l| !l.contains(bad)), "{name}: {bad}: {:?}", lines.iter().find(|l| l.contains(bad)));
        }
    }
}

#[test]
fn what_is_drawn_reads_as_a_letter() {
    let library = Library::shipped();
    for language in LANGUAGES {
        for content in 0..500 {
            let words = library.draw(&start_draft(language, content)).unwrap();
            let text = &words.text;
            assert!(!text.contains(['{', '}']) && !words.subject.contains(['{', '}']), "{text}");
            assert!(!text.contains("  ") && !text.contains(" ,") && !text.contains(" .") && !text.contains(".."), "{text}");
            assert!(!words.subject.is_empty() && words.subject.chars().count() <= 78, "{}", words.subject);
            assert!(words.subject.starts_with(|c: char| c.is_uppercase() || c == '¿'), "{}", words.subject);
            assert!(text.ends_with("\nBen Roy"), "{text}");
            let after_full_stop = text.split(['.', '?']).skip(1).filter_map(|s| s.trim_start().chars().next());
            assert!(after_full_stop.filter(|c| c.is_alphabetic()).all(char::is_uppercase), "{text}");
        }
    }
}

#[test]
fn names_are_used_where_they_are_known() {
    let library = Library::shipped();
    let keys = Keyring::of(Key::new("k", vec![1; 32]).unwrap());
    let greeting = |name: Option<&str>, address: &str| {
        let mut draft = start_draft("fr", 5);
        draft.to = Party { address: Address::parse(address).unwrap(), name: name.map(str::to_owned) };
        draft.from.name = None;
        let text = compose(&draft, &library, &keys).unwrap().text;
        assert!(text.trim_end().ends_with(','), "no name, no line: {text}");
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(greeting(Some("Zoé Lac"), "zoe.lac@x.test"), "Bonjour Zoé,");
    assert_eq!(greeting(Some("Zoé Lac"), "z@x.test"), "Bonjour Zoé Lac,");
    assert_eq!(greeting(Some("<Zoé>"), "z@x.test"), "Bonjour,");
    assert_eq!(greeting(None, "zoe.lac@x.test"), "Bonjour,");
}

#[test]
fn a_users_file_adds_or_replaces() {
    let adding =
        "language: EN\ntopics:\n  - subjects: [\"Only mine\"]\n    openings: [\"O.\"]\n    bodies: [\"B.\"]\n    closings: [\"C.\"]\n";
    let with = |text: &str| Library::with_files(&[(PathBuf::from("mine.yaml"), text.to_owned())]);
    let library = with(adding).unwrap();
    assert_eq!(library.distinct("en"), Library::shipped().distinct("en") + 1);
    let findings = with(&format!("replaces: true\n{adding}")).unwrap_err();
    let missing: Vec<&str> = findings.iter().map(|f| f.what.as_str()).collect();
    let expected = ["greetings", "farewells", "attribution", "answers", "follow_ups"].map(|k| format!("`{k}` is missing"));
    assert_eq!(missing, expected);
    let (_, whole) = SHIPPED[1];
    assert_eq!(with(&format!("replaces: true\n{whole}")).unwrap().distinct("de"), Library::shipped().distinct("de"));
}

#[test]
fn all_faults_are_told_at_once_with_their_place() {
    let text = "\
language: nl
greeting: [\"Hallo,\"]
greetings: [\"Hallo {naam},\"]
farewells: [\"Groet,\", \"Groet,\"]
attribution: \"{from} schreef:\"
months: [\"januari\"]
slots:
  Zaak: [\"a\"]
  to: [\"a\"]
  dag:
    - { x: \"a\" }
    - \"b\"
topics:
  - subjects: [\"Over {dag.x}\", 7]
    openings: [\"{dag}\"]
    bodies: [\"{dg.x\"]
    closings: \"x\"
answers:
  openings: [\"\"]
  bodies: [\"a\\tb\"]
";
    let findings = Library::with_files(&[(PathBuf::from("nl.yaml"), text.into())]).unwrap_err();
    let told: Vec<String> = findings
        .iter()
        .map(|f| {
            let s = f.source.as_ref().unwrap();
            format!("{}:{} {} ({})", s.line, s.column, f.what, f.hint.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "1:1 `follow_ups` is missing (a file may leave it out only for a language that has it already)",
            "2:1 unknown key `greeting` (did you mean `greetings`?)",
            "3:13 there is no `{naam}` here (one of: to, to_given)",
            "4:23 this text stands twice (it stands in line 4 already)",
            "6:9 1 months instead of 12 (-)",
            "8:3 `Zaak` cannot name a slot (lower-case letters, digits and _)",
            "12:7 this row has other forms than the first, or in another order (every row: x)",
            "14:32 text is needed here (put it into double quotes)",
            "15:16 slot `dag` has no form `` (its forms: x)",
            "16:14 a { without its }, or the other way round (-)",
            "17:15 a list with at least one entry is needed here (-)",
            "19:3 `closings` is missing (-)",
            "19:14 this text is empty (-)",
            "20:12 this text has a line break or a control character in it (-)",
        ]
    );
    let broken =
        Library::with_files(&[(PathBuf::from("a.yaml"), "language: [en\n".into()), (PathBuf::from("b.yaml"), "x".into())]).unwrap_err();
    assert_eq!(broken.len(), 2);
    assert!(
        broken[0].what.starts_with("this is not YAML") && broken[1].to_string().starts_with("b.yaml:1:1: error: a mapping is needed here")
    );
}

#[test]
fn answers_may_not_contradict_the_letter() {
    let text = "\
language: en
slots:
  day: [\"Monday\", \"Friday\"]
topics:
  - subjects: [\"About {day}\", \"A date\"]
    openings: [\"O.\"]
    bodies: [\"B.\"]
    closings: [\"C.\"]
    answers: { openings: [\"O.\"], bodies: [\"{Day} suits me.\"], closings: [\"C.\"] }
";
    let findings = Library::with_files(&[(PathBuf::from("en.yaml"), text.into())]).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].what, "the answers speak of `{day}`, which a letter of this topic may have otherwise");
    assert!(Library::with_files(&[(PathBuf::from("en.yaml"), text.replace("A date", "On {day}"))]).is_ok());
}

#[test]
fn deep_nesting_is_a_finding() {
    let deep = format!("language: {}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(Library::with_files(&[(PathBuf::from("x.yaml"), deep)]).unwrap_err().len(), 1);
}

#[test]
fn the_example_in_the_docs_is_a_whole_language() {
    let docs = include_str!("../../docs/content.md");
    let example = docs.split("```yaml\n").find(|block| block.starts_with("language: en")).unwrap().split("```").next().unwrap();
    let example = example.replace("language: en", "language: nl");
    let library = Library::with_files(&[(PathBuf::from("docs.yaml"), example)]).unwrap();
    assert_eq!(library.distinct("nl"), 2 * 2 * 2);
    let answer = library.draw(&answer_draft("nl", 1, "About the oak bench", "?")).unwrap();
    assert!(answer.text.contains("Good to hear about the oak bench."));
}

#[test]
fn answers_end_without_a_wish() {
    let library = Library::shipped();
    for content in 0..100 {
        let text = library.draw(&answer_draft("en", content, "x", "y")).unwrap().text;
        let wishes = &library.languages["en"].wishes;
        assert!(wishes.iter().all(|w| !text.contains(&w.render(&library.slots, &template::Bound::new(), &Fields::default()))), "{text}");
    }
}
