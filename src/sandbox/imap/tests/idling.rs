use std::time::Duration;

use super::{ONE, Place};
use crate::world::{Condition, Personality, Whom, Wrong};

#[tokio::test(start_paused = true)]
async fn idle_tells_at_once_what_happens() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    client.plays("C: a IDLE\nS: + idling").await;
    place.put("INBOX", ONE);
    client.plays("S: * 3 EXISTS\nS: * 0 RECENT").await;
    place.flag("INBOX", 3, "\\Flagged");
    client.plays("S: * 3 FETCH (UID 3 FLAGS (\\Flagged))").await;
    place.world.move_messages(&place.who, "INBOX", &[1], "Junk", place.clock.now()).unwrap();
    client.plays("S: * 1 EXPUNGE\nC: done\nS: a OK idled\nC: b NOOP\nS: b OK done").await;
}

#[tokio::test(start_paused = true)]
async fn idle_without_a_folder_waits_and_ends() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.signed_in().await;
    client.plays("C: a IDLE\nS: + idling").await;
    place.put("INBOX", ONE);
    client.plays("C: DONE\nS: a OK idled\nC: b IDLE\nS: + idling\nC: c NOOP\nS: b BAD only DONE ends an IDLE").await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_an_idle_session_without_a_word() {
    let place = Place::with_mail(Personality::Gmail);
    let mut client = place.selected("INBOX").await;
    client.plays("C: a IDLE\nS: + idling").await;
    let from = place.clock.now() + Duration::from_mins(5);
    let outage = Condition { wrong: Wrong::Outage, whom: Whom::All, from, until: from + Duration::from_hours(1) };
    place.world.add_condition(outage);
    client.plays("end").await;
    assert!(place.clock.now() >= from);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_session_after_half_an_hour() {
    let place = Place::with_mail(Personality::Gmail);
    let (mut idle, mut silent) = (place.selected("INBOX").await, place.signed_in().await);
    idle.plays("C: a IDLE\nS: + idling\nS: * BYE idle for too long\nend").await;
    silent.plays("S: * BYE nothing was said for half an hour\nend").await;
}
