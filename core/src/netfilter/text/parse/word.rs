//! Splitting a line into words, as `iptables-restore` does (`add_param_to_argv` in `xshared.c`), with single quotes too.

use std::borrow::Cow;
use std::ops::Range;

use super::super::TextError;

/// One word of a line, without its quotes.
#[derive(Clone, Debug)]
pub(in super::super) struct Word<'a> {
    pub(in super::super) text: Cow<'a, str>,
    /// Where it stands, quotes included.
    pub(in super::super) span: Range<usize>,
}

/// The words of `text`.
pub(in super::super) fn split(text: &str) -> Result<Vec<Word<'_>>, TextError> {
    let mut words = Vec::with_capacity(24);
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        while at < bytes.len() && bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        if at == bytes.len() {
            return Ok(words);
        }
        let start = at;
        while at < bytes.len() && !bytes[at].is_ascii_whitespace() && !matches!(bytes[at], b'"' | b'\'') {
            at += 1;
        }
        let plain_end = at == bytes.len() || bytes[at].is_ascii_whitespace();
        let word = if plain_end {
            Cow::Borrowed(&text[start..at])
        } else if let Some(inside) = wholly_quoted(&text[start..]) {
            at = start + inside.len() + 2;
            Cow::Borrowed(inside)
        } else {
            Cow::Owned(quoted(text, start, &mut at)?)
        };
        words.push(Word { text: word, span: start..at });
    }
}

/// What is between double quotes, if the next word is that and has no backslash: nearly every comment.
fn wholly_quoted(text: &str) -> Option<&str> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!inside.contains('\\') && rest.bytes().next().is_none_or(|next| next.is_ascii_whitespace())).then_some(inside)
}

/// The rest of a word with quotes in it. Inside double quotes a backslash makes the next character plain.
fn quoted(text: &str, start: usize, at: &mut usize) -> Result<String, TextError> {
    let mut word = text[start..*at].to_owned();
    let mut open: Option<(char, usize)> = None;
    let mut letters = text[*at..].char_indices();
    let offset = *at;
    while let Some((i, letter)) = letters.next() {
        match open {
            None if letter.is_ascii_whitespace() => {
                *at = offset + i;
                return Ok(word);
            }
            None if matches!(letter, '"' | '\'') => open = Some((letter, offset + i)),
            Some((quote, _)) if quote == letter => open = None,
            Some(('"', _)) if letter == '\\' => word.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => word.push(letter),
        }
    }
    *at = text.len();
    match open {
        None => Ok(word),
        Some((quote, from)) => Err(TextError::new(from..text.len(), format!("this {quote} is never closed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let words = split(text).unwrap();
        assert_eq!(words.iter().map(|word| word.text.as_ref()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn words_are_split_at_blanks_outside_quotes() {
        check("  -A  X\t-j Y ", &["-A", "X", "-j", "Y"]);
        check(r#"--comment "a b" -j Y"#, &["--comment", "a b", "-j", "Y"]);
        check(r#"--comment "a \"b\" \\ \'c\'""#, &["--comment", r#"a "b" \ 'c'"#]);
        check(r#"--comment 'a "b"' x"#, &["--comment", r#"a "b""#, "x"]);
        check(r#"pre"fix and"post"#, &["prefix andpost"]);
        check(r#""""#, &[""]);
    }

    #[test]
    fn an_open_quote_is_pointed_at() {
        let error = split(r#"-m comment --comment "never"#).unwrap_err();
        assert_eq!(error.span, 21..27);
    }
}
