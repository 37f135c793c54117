//! What is said of a panic: that it happened, and where. Its own words may hold what a server sent, or a secret.

use std::panic::PanicHookInfo;

use super::printer::Printer;
use crate::mail::imap::is_panic_caught_here;

/// From now on, a panic is told in one plain sentence; one that is caught and made an error of is not told at all.
pub fn tell_plainly(printer: Printer) {
    std::panic::set_hook(Box::new(move |info| {
        if let Some(text) = sentence(info, is_panic_caught_here()) {
            printer.error(text);
        }
    }));
}

fn sentence(info: &PanicHookInfo<'_>, caught: bool) -> Option<String> {
    let at = info.location().map_or_else(|| "place unknown".to_owned(), |l| format!("{}:{}", short(l.file()), l.line()));
    (!caught).then(|| {
        format!(
            "error: a part of preheat failed in a way that it should not ({at})\n\n\
             hint: what was on its way is found out by the next run; please report it, with this place and preheat's version {}",
            env!("CARGO_PKG_VERSION")
        )
    })
}

/// A source file from its crate's folder on: where that lies on the machine that built preheat helps nobody.
fn short(file: &str) -> &str {
    let Some(src) = file.rfind("/src/").or_else(|| file.rfind("\\src\\")) else { return file };
    let folder = file.get(..src).and_then(|before| before.rfind(['/', '\\'])).map_or(0, |i| i + 1);
    file.get(folder..).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place_and_without_its_words() {
        let said: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let (this, heard) = (std::thread::current().id(), said.clone());
        let before = std::panic::take_hook();
        // Other tests of this process panic to theirs.
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == this {
                let both = [false, true].map(|caught| sentence(info, caught));
                heard.lock().unwrap_or_else(PoisonError::into_inner).extend(both);
            } else {
                before(info);
            }
        }));
        let line = line!() + 1;
        let _ = std::panic::catch_unwind(|| panic!("hunter2 stood here"));
        let _ = std::panic::take_hook();

        let said = said.lock().unwrap();
        let text = said[0].as_deref().unwrap();
        assert!(
            text.starts_with(&format!("error: a part of preheat failed in a way that it should not (src/cli/panic.rs:{line})\n\nhint: ")),
            "{text}"
        );
        assert!(text.contains("please report it") && !text.contains("hunter2"), "{text}");
        assert_eq!((said[1].as_deref(), said.len()), (None, 2), "a caught one is not told");
    }

    #[test]
    fn a_place_begins_with_its_crate() {
        for (file, want) in [
            ("src/run/looking.rs", "src/run/looking.rs"),
            ("/home/me/.cargo/registry/src/index-1/imap-proto-0.16.5/src/parser/mod.rs", "imap-proto-0.16.5/src/parser/mod.rs"),
            ("/rustc/abc/library/core/src/option.rs", "core/src/option.rs"),
            ("build.rs", "build.rs"),
        ] {
            assert_eq!(short(file), want);
        }
    }
}
