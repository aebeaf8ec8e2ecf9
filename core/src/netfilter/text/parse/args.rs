//! The words of a command, option by option.

use std::ops::Range;

use super::super::TextError;
use super::value;
use super::word::Word;
use crate::netfilter::{Negatable, PortRange};

type Result<T> = std::result::Result<T, TextError>;

/// The words of a command, read from left to right.
pub(super) struct Args<'a> {
    /// The text that the words stand in.
    source: &'a str,
    words: &'a [Word<'a>],
    /// The first word of the option being read: its `!`, if it has one.
    from: usize,
    /// The word to be read next.
    at: usize,
    /// The option being read, as written.
    option: &'a str,
    /// What stands behind the `=` of `--option=value` or the letter of `-jACCEPT`.
    attached: Option<Word<'a>>,
    /// Where the `!` before the option stands.
    negated: Option<Range<usize>>,
}

impl<'a> Args<'a> {
    /// Before the first option of a text; a leading word `iptables` is passed over.
    pub(super) fn new(words: &'a [Word<'a>], source: &'a str) -> Self {
        const NAMES: [&str; 3] = ["iptables", "iptables-legacy", "iptables-nft"];
        let named = words.first().is_some_and(|first| NAMES.contains(&first.text.as_ref()));
        let at = usize::from(named);
        Self { source, words, from: at, at, option: "", attached: None, negated: None }
    }

    /// Goes to the next option. `false` at the end.
    pub(super) fn next_option(&mut self) -> Result<bool> {
        if let Some(bang) = &self.negated {
            return Err(TextError::new(bang.clone(), format!("`!` cannot stand before `{}`", self.option)));
        }
        let Some(mut word) = self.words.get(self.at) else { return Ok(false) };
        self.from = self.at;
        if word.text == "!" {
            let bang = word.span.clone();
            self.at += 1;
            word = self.words.get(self.at).ok_or_else(|| TextError::new(bang.clone(), "`!` stands before nothing"))?;
            self.negated = Some(bang);
        }
        self.at += 1;
        let text: &'a str = word.text.as_ref();
        self.attached = None;
        if let Some((name, value)) = text.split_once('=').filter(|_| text.starts_with("--")) {
            self.option = name;
            self.attached = Some(Word { text: value.into(), span: word.span.clone() });
        } else if let Some(value) = text.get(2..).filter(|value| !value.is_empty() && is_short(text)) {
            self.option = &text[..2];
            self.attached = Some(Word { text: value.into(), span: word.span.clone() });
        } else if text.len() > 1 && text.starts_with('-') {
            self.option = text;
        } else {
            let error = TextError::new(word.span.clone(), format!("`{text}` is not an option, and no option takes it"));
            return Err(if text == "!" { error.hint("one `!` is enough") } else { error });
        }
        Ok(true)
    }

    /// The option being read, as written.
    pub(super) const fn name(&self) -> &'a str {
        self.option
    }

    /// Where the option being read, or the value last read, stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.words.get(self.at.saturating_sub(1)).map_or(self.source.len()..self.source.len(), |word| word.span.clone())
    }

    /// The words of the option being read, by place: with its `!`, up to the value last read.
    pub(super) fn words_read(&self) -> Range<usize> {
        self.from..self.at
    }

    /// Adds words to `text` as they are written, with a blank before each.
    pub(super) fn copy(&self, words: Range<usize>, text: &mut String) {
        for word in self.words.get(words).unwrap_or_default() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&self.source[word.span.clone()]);
        }
    }

    /// Passes over whatever may be values of an option that the model does not know.
    pub(super) fn skip_values(&mut self) {
        (self.attached, self.negated) = (None, None);
        while let Some(word) = self.words.get(self.at) {
            if !self.is_quoted(word) && (word.text.starts_with('-') || word.text == "!") {
                break;
            }
            self.at += 1;
        }
    }

    /// In quotes a value may begin with a dash, or be `!`.
    fn is_quoted(&self, word: &Word<'_>) -> bool {
        self.source[word.span.clone()].starts_with(['"', '\''])
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> TextError {
        TextError::new(self.span(), problem)
    }

    /// The next word, as the option's value; `what` says what it should be.
    pub(super) fn value(&mut self, what: &str) -> Result<Word<'a>> {
        if let Some(attached) = self.attached.take() {
            return Ok(attached);
        }
        let Some(word) = self.words.get(self.at) else {
            return Err(self.error(format!("`{}` needs {what}", self.option)));
        };
        if word.text == "!" && !self.is_quoted(word) {
            // Until 1.4.3 the `!` stood behind the option.
            let hint = format!("write the `!` before `{}`", self.option);
            return Err(TextError::new(word.span.clone(), "`!` stands behind its option").hint(hint));
        }
        self.at += 1;
        Ok(word.borrowed())
    }

    /// `value` with the `!` that stood before the option.
    pub(super) fn negatable<T>(&mut self, value: T) -> Negatable<T> {
        Negatable { value, negated: self.negated.take().is_some() }
    }

    /// Sees to it that no `!` stands before the option. Always `true`, so that it can set a flag.
    pub(super) fn plain(&self) -> Result<bool> {
        match &self.negated {
            None => Ok(true),
            Some(bang) => Err(TextError::new(bang.clone(), format!("`!` cannot stand before `{}`", self.option))),
        }
    }

    /// Ports, with the `!` that stood before the option.
    pub(super) fn ports(&mut self) -> Result<Negatable<PortRange>> {
        let negated = self.negatable(()).negated;
        Ok(Negatable { value: value::ports(&self.value("a port")?)?, negated })
    }

    /// The next word if it cannot be an option.
    pub(super) fn operand(&mut self) -> Option<Word<'a>> {
        let word = self.attached.take().or_else(|| self.words.get(self.at).map(Word::borrowed))?;
        if word.text.starts_with('-') || word.text == "!" {
            return None;
        }
        if self.words.get(self.at).is_some_and(|next| next.span == word.span) {
            self.at += 1;
        }
        Some(word)
    }
}

impl<'a> Word<'a> {
    /// The same word, its text being this one's.
    fn borrowed(&'a self) -> Self {
        Self { text: self.text.as_ref().into(), span: self.span.clone() }
    }

    /// The text, cut to at most `length` bytes.
    pub(super) fn cut(&self, length: usize) -> &str {
        &self.text[..self.text.floor_char_boundary(length)]
    }
}

/// Whether a word is a short option with its value behind it, such as `-jACCEPT`.
fn is_short(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next() == Some(b'-') && letters.next().is_some_and(|letter| b"tAIRDCNXFZPpsdiojgm".contains(&letter))
}
