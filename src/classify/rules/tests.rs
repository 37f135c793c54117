use super::*;
use crate::classify::codes;

#[test]
fn every_line_of_the_shipped_file_is_read() {
    let rules = Rules::parse(SHIPPED).unwrap();
    assert!(rules.with_words.len() > 300 && rules.codes_alone.len() > 50);
}

#[test]
fn every_rule_is_reached_by_what_it_asks_for() {
    let rules = Rules::shipped();
    let mut hidden = Vec::new();
    for rule in rules.with_words.iter().chain(&rules.codes_alone) {
        let enhanced = rule.enhanced.first().map(|e| Enhanced { class: e.class.unwrap_or(5), subject: e.subject, detail: e.detail });
        let words = Folded::new(&rule.words.join(" "));
        let speaker = rule.speaker.unwrap_or(Provider::Generic);
        let said = Said { speaker, reply: rule.replies.first().copied(), enhanced, words: &words };
        let first = rules.find(&said).unwrap();
        if first.line != rule.line {
            hidden.push(format!("{}: {} is hidden by {}: {}", rule.line, rule.asks_for(), first.line, first.asks_for()));
        }
    }
    assert!(hidden.is_empty(), "{}", hidden.join("\n"));
}

#[test]
fn a_rule_asks_for_all_that_it_says() {
    let rules = Rules::parse("[policy]\n@gmail 5.7.1 x.7.2 550 | one ... two\n[temporary]\n421 |").unwrap();
    let said = |speaker, reply, code: &str, words: &str| {
        let (words, enhanced) = (Folded::new(words), Enhanced::leading(code));
        rules.find(&Said { speaker, reply, enhanced, words: &words }).map(|r| r.line)
    };
    assert_eq!(said(Provider::Gmail, Some(550), "5.7.1", "One, then two."), Some(2));
    assert_eq!(said(Provider::Gmail, Some(550), "4.7.2", "one two"), Some(2));
    for (speaker, reply, code, words) in [
        (Provider::Yahoo, 550, "5.7.1", "one two"),
        (Provider::Gmail, 551, "5.7.1", "one two"),
        (Provider::Gmail, 550, "4.7.1", "one two"),
        (Provider::Gmail, 550, "2.7.2", "one two"),
        (Provider::Gmail, 550, "5.7.1", "two one"),
        (Provider::Gmail, 550, "5.7.1", "none two"),
    ] {
        assert_eq!(said(speaker, Some(reply), code, words), None, "{reply} {code} {words}");
    }
    assert_eq!(said(Provider::Generic, Some(421), "", ""), Some(4));
    assert_eq!(Rules::parse("words before a class").err(), Some(1));
    assert_eq!(Rules::parse("[policy]\n5.x |").err(), Some(2));
    assert_eq!(Rules::parse("[policy]\n[nonsense]").err(), Some(2));
}
/// What servers say, and what it is about.
const SAID: &str = include_str!("said.txt");

#[test]
fn what_servers_say_is_understood() {
    let mut wrong = Vec::new();
    for (line, text) in text::data_lines(SAID) {
        let (class, words) = text.split_once(" | ").unwrap();
        let (speaker, words) = match words.strip_prefix('@') {
            Some(rest) => rest.split_once(' ').map(|(name, words)| (Provider::parse(name).unwrap(), words)).unwrap(),
            None => (Provider::Generic, words),
        };
        let folded = Folded::new(words);
        let said = Said { speaker, reply: codes::reply_code(words), enhanced: codes::best_enhanced(words), words: &folded };
        let found = Rules::shipped().find(&said);
        let seen = found.map_or(RefusalClass::Other, |r| r.class.coarse());
        if seen.as_str() != class {
            wrong.push(format!("{line}: {seen} by {}: {text}", found.map(Rule::asks_for).unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
