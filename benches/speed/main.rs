//! How fast preheat is, and beside what: one table. `benches/run` prepares what the parts need and runs them one by one.
//!
//! A part is named on the command line, each in a process of its own, because memory is measured too. The parts take whole seconds and stand beside
//! programs in other languages, so no harness is around them.

mod agenda;
mod idle;
mod looking;
mod pool;
mod sending;
mod table;
mod year;

/// As the program itself has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let parts: [(&str, fn()); 7] = [
        ("agenda", agenda::measure),
        ("sending", sending::measure),
        ("looking", looking::measure),
        ("idle", idle::measure),
        ("year", year::measure),
        (idle::SERVERS, idle::serve),
        (agenda::ONCE, agenda::make_once),
    ];
    // Cargo adds `--bench`.
    let named = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    match parts.iter().find(|(name, _)| Some(*name) == named.as_deref()) {
        Some((_, measure)) => measure(),
        None => table::note(format!("say which part: {}", parts.map(|(name, _)| name).join(", "))),
    }
}
