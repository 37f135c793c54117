//! Tests of whole messages.

mod hostile;
mod kinds;
mod ordinary;
mod refusals;
