//! Columns: which parts of lines below each other begin in one.
//!
//! Two rules, found in how scenarios are written by hand:
//!
//! - *fields*: in the block of a cluster, a pod, a deployment, a service or a config map, the values of fields on lines
//!   of their own begin in one column;
//! - *rows*: declarations below each other that begin with the same word and are made of the same parts have those parts
//!   in columns, as far as they are alike.
//!
//! An empty line, or a line of another kind, ends a column. Commands and expectations have none.

use super::lines::{Form, Line};
use crate::Word;
use crate::words::BlockKind;

/// Columns in which parts are further apart than this help nobody.
const WIDEST: usize = 120;
/// The most columns of a row.
const MOST_COLUMNS: usize = 40;

/// Gives the pieces of all lines their columns.
pub(super) fn align(lines: &mut [Line<'_>]) {
    runs(lines, is_field, |last, line| !last.opens || line.block == BlockKind::Cluster, |run| column(run, 1));
    runs(lines, is_row, |last, line| !last.opens && last.head() == line.head(), |run| rows(run, 1));
}

/// Calls `act` with every run of lines that belong together. Remarks between them do not part them, and the block of a line
/// does not part it from the line behind it.
fn runs<'s>(
    lines: &mut [Line<'s>],
    belongs: impl Fn(&Line<'s>) -> bool,
    together: impl Fn(&Line<'s>, &Line<'s>) -> bool,
    mut act: impl FnMut(&mut [&mut Line<'s>]),
) {
    let mut run: Vec<&mut Line<'s>> = Vec::new();
    for line in lines {
        if line.pieces.is_empty() && line.remark.is_some() {
            continue;
        }
        let fits = belongs(line);
        let inside = |last: &&mut Line<'s>| last.opens && (line.depth > last.depth || line.closes);
        if run.last().is_some_and(inside) {
            continue;
        }
        let joins = run.last().is_none_or(|last| last.depth == line.depth && together(last, line));
        if !(fits && joins) {
            act(&mut run);
            run.clear();
        }
        if fits {
            run.push(line);
        }
    }
    act(&mut run);
}

/// A field on a line of its own.
fn is_field(line: &Line<'_>) -> bool {
    let object = matches!(
        line.block,
        BlockKind::Cluster
            | BlockKind::KubeProxy
            | BlockKind::Service
            | BlockKind::Workload
            | BlockKind::Pod
            | BlockKind::ConfigMap
    );
    // A pod of a deployment is a row, and a container, a volume or a text is no setting.
    let field =
        line.head().is_some_and(|head| !matches!(head, Word::Pod | Word::Container | Word::Volume | Word::Data));
    let whole = is_whole(line) && (!line.opens || line.block == BlockKind::Cluster);
    object && field && whole && line.pieces.len() > 1
}

/// A declaration that may have others like it below.
fn is_row(line: &Line<'_>) -> bool {
    let named = line.head().is_some_and(|head| {
        matches!(
            head,
            Word::Pool
                | Word::Node
                | Word::Host
                | Word::Pod
                | Word::Service
                | Word::Deployment
                | Word::Ingress
                | Word::Path
        )
    });
    let declared =
        matches!(line.block, BlockKind::File | BlockKind::Namespace | BlockKind::Workload | BlockKind::Ingress);
    // What goes on below is a row only if more than its name stands here.
    let rest = !line.opens || line.pieces.len() > 3;
    named && declared && is_whole(line) && rest
}

/// Whether a line is one sentence, with all of its block or none of it.
fn is_whole(line: &Line<'_>) -> bool {
    let mut depth = 0_usize;
    let mut sentences = 1;
    for piece in &line.pieces {
        match piece.form {
            Form::Open => depth += 1,
            Form::Close => depth = depth.saturating_sub(1),
            Form::Semicolon if depth == 0 => sentences += 1,
            _ => {}
        }
    }
    !line.closes && sentences == 1 && line.pieces.iter().all(|piece| !piece.text.contains('\n'))
}

/// Makes the pieces of that number begin in one column.
fn column(run: &mut [&mut Line<'_>], number: usize) {
    let starts = run.iter().filter_map(|line| line.columns().get(number).map(|(start, _)| *start));
    let Some(column) = starts.max().filter(|column| *column <= WIDEST) else { return };
    for line in run {
        if let Some(piece) = line.pieces.get_mut(number) {
            piece.column = column;
        }
    }
}

/// Makes columns of rows, as far as they are made alike: from piece `number` on.
fn rows(run: &mut [&mut Line<'_>], number: usize) {
    if number > MOST_COLUMNS {
        return;
    }
    for alike in run.chunk_by_mut(|one, next| shape(one, number) == shape(next, number)) {
        let Some(Some(_)) = alike.first().map(|line| shape(line, number)) else { continue };
        if alike.len() > 1 {
            if !matches!(alike[0].pieces[number].form, Form::Attached | Form::Semicolon | Form::Close) {
                column(alike, number);
            }
            rows(alike, number + 1);
        }
    }
}

/// What a piece is like: pieces that are alike stand in one column.
fn shape<'s>(line: &Line<'s>, number: usize) -> Option<&'s str> {
    let piece = line.pieces.get(number)?;
    // A name may happen to be a word.
    let is_name = number == 1;
    Some(match piece.form {
        Form::Value | Form::Raw => "",
        Form::Word(_) if is_name => "",
        _ => piece.text,
    })
}
