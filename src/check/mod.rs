//! `check`: does everything work before anything is sent? Each answer is a finding with the step that failed and what to do.

mod access;
mod pool;

pub use access::{MailboxCheck, check_mailbox};
pub use pool::check_pool;
