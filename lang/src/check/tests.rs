//! Tests: what is said of them, their tables, and what stands in them.

use super::Checker;
use super::commands::Known;
use crate::api::Type;
use crate::ast::{Block, Island, Statement, StatementKind, TestClause, Text};
use crate::lower::IslandValue;
use netscene_core::map::IndexMap;

use crate::table::{self, Cell, CellValue, MOST_CASES, Row, Table};
use crate::template;
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Label, Span};

/// The cells of the case that a test is checked with.
#[derive(Clone, Default)]
pub(super) struct Case {
    /// The values that are known before it runs, by column.
    values: IndexMap<String, (IslandValue, Span)>,
    /// The islands that were given such a value, and the cells they came from.
    used: Vec<(Span, Span)>,
}

impl Case {
    /// The value of an island that is the name of a column and nothing else.
    pub(super) fn value(&mut self, island: &Island) -> Option<IslandValue> {
        let (value, cell) = self.values.get(island.text.trim())?;
        self.used.push((island.span, *cell));
        Some(value.clone())
    }
}

impl Checker<'_> {
    pub(super) fn test(&mut self, name: &Text, clauses: &[TestClause], body: &Block, known: &Known) {
        self.test_clauses(clauses);
        // A test has the flows sent above it, and keeps its own to itself.
        let mut known = known.clone();
        known.in_test = true;
        let addresses = self.addresses.len();
        let table = self.table(body, &known);
        let columns = table.iter().flat_map(|table| table.columns.iter().zip(types(table)));
        known.variables.extend(columns.map(|(column, of)| (column.text.clone(), of)));
        for island in template::islands(name) {
            self.island(&island, &known);
        }
        let rest = if table.is_some() { &body.statements[1..] } else { &body.statements[..] };
        self.statements(rest, &mut known.clone());
        for row in table.iter().flat_map(|table| &table.rows) {
            self.addresses.truncate(addresses);
            self.case(table.as_ref().map_or(&[], |table| &table.columns), row, rest, &known);
        }
        self.addresses.truncate(addresses);
    }

    /// Checks a test with the cells of a case. Only what the cells are to blame for is told: all else has been.
    fn case(&mut self, columns: &[Text], row: &Row, statements: &[Statement], known: &Known) {
        let mut known = known.clone();
        for (column, cell) in columns.iter().zip(&row.cells) {
            let value = match &cell.value {
                CellValue::Text(text) => IslandValue::Text(text.clone()),
                CellValue::Number(number) => IslandValue::Number(*number),
                CellValue::Truth(_) | CellValue::Island(_) => continue,
            };
            known.case.values.insert(column.text.clone(), (value, cell.span));
        }
        if known.case.values.is_empty() {
            return;
        }
        let told = std::mem::take(&mut self.diagnostics);
        self.statements(statements, &mut known);
        let found = std::mem::replace(&mut self.diagnostics, told);
        for mut diagnostic in found {
            let Some(label) = diagnostic.labels.iter_mut().find(|label| label.primary) else { continue };
            let Some((island, cell)) = known.case.used.iter().find(|(island, _)| *island == label.span) else {
                continue;
            };
            label.span = *cell;
            diagnostic.labels.push(Label { span: *island, text: "here it stands for this".to_owned(), primary: false });
            if !self.diagnostics.contains(&diagnostic) {
                self.report(diagnostic);
            }
        }
    }

    fn test_clauses(&mut self, clauses: &[TestClause]) {
        let mut given: [Option<Span>; 3] = [None; 3];
        for clause in clauses {
            let (place, what, span) = match clause {
                TestClause::Tags(tags) => {
                    for (at, tag) in tags.iter().enumerate() {
                        if tags[..at].iter().any(|other| other.text == tag.text) {
                            let title = format!("the test has the tag `{}` already", tag.text);
                            self.report(Diagnostic::error(Code::Duplicate, title).at(tag.span, "given again here"));
                        }
                    }
                    (0, "tags", tags.first().map_or(Span::default(), |tag| tag.span))
                }
                TestClause::Skip(why) => (1, "skip", why.span),
                TestClause::Fails(why) => (2, "fails", why.span),
            };
            if let TestClause::Skip(why) | TestClause::Fails(why) = clause
                && why.text.trim().is_empty()
            {
                let diagnostic = Diagnostic::error(Code::Missing, format!("`{what}` gives no reason"));
                self.report(diagnostic.at(why.span, "expected why, in a few words"));
            }
            if let Some(first) = given[place].replace(span) {
                let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{what}` is given twice"));
                self.report(diagnostic.at(span, "given again here").see(first, "first given here"));
            }
        }
    }

    /// The table that a test begins with.
    fn table(&mut self, body: &Block, known: &Known) -> Option<Table> {
        let first = body.statements.first()?;
        let StatementKind::Cases(rows) = &first.kind else { return None };
        let mut read = Vec::new();
        for row in &rows.statements {
            match &row.kind {
                StatementKind::Row(text) => read.push((row.span, table::cells(text))),
                StatementKind::Faulty(_) => {}
                _ => self.misplaced(row, BlockKind::Cases),
            }
        }
        let mut read = read.into_iter();
        let Some((_, columns)) = read.next() else {
            let diagnostic = Diagnostic::error(Code::Missing, "the table has no columns");
            self.report(diagnostic.at(rows.span, "expected their names, with `|` between them"));
            return None;
        };
        self.columns(&columns, known);
        let mut table = Table { columns, rows: Vec::new() };
        for (span, cells) in read {
            if self.cells_fit(&table.columns, span, &cells) {
                let cells: Vec<_> = cells.iter().map(Cell::read).collect();
                for cell in &cells {
                    if let CellValue::Island(island) = &cell.value {
                        self.island(island, known);
                    }
                }
                table.rows.push(Row { span, cells });
            }
        }
        if rows.statements.len() == 1 {
            let diagnostic = Diagnostic::error(Code::Missing, "the table has no cases");
            self.report(diagnostic.at(rows.span, "expected a row of values below the names of the columns"));
        }
        if let Some(row) = table.rows.get(MOST_CASES) {
            let diagnostic = Diagnostic::error(Code::TooMuch, format!("a test has at most {MOST_CASES} cases"));
            self.report(diagnostic.at(row.span, "this is one too many"));
        }
        self.tables.insert(first.span, table.clone());
        Some(table)
    }

    fn columns(&mut self, columns: &[Text], known: &Known) {
        for (at, column) in columns.iter().enumerate() {
            if !rhai::is_valid_identifier(&column.text) {
                let title = format!("`{}` cannot be the name of a column", column.text);
                let label = "expected letters, digits and `_`: the column is a variable in the test";
                self.report(Diagnostic::error(Code::BadValue, title).at(column.span, label));
            } else if let Some(first) = columns[..at].iter().find(|other| other.text == column.text) {
                let diagnostic = Diagnostic::error(Code::Duplicate, format!("there are two columns `{}`", column.text));
                self.report(diagnostic.at(column.span, "given again here").see(first.span, "first given here"));
            } else if known.variables.contains_key(&column.text) {
                let title = format!("`{}` is a variable already", column.text);
                self.report(
                    Diagnostic::error(Code::Duplicate, title).at(column.span, "call the column something else"),
                );
            }
        }
    }

    /// Whether a row has a cell for each column, and something in each.
    fn cells_fit(&mut self, columns: &[Text], row: Span, cells: &[Text]) -> bool {
        if let Some(more) = cells.get(columns.len()) {
            let title = format!("the row has {} cells, and the table {} columns", cells.len(), columns.len());
            self.report(Diagnostic::error(Code::BadValue, title).at(more.span, "no column is above this"));
            return false;
        }
        if let Some(missing) = columns.get(cells.len()) {
            let title = format!("the row has no cell for `{}`", missing.text);
            let end = Span { start: row.end.saturating_sub(1), ..row };
            let diagnostic = Diagnostic::error(Code::Missing, title).at(end, "expected `|` and a value");
            self.report(diagnostic.see(missing.span, "the column"));
            return false;
        }
        let mut fit = true;
        for (cell, column) in cells.iter().zip(columns).filter(|(cell, _)| cell.text.is_empty()) {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the cell for `{}` is empty", column.text));
            self.report(diagnostic.at(cell.span, "expected a value; a text without letters is `\"\"`"));
            fit = false;
        }
        fit
    }

    /// A table that is not the first of a test.
    pub(super) fn misplaced_table(&mut self, statement: &Statement, known: &Known) {
        if !known.in_test {
            return self.misplaced(statement, BlockKind::File);
        }
        let word = Span { end: statement.span.start + 5, ..statement.span };
        let diagnostic = Diagnostic::error(Code::Misplaced, "`cases` comes first in a test, and once");
        self.report(diagnostic.at(word, "something stands above it"));
    }

    /// A test in a test.
    pub(super) fn nested_test(&mut self, name: &Text) {
        let diagnostic = Diagnostic::error(Code::Misplaced, "a test cannot stand in another one");
        self.report(diagnostic.at(name.span, "each test begins from the world as declared above it"));
    }
}

/// What the cells of each column have in common.
fn types(table: &Table) -> Vec<Type> {
    let of = |cell: &Cell| match cell.value {
        CellValue::Text(_) => Type::Text,
        CellValue::Number(_) => Type::Number,
        CellValue::Truth(_) => Type::Truth,
        CellValue::Island(_) => Type::Any,
    };
    let column = |at: usize| {
        let mut cells = table.rows.iter().filter_map(|row| row.cells.get(at)).map(of);
        let first = cells.next().unwrap_or(Type::Any);
        if cells.all(|other| other == first) { first } else { Type::Any }
    };
    (0..table.columns.len()).map(column).collect()
}
