//! A file as lines of pieces, and back.

use crate::Word;
use crate::sentences::{Spanned, opened_by};
use crate::token::Token;
use crate::words::BlockKind;

/// A line of a file.
#[derive(Debug, Default)]
pub(super) struct Line<'s> {
    pub(super) pieces: Vec<Piece<'s>>,
    /// The remark on it, and the column in which it stood.
    pub(super) remark: Option<(usize, &'s str)>,
    /// How many braces are open where it begins, without those that it closes first.
    pub(super) depth: usize,
    /// The block that it begins in.
    pub(super) block: BlockKind,
    /// Whether braces are open at its end that were not at its beginning.
    pub(super) opens: bool,
    /// Whether it closes a brace of a line before.
    pub(super) closes: bool,
}

/// A token on a line.
#[derive(Debug)]
pub(super) struct Piece<'s> {
    pub(super) text: &'s str,
    pub(super) form: Form,
    /// The column in which it has to begin at least.
    pub(super) column: usize,
}

/// What a piece is, as far as the form of its line is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Word(Word),
    /// A name, an address, an island: whatever stands for something.
    Value,
    Open,
    Close,
    /// What has no blank before it: `,`, `;`, `:80`.
    Attached,
    Semicolon,
    Sign,
    /// What goes to the end of its line, or over several.
    Raw,
}

impl Line<'_> {
    /// Whether nothing stands on it.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.remark.is_none()
    }

    /// The word that it begins with.
    pub(super) fn head(&self) -> Option<Word> {
        match self.pieces.first()?.form {
            Form::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The columns in which its pieces begin and end.
    pub(super) fn columns(&self) -> Vec<(usize, usize)> {
        let mut at = 2 * self.depth;
        let mut columns = Vec::with_capacity(self.pieces.len());
        for (number, piece) in self.pieces.iter().enumerate() {
            let blank = number > 0 && !matches!(piece.form, Form::Attached | Form::Semicolon);
            let start = (at + usize::from(blank)).max(piece.column);
            at = match piece.text.rsplit_once('\n') {
                Some((_, last)) => width(last),
                None => start + width(piece.text),
            };
            columns.push((start, at));
        }
        columns
    }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Takes a file apart. `tokens` are those of `text`.
pub(super) fn read<'s>(text: &'s str, tokens: &[Spanned<'s>]) -> Vec<Line<'s>> {
    let mut reader = Reader { text, lines: vec![Line::default()], open: Vec::new(), head: None, at_head: true };
    let mut end = 0;
    for (start, token, stop) in tokens {
        // The end of a sentence, and a brace that is missing, are no text.
        if start == stop {
            continue;
        }
        reader.gap(end, *start);
        reader.token(token, text.get(*start..*stop).unwrap_or_default());
        end = *stop;
    }
    reader.gap(end, text.len());
    reader.lines
}

struct Reader<'s> {
    text: &'s str,
    lines: Vec<Line<'s>>,
    /// The blocks that are open.
    open: Vec<BlockKind>,
    /// The word that began the sentence.
    head: Option<Word>,
    at_head: bool,
}

impl<'s> Reader<'s> {
    fn line(&mut self) -> &mut Line<'s> {
        if self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    /// What stands between two tokens: blanks, ends of lines, `;` and remarks.
    fn gap(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(rest) = self.text.get(at..end).filter(|rest| !rest.is_empty()) {
            if let Some(remark) = rest.strip_prefix('#') {
                let length = 1 + remark.find('\n').unwrap_or(remark.len());
                let line_start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                let column = width(&self.text[line_start..at]);
                self.line().remark = Some((column, rest[..length].trim_end()));
                at += length;
                continue;
            }
            if rest.starts_with('\n') {
                self.end_line();
            } else if rest.starts_with(';') {
                self.at_head = true;
                self.push(Form::Semicolon, ";");
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }

    fn end_line(&mut self) {
        // A brace may stand on the line below its sentence: the word is kept until the next sentence begins.
        self.at_head = true;
        let (depth, block) = (self.open.len(), self.block());
        self.lines.push(Line { depth, block, ..Line::default() });
    }

    fn block(&self) -> BlockKind {
        self.open.last().copied().unwrap_or_default()
    }

    fn push(&mut self, form: Form, text: &'s str) {
        self.line().pieces.push(Piece { text, form, column: 0 });
    }

    fn token(&mut self, token: &Token<'_>, text: &'s str) {
        let form = match token {
            Token::Word(word) => {
                if self.at_head || *word == Word::Else {
                    self.head = Some(if *word == Word::Else { Word::If } else { *word });
                }
                Form::Word(*word)
            }
            Token::Open => Form::Open,
            Token::Close => Form::Close,
            Token::Comma | Token::ColonPort(_) => Form::Attached,
            Token::Arrow | Token::Becomes => Form::Sign,
            Token::Command(_)
            | Token::Look(_)
            | Token::Tool(_)
            | Token::Script(_)
            | Token::TextBlock(_)
            | Token::Row(_) => Form::Raw,
            _ => Form::Value,
        };
        self.at_head = false;
        match form {
            Form::Open => {
                let outer = self.block();
                self.open.push(self.head.map_or(BlockKind::Unknown, |head| opened_by(head, outer)));
                self.at_head = true;
            }
            Form::Close => {
                self.open.pop();
                let depth = self.open.len();
                let line = self.line();
                if line.pieces.iter().all(|piece| matches!(piece.form, Form::Close | Form::Semicolon)) {
                    line.depth = line.depth.min(depth);
                }
                self.at_head = true;
            }
            _ => {}
        }
        self.push(form, text);
    }
}

/// Takes away what says nothing, and finds out what each line does to the braces.
fn tidy(lines: &mut [Line<'_>]) {
    for line in lines {
        let mut kept: Vec<Piece<'_>> = Vec::with_capacity(line.pieces.len());
        for piece in line.pieces.drain(..) {
            let before = kept.last().map(|last| last.form);
            let needless = matches!(before, None | Some(Form::Semicolon | Form::Open));
            if piece.form == Form::Semicolon && needless {
                continue;
            }
            if piece.form == Form::Close && before == Some(Form::Semicolon) {
                kept.pop();
            }
            kept.push(piece);
        }
        if kept.last().is_some_and(|last| last.form == Form::Semicolon) {
            kept.pop();
        }
        line.pieces = kept;
        let mut open = 0_usize;
        for piece in &line.pieces {
            match piece.form {
                Form::Open => open += 1,
                Form::Close if open == 0 => line.closes = true,
                Form::Close => open -= 1,
                _ => {}
            }
        }
        line.opens = open > 0;
    }
}

/// Leaves of several empty lines one, and none where a block or the file begins or ends.
fn close_up(lines: &mut Vec<Line<'_>>) {
    let mut kept: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    for line in lines.drain(..) {
        let begins = kept.last().is_none_or(|last| last.is_empty() || last.opens);
        if line.is_empty() && begins {
            continue;
        }
        if line.closes && kept.last().is_some_and(Line::is_empty) {
            kept.pop();
        }
        kept.push(line);
    }
    while kept.last().is_some_and(Line::is_empty) {
        kept.pop();
    }
    *lines = kept;
}

/// Puts the lines together.
pub(super) fn write(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    for line in lines {
        let mut at = 0;
        for (piece, (start, end)) in line.pieces.iter().zip(line.columns()) {
            text.extend(std::iter::repeat_n(' ', start.saturating_sub(at)));
            text.push_str(piece.text);
            at = end;
        }
        if let Some((column, remark)) = line.remark {
            let column = if line.pieces.is_empty() { 2 * line.depth } else { column.max(at + 1) };
            text.extend(std::iter::repeat_n(' ', column.saturating_sub(at)));
            text.push_str(remark);
        }
        text.push('\n');
    }
    text
}

/// Everything that can be done to a line without looking at its neighbours' columns.
pub(super) fn clean(lines: &mut Vec<Line<'_>>) {
    tidy(lines);
    close_up(lines);
}
