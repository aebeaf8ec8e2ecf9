//! Tables: the rows of `cases { }`, as they are written.
//!
//! A row is a line whose cells stand between `|`. The first names the columns; each below it is a case.

use crate::ast::{Island, Text};
use crate::token::closing_brace;
use crate::{Span, template};

/// The most cases of a test.
pub(crate) const MOST_CASES: usize = 1_000;

/// The cases of a test.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// What the columns are called.
    pub(crate) columns: Vec<Text>,
    /// The cases. Each has a cell for each column.
    pub(crate) rows: Vec<Row>,
}

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) span: Span,
    pub(crate) cells: Vec<Cell>,
}

/// A value in a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) span: Span,
    pub(crate) value: CellValue,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CellValue {
    Text(String),
    Number(i64),
    Truth(bool),
    Island(Island),
}

impl Cell {
    /// What a cell says: a number, `true` or `false`, an island, or a text, which needs no quotes.
    pub(crate) fn read(text: &Text) -> Self {
        let bare = text.text.as_str();
        let value = match bare {
            "true" => CellValue::Truth(true),
            "false" => CellValue::Truth(false),
            _ if bare.starts_with("${") => match template::parts(text).as_slice() {
                [template::Part::Island(island)] => CellValue::Island(island.clone()),
                _ => CellValue::Text(bare.to_owned()),
            },
            _ => {
                let unquoted = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let text = || CellValue::Text(unquoted.unwrap_or(bare).to_owned());
                bare.parse().map_or_else(|_| text(), CellValue::Number)
            }
        };
        Self { span: text.span, value }
    }
}

/// The row that a text begins with: up to the end of its line, or to a `}`, `;` or `#` that is in no quotes and no island
/// and, but for `;`, stands by itself.
pub(crate) fn row(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    let mut end = line.len();
    let mut blank = true;
    for (at, char) in Walk::new(line) {
        if char == ';' || blank && matches!(char, '}' | '#') {
            end = at;
            break;
        }
        blank = char.is_whitespace();
    }
    line[..end].trim_end()
}

/// The cells of a row, without the blanks around them.
pub(crate) fn cells(row: &Text) -> Vec<Text> {
    let mut bars: Vec<_> = Walk::new(&row.text).filter(|(_, char)| *char == '|').map(|(at, _)| at).collect();
    bars.push(row.text.len());
    let mut from = 0;
    let mut cells = Vec::with_capacity(bars.len());
    for bar in bars {
        let cell = &row.text[from..bar];
        let start = row.span.start as usize + from + (cell.len() - cell.trim_start().len());
        let cell = cell.trim();
        // An empty cell has a place, too.
        let end = (start + cell.len()).max(row.span.start as usize + from);
        cells.push(Text { span: Span::new(row.span.file, start.min(end), end), text: cell.to_owned() });
        from = bar + 1;
    }
    cells
}

/// The characters of a row that are in no quotes and no island.
struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Walk<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.text[self.at..];
            let char = rest.chars().next()?;
            let at = self.at;
            let inside = if let Some(island) = rest.strip_prefix("${") {
                closing_brace(island).map(|end| end + 3)
            } else if char == '"' {
                rest[1..].find('"').map(|end| end + 2)
            } else {
                None
            };
            if let Some(length) = inside {
                self.at += length;
                continue;
            }
            self.at += char.len_utf8();
            return Some((at, char));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    #[test]
    fn a_row_ends_where_a_sentence_would() {
        assert_eq!(row("a | b  # c\nd"), "a | b");
        assert_eq!(row("a | ${ #{x: 1}.x } } wait"), "a | ${ #{x: 1}.x }");
        assert_eq!(row("\"a; # }\" | b; c"), "\"a; # }\" | b");
        assert_eq!(row("a/#frag | b}"), "a/#frag | b}");
    }

    #[test]
    fn cells_have_places_and_values() {
        let text = "client | ${ a | b } | 80 || \"x | y\"";
        let row = Text { span: Span::new(FileId(0), 0, text.len()), text: text.to_owned() };
        let cells = cells(&row);
        assert_eq!(
            cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>(),
            ["client", "${ a | b }", "80", "", "\"x | y\""]
        );
        for cell in &cells {
            assert_eq!(&text[cell.span.range()], cell.text);
        }
        assert_eq!(Cell::read(&cells[2]).value, CellValue::Number(80));
        assert_eq!(Cell::read(&cells[4]).value, CellValue::Text("x | y".to_owned()));
        assert!(matches!(Cell::read(&cells[1]).value, CellValue::Island(_)));
    }
}
