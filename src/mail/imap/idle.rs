//! Waiting for news (IDLE, RFC 2177).

use std::future::Future;
use std::pin::Pin;

use super::Imap;
use super::answer::{Datum, Event};
use super::exec::{Dialogue, Reached, Stream};
use crate::clock::within;
use crate::mail::{FolderName, Idled, MailError, Step, Trouble};

const STEP: Step = Step::Idle;

/// A future of the caller's that ends the waiting.
type Stop<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl<S: Stream> Imap<S> {
    pub(super) async fn wait_for_news(&mut self, folder: &FolderName, mut stop: Stop<'_>) -> Result<Idled, MailError> {
        if !self.can.has("IDLE") {
            return Ok(Idled::Unsupported);
        }
        let selected = self.enter(folder).await?;
        // What came between the last look and here is news already: IDLE would not tell of it again.
        let looked_to = self.looked.get(&selected.wire).copied();
        if self.talk.counts.news || looked_to.is_some_and(|next| selected.uid_next > next) {
            return Ok(Idled::News);
        }
        loop {
            if let Some(why) = self.talk.idle_once(stop.as_mut()).await? {
                return Ok(why);
            }
        }
    }
}

impl<S: Stream> Dialogue<S> {
    /// One IDLE, ended with DONE and its tagged OK. `None` where its time ran out without news.
    async fn idle_once(&mut self, stop: Stop<'_>) -> Result<Option<Idled>, MailError> {
        let begun = within(self.deadlines.command, async {
            let tag = self.start(STEP, "IDLE").await?;
            match self.finish_or_more(STEP, &tag).await? {
                Reached::More(_) => Ok(tag),
                Reached::End(_) => Err(self.error(STEP, Trouble::Protocol("IDLE ended before it began".into()))),
            }
        })
        .await;
        let tag = self.in_time(STEP, begun)??;
        let why = match within(self.deadlines.idle, self.watch(stop)).await {
            Ok(watched) => Some(watched?),
            Err(_) => None,
        };
        let ended = within(self.deadlines.command, async {
            self.send(STEP, "DONE").await?;
            self.finish(STEP, &tag).await
        })
        .await;
        self.in_time(STEP, ended)??;
        Ok(why.or(self.counts.news.then_some(Idled::News)))
    }

    /// Reads until the server speaks of messages, or `stop` completes.
    async fn watch(&mut self, mut stop: Stop<'_>) -> Result<Idled, MailError> {
        loop {
            if self.counts.news {
                return Ok(Idled::News);
            }
            let event = tokio::select! {
                biased;
                () = &mut stop => return Ok(Idled::Stopped),
                event = self.read(STEP) => event?,
            };
            match event {
                Event::Datum(Datum::Expunge | Datum::Fetch(_) | Datum::Recent(1..)) => return Ok(Idled::News),
                // A count that is the same as before is a server's way to keep the connection alive, as is `* OK Still here`.
                Event::Datum(_) => {}
                Event::Bye(text) => return Err(self.error(STEP, Trouble::Closed(text))),
                Event::Done { .. } => return Err(self.error(STEP, Trouble::Protocol("IDLE ended by itself".into()))),
                Event::Continue(_) | Event::Preauth => {
                    return Err(self.error(STEP, Trouble::Protocol("something else than news in IDLE".into())));
                }
            }
        }
    }
}
