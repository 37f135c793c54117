//! What a test broke, how often, and what became of it: lines that `tests/run` gathers into one table at its end.

/// One row: a fault, how often it struck, and what was true afterwards. Rows with the same words on both sides are added up.
#[expect(clippy::print_stdout, reason = "tests/run reads it")]
pub fn tally(fault: &str, times: u64, outcome: &str) {
    println!("tally: {fault}; {times}; {outcome}");
}
