//! Tests of whole messages.

mod glance;
mod hostile;
mod kinds;
mod ordinary;
mod refusals;
