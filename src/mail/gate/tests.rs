//! The breaker as a table and under chance; then the whole gate, in virtual time, before servers that a test switches off.

mod chance;
mod through;

use std::time::Duration;

use super::breaker::{Asked, BETWEEN_WAVES, Breaker, Later};
use crate::chance::Seed;
use crate::mail::Trouble;
use crate::words::{Address, Moment};

/// Seconds into the story.
fn at(seconds: u64) -> Moment {
    Moment(0) + Duration::from_secs(seconds)
}

fn who(n: u32) -> Address {
    Address::parse(&format!("m{n}@x.test")).unwrap()
}

fn breaker() -> Breaker {
    Breaker::new("mail.x.test:993", Seed(1), 4)
}

/// `who` heard nothing.
fn silence(breaker: &mut Breaker, n: u32, seconds: u64) {
    breaker.silent(&who(n), Trouble::TimedOut(60), at(seconds));
}

/// Opened by three at `seconds`: until when.
fn opened(breaker: &mut Breaker, seconds: u64) -> Moment {
    (0..3).for_each(|n| silence(breaker, n, seconds));
    let later = breaker.turns_away(&who(90), at(seconds)).expect("it is open");
    later.down.expect("it is down").again
}

fn turn_of(asked: Asked) -> Moment {
    let Asked::Later(later) = asked else { panic!("let in: {asked:?}") };
    later.at
}

#[test]
fn it_opens_when_three_different_mailboxes_in_a_row_heard_nothing() {
    // Who heard nothing (a number) or something (none), and whether nobody is let in then.
    let stories: [(&[Option<u32>], bool); 7] = [
        (&[], false),
        (&[Some(1), Some(2)], false),
        (&[Some(1), Some(1), Some(1), Some(1)], false),
        (&[Some(1), Some(2), Some(2), Some(1)], false),
        (&[Some(1), Some(2), Some(3)], true),
        (&[Some(1), Some(2), None, Some(3), Some(1)], false),
        (&[Some(1), Some(2), None, Some(3), Some(1), Some(2)], true),
    ];
    for (story, opens) in stories {
        let mut b = breaker();
        for (second, heard) in story.iter().enumerate() {
            match heard {
                Some(n) => silence(&mut b, *n, second as u64),
                None => b.answered(at(second as u64)),
            }
        }
        let asked = b.ask(&who(9), at(story.len() as u64));
        assert_eq!(asked != Asked::Enter, opens, "{story:?}: {asked:?}");
    }
}

#[test]
fn it_stays_open_for_longer_each_time_and_one_tries_for_all() {
    let mut b = breaker();
    let mut until = opened(&mut b, 0);
    for (n, minutes) in [1.0, 2.0, 4.0, 8.0, 15.0, 15.0].into_iter().enumerate() {
        let began = if n == 0 { at(0) } else { until };
        if n > 0 {
            assert_eq!(b.ask(&who(n as u32 + 10), began), Asked::Try, "time {n}");
            assert_eq!(b.ask(&who(50), began), Asked::Wait, "only one tries");
            b.silent(&who(n as u32 + 10), Trouble::Unreachable("refused".into()), began);
            until = b.turns_away(&who(90), began).unwrap().down.unwrap().again;
        }
        let span = until.since(began).as_secs_f64() / 60.0;
        assert!(span <= minutes && span >= minutes * 0.8, "time {n}: {span} of {minutes} minutes");
        let asked = b.ask(&who(51), until - Duration::from_millis(1));
        assert!(matches!(asked, Asked::Later(Later { down: Some(_), .. })), "{asked:?}");
    }
    // What is said of it.
    let down = b.turns_away(&who(90), at(1)).unwrap().down.unwrap();
    assert_eq!((down.mailboxes, down.since, down.last), (8, at(0), Trouble::Unreachable("refused".into())));
    // Back for good: the next outage begins with a minute again.
    assert_eq!(b.ask(&who(60), until), Asked::Try);
    b.answered(until);
    let later = until + Duration::from_hours(1);
    for wave in 0..4 {
        assert_eq!(b.ask(&who(70 + wave), later + BETWEEN_WAVES * wave), Asked::Enter);
    }
    let again = later.since(at(0)).as_secs() + 3600;
    assert!(opened(&mut b, again).since(at(again)) <= Duration::from_mins(1));
}

#[test]
fn those_who_were_turned_away_come_back_in_waves() {
    let mut b = breaker();
    let until = opened(&mut b, 0);
    // Waves of 1, 2, 4 and no more than four, whoever asks, and the same answer to the same mailbox. One place was given to who(90).
    let waves = |times: &[Moment], from: Moment| times.iter().map(|t| t.since(from).as_secs() / 5).collect::<Vec<_>>();
    let places: Vec<Moment> = (10..20).map(|n| turn_of(b.ask(&who(n), at(10)))).collect();
    assert_eq!(waves(&places, until), [1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert_eq!(turn_of(b.ask(&who(19), at(20))), places[9]);
    // The one who comes first tries, a minute goes by, then the server answers: all begin anew, in waves from then on.
    assert_eq!(b.ask(&who(90), until), Asked::Try);
    let back = until + Duration::from_mins(1);
    b.answered(back);
    assert_eq!(b.ask(&who(10), back), Asked::Enter);
    let places: Vec<Moment> = (11..20).map(|n| turn_of(b.ask(&who(n), back))).collect();
    assert_eq!(waves(&places, back), [1, 1, 2, 2, 2, 2, 3, 3, 3]);
    assert!((11..20).zip(&places).all(|(n, place)| b.ask(&who(n), *place) == Asked::Enter));
    // Whoever comes for the first time has a place among them, and later there is no line.
    assert_eq!(turn_of(b.ask(&who(40), back)), back + BETWEEN_WAVES * 3);
    let calm = back + BETWEEN_WAVES * 4;
    assert!((100..150).all(|n| b.ask(&who(n), calm) == Asked::Enter));
}

#[test]
fn the_line_of_a_server_with_few_mailboxes_ends_too_and_its_next_outage_begins_short() {
    let mut b = breaker();
    let until = opened(&mut b, 0);
    assert_eq!(b.ask(&who(3), until), Asked::Try);
    b.answered(until);
    assert_eq!(b.ask(&who(4), until), Asked::Enter);
    assert_eq!(turn_of(b.ask(&who(5), until)), until + BETWEEN_WAVES);
    let calm = until + Duration::from_mins(3);
    assert!((10..60).all(|n| b.ask(&who(n), calm) == Asked::Enter), "nobody came for two minutes: there is no line any more");
    let seconds = calm.since(at(0)).as_secs();
    assert!(opened(&mut b, seconds).since(at(seconds)) <= Duration::from_mins(1));
}

#[test]
fn places_that_nobody_wanted_are_not_saved_up() {
    let mut b = breaker();
    let until = opened(&mut b, 0);
    assert_eq!(b.ask(&who(3), until), Asked::Try);
    b.answered(until);
    // A minute later all come at once.
    let late = until + Duration::from_mins(1);
    let entered = (10..110).filter(|n| b.ask(&who(*n), late) == Asked::Enter).count();
    assert_eq!(entered, 2, "the second wave");
}

#[test]
fn who_has_heard_nothing_lets_others_try_first_but_not_for_long() {
    let mut b = breaker();
    let until = opened(&mut b, 0);
    // who(90) waits, and may know better than who(0).
    let after = turn_of(b.ask(&who(0), until));
    assert_eq!(after, until + Duration::from_mins(1));
    assert_eq!(b.ask(&who(0), after), Asked::Try);
    b.knows_nothing(&who(0));
    assert_eq!(b.ask(&who(90), after), Asked::Try, "the next one tries in its place");
    b.knows_nothing(&who(4));
    assert_eq!(b.ask(&who(5), after), Asked::Wait, "only who tries can give it up");
    // Where only those wait who have failed, they need not.
    let mut b = breaker();
    (0..3).for_each(|n| silence(&mut b, n, 0));
    let until = b.turns_away(&who(0), at(0)).unwrap().down.unwrap().again;
    assert_eq!(b.ask(&who(0), until), Asked::Try);
}

#[test]
fn an_outage_that_returns_while_they_come_back_is_the_same_one() {
    let mut b = breaker();
    let until = opened(&mut b, 0);
    assert_eq!(b.ask(&who(3), until), Asked::Try);
    b.answered(until);
    let second = until.since(at(0)).as_secs() + 1;
    let span = opened(&mut b, second).since(at(second));
    assert!(span > Duration::from_mins(1), "{span:?}");
}
