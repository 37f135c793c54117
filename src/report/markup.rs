//! Text for XML and HTML.

/// Text that stands for itself in an element or in a quoted attribute, of HTML as of XML; controls, which XML forbids, become spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Escaped text whose parts between backticks are commands.
pub(super) fn with_code(text: &str) -> String {
    let part = |(n, part): (usize, &str)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() };
    text.split('`').enumerate().map(part).collect()
}

/// At most so many characters; what is longer ends in `…`.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
pub(super) mod checks {
    /// What is wrong with the nesting of tags, if anything; for markup without comments that is written as XML is.
    pub(in crate::report) fn unbalanced(markup: &str) -> Option<String> {
        const VOID: [&str; 3] = ["meta", "br", "hr"];
        let mut open: Vec<String> = Vec::new();
        let mut rest = markup;
        while let Some(at) = rest.find('<') {
            if rest[..at].contains('>') && !open.iter().any(|t| t == "style") {
                return Some(format!("a bare > in {:?}", &rest[..at]));
            }
            let Some(end) = rest[at..].find('>') else { return Some("a < without its >".into()) };
            let tag = &rest[at + 1..at + end];
            rest = &rest[at + end + 1..];
            if tag.matches('"').count() % 2 == 1 || tag.contains('<') {
                return Some(format!("a broken attribute in <{tag}>"));
            }
            let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name.as_str()) {
                continue;
            }
            if !tag.starts_with('/') {
                open.push(name);
            } else if open.pop().as_ref() != Some(&name) {
                return Some(format!("</{name}> closes nothing"));
            }
        }
        open.pop().map(|name| format!("<{name}> is not closed"))
    }

    #[test]
    fn the_checker_sees_what_is_broken() {
        assert_eq!(unbalanced("<!doctype html><a b=\"c\"><d/>text</a>"), None);
        for bad in ["<a>", "<a></b>", "</a>", "<a b=\"></a>", "<a", "<a><b></a></b>"] {
            assert!(unbalanced(bad).is_some(), "{bad}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("<script>alert('x')</script> & \"y\"\u{1b}[31m"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot; [31m"
        );
        assert_eq!(escaped("é 日本 🙂"), "é 日本 🙂");
    }

    #[test]
    fn what_stands_between_backticks_is_a_command() {
        assert_eq!(with_code("say `a b`, or `c`."), "say <code>a b</code>, or <code>c</code>.");
        assert_eq!(with_code("plain"), "plain");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(cut("日本語のドメイン", 4), "日本語…");
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("four", 0), "…");
    }
}
