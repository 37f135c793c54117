//! The `preheat` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(preheat::cli::main())
}
