//! The body: plain text and a light HTML alternative of the same words (multipart/alternative, RFC 2046 §5.1.4).

use std::borrow::Cow;

use super::encode;
use crate::words::LetterId;

/// Longest text of a letter's own, in characters; the quote below it has a bound of its own.
const OWN_TEXT: usize = 65_536;

/// A parent's text as it is quoted: the line that says whose it is, and its lines, each with its depth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Quote {
    /// Such as `On 1 December 2026 at 09:12, Anna Lee wrote:`.
    pub attribution: String,
    /// Depth from 1, and the line without its `>`.
    pub lines: Vec<(usize, String)>,
}

/// The boundary of a letter's parts. `=_` occurs in no encoded body.
pub(super) fn boundary(letter: LetterId) -> String {
    format!("=_{letter}")
}

/// Text with LF line ends, without controls and without white space at the end of a line; at most two empty lines in a row become one.
pub(super) fn tidy(text: &str) -> String {
    let clean = clean(text);
    let mut out = String::with_capacity(clean.len());
    let mut empty = 0;
    for line in clean.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim_end().to_owned()
}

/// The text with LF line ends and spaces for tabs, without controls; mostly as it was.
fn clean(text: &str) -> Cow<'_, str> {
    let stays = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if text.len() <= OWN_TEXT && (text.split('\n').all(encode::is_printable) || text.chars().all(stays)) {
        return text.into();
    }
    let unified = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', "    ");
    unified.chars().filter(|c| stays(*c)).take(OWN_TEXT).collect::<String>().into()
}

/// The plain text: the answer on top, the quote below it.
pub(super) fn plain(own: &str, quote: Option<&Quote>) -> String {
    let mut out = format!("{own}\n");
    if let Some(quote) = quote {
        out.push('\n');
        out.push_str(&quote.attribution);
        out.push('\n');
        for (depth, line) in &quote.lines {
            let marked = format!("{}{line}", "> ".repeat(*depth));
            out.push_str(marked.trim_end());
            out.push('\n');
        }
    }
    out
}

/// The same words as HTML: paragraphs, line breaks and quotes, nothing that loads or links.
pub(super) fn html(own: &str, quote: Option<&Quote>, language: &str) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"");
    escape(language, &mut out);
    out.push_str("\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n");
    paragraphs(own.split('\n'), &mut out);
    if let Some(quote) = quote {
        paragraphs(std::iter::once(quote.attribution.as_str()), &mut out);
        let mut open = 0;
        for run in quote.lines.chunk_by(|a, b| a.0 == b.0) {
            let depth = run[0].0;
            out.push_str(&"<blockquote>\n".repeat(depth.saturating_sub(open)));
            out.push_str(&"</blockquote>\n".repeat(open.saturating_sub(depth)));
            open = depth;
            paragraphs(run.iter().map(|(_, line)| line.as_str()), &mut out);
        }
        out.push_str(&"</blockquote>\n".repeat(open));
    }
    out + "</body>\n</html>\n"
}

fn paragraphs<'a>(lines: impl Iterator<Item = &'a str>, out: &mut String) {
    let lines: Vec<&str> = lines.collect();
    for paragraph in lines.split(|line| line.trim().is_empty()).filter(|p| !p.is_empty()) {
        out.push_str("<p>");
        for (i, line) in paragraph.iter().enumerate() {
            out.push_str(if i > 0 { "<br>\n" } else { "" });
            escape(line, out);
        }
        out.push_str("</p>\n");
    }
}

fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| matches!(b, b'&' | b'<' | b'>' | b'"')) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Both parts between their boundaries, in ASCII with CRLF.
pub(super) fn alternatives(plain: &str, html: &str, boundary: &str) -> String {
    let part = |(kind, text): (&str, &str)| {
        let body = encode::body(text);
        format!(
            "--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {}\r\n\r\n{}\r\n",
            body.encoding, body.text
        )
    };
    [part(("plain", plain)), part(("html", html)), format!("--{boundary}--\r\n")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote() -> Quote {
        let lines = [(1, "Hello,"), (1, ""), (1, "is it done?"), (2, "first"), (2, "second"), (1, "after")];
        Quote { attribution: "Anna wrote:".into(), lines: lines.map(|(d, l)| (d, l.to_owned())).to_vec() }
    }

    #[test]
    fn text_is_tidied() {
        assert_eq!(tidy("\r\n a \r\nb\u{0}\u{7}\r\n\n\n\nc\td\r\n\r\n"), "a\nb\n\nc    d");
        assert_eq!(tidy(" \n "), "");
        assert_eq!(tidy(&"é".repeat(OWN_TEXT + 9)).chars().count(), OWN_TEXT);
    }

    #[test]
    fn the_answer_stands_above_the_quote() {
        let expected = "Yes.\n\nAnna wrote:\n> Hello,\n>\n> is it done?\n> > first\n> > second\n> after\n";
        assert_eq!(plain("Yes.", Some(&quote())), expected);
    }

    #[test]
    fn html_nests_quotes_and_escapes() {
        let html = html("1 < 2 & \"x\"\n<b>no</b>\n\nBye", Some(&quote()), "en\"><script>");
        assert_eq!(
            html,
            "<!DOCTYPE html>\n<html lang=\"en&quot;&gt;&lt;script&gt;\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n\
             <p>1 &lt; 2 &amp; &quot;x&quot;<br>\n&lt;b&gt;no&lt;/b&gt;</p>\n<p>Bye</p>\n<p>Anna wrote:</p>\n\
             <blockquote>\n<p>Hello,</p>\n<p>is it done?</p>\n<blockquote>\n<p>first<br>\nsecond</p>\n</blockquote>\n<p>after</p>\n</blockquote>\n\
             </body>\n</html>\n"
        );
    }
}
