//! Columns as Go's `text/tabwriter` makes them: kubectl and calicoctl print all their tables with it.

/// How columns are made.
#[derive(Clone, Copy, Debug)]
pub struct TabWriter {
    /// The least width of a column, in characters.
    pub min_width: usize,
    /// Blanks behind the widest cell of a column.
    pub padding: usize,
}

/// A line's cells: those before a tab, and what stands behind the last one.
type Cells<'a> = Vec<&'a str>;

impl TabWriter {
    /// Aligns the cells of `text`, each of which a tab ends. What stands behind a line's last tab is in no column. A
    /// column is a run of lines that have a cell in it: a line without ends it.
    ///
    /// ```
    /// use netscene_core::view::tabwriter::TabWriter;
    /// let describe = TabWriter { min_width: 0, padding: 2 };
    /// assert_eq!(describe.align("Name:\tweb\nNamespace:\tdefault\n\nData\n"), "Name:       web\nNamespace:  default\n\nData\n");
    /// ```
    pub fn align(self, text: &str) -> String {
        let lines: Vec<Cells<'_>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
        let mut out = String::new();
        self.format(&mut out, &lines, &mut Vec::new());
        // Of the last newline there is an empty line left.
        out.pop();
        out
    }

    fn format(self, out: &mut String, lines: &[Cells<'_>], widths: &mut Vec<usize>) {
        let column = widths.len();
        let in_column = |line: &Cells<'_>| column + 1 < line.len();
        let mut rest = lines;
        while let Some(start) = rest.iter().position(in_column) {
            write(out, &rest[..start], widths);
            let block = &rest[start..];
            let end = block.iter().position(|line| !in_column(line)).unwrap_or(block.len());
            let widest = block[..end].iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
            widths.push(self.min_width.max(widest + self.padding));
            self.format(out, &block[..end], widths);
            widths.pop();
            rest = &block[end..];
        }
        write(out, rest, widths);
    }
}

fn write(out: &mut String, lines: &[Cells<'_>], widths: &[usize]) {
    for line in lines {
        for (at, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths.get(at) {
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_cell_ends_the_column() {
        let text = "  Host\tPath\tBackends\n  *\t\n    \t/long/path \tweb:80\nAnnotations:\t<none>\n";
        let aligned = TabWriter { min_width: 0, padding: 2 }.align(text);
        let expected =
            "  Host        Path  Backends\n  *           \n              /long/path   web:80\nAnnotations:  <none>\n";
        assert_eq!(aligned, expected);
    }

    #[test]
    fn columns_have_a_least_width() {
        let table = TabWriter { min_width: 6, padding: 3 };
        assert_eq!(table.align("A\tLONGER\tLAST\n"), "A     LONGER   LAST\n");
    }
}
