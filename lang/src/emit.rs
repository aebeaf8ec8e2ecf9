//! What a file is at each stage on its way to a run, as text: `scn compile --emit`.

use std::fmt::Write as _;
use std::sync::Arc;

use netscene_core::Origin;
use netscene_core::world::Operation;
use serde::Serialize;

use crate::ast::{Ast, Block, Island, Statement, StatementKind};
use crate::lower::{IslandValue, Lowering};
use crate::record::{VERSION, list};
use crate::token::Token;
use crate::{Diagnostic, Program, SourceFile, sentences};

/// The tokens of a file, one a line: where it begins, what it is, how it is written.
///
/// ```
/// use netscene_lang::{SourceFiles, emit_tokens};
/// let file = SourceFiles::default().add("hello.scn", "node worker1 at 10.0.0.1\n");
/// assert_eq!(emit_tokens(&file), "\
/// 1:1    word     node
/// 1:6    Name     worker1
/// 1:14   word     at
/// 1:17   Address  10.0.0.1
/// 1:25   Eol
/// ");
/// ```
pub fn emit_tokens(file: &Arc<SourceFile>) -> String {
    let mut text = String::new();
    for (start, token, end) in sentences::read(file, &mut Vec::new()) {
        let line = file.line_index(start);
        let column = file.line_range(line).and_then(|range| file.text().get(range.start..start));
        let place = format!("{}:{}", line + 1, column.map_or(0, |before| before.chars().count()) + 1);
        let kind = format!("{token:?}");
        let kind = match token {
            Token::Word(_) => "word",
            _ => kind.split('(').next().unwrap_or_default(),
        };
        let written = file.text().get(start..end).unwrap_or_default().trim_end_matches(['\n', ';']);
        let line = format!("{place:<6} {kind:<8} {}", written.replace('\n', "\\n"));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The sentences of a file and of those that it includes, as the tree that the checks see. Its form follows the code, and
/// may change with every release.
pub fn emit_ast(ast: &Ast) -> String {
    let mut text = String::new();
    for statement in &ast.statements {
        let _ = writeln!(text, "{statement:#?}");
    }
    text
}

/// What stands in a program where operations will.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "a program has few steps, and boxes would only hide their parts")]
enum Step<'a> {
    /// An operation that is known before anything runs.
    Apply(Operation),
    /// A test and its steps, which run in a world of their own.
    Test { name: &'a str, steps: Vec<Self> },
    /// Steps for each element of a list.
    For { variable: &'a str, list: &'a str, steps: Vec<Self> },
    /// Steps for where a condition is true, and for where it is not.
    If { condition: &'a str, then: Vec<Self>, r#else: Vec<Self> },
    /// What has to be true.
    Assert(&'a str),
    /// A sentence whose operation hangs on islands.
    Later { sentence: &'a str, origin: Option<Origin> },
}

/// A program as operations: JSON, of the version that records have.
///
/// `declarations` are operations; `steps` are `apply` with an operation, `test`, `for`, `if` and `assert` with their Rhai as
/// it is written, and `later`: a sentence with islands, whose operation is known only when it runs. A
/// [`Record`](crate::Record) has the operations that came of them.
pub fn emit_ir(program: &Program) -> String {
    let steps = steps(program, &program.steps);
    let mut text = format!("{{\"format\":\"netscene ir\",\"version\":{VERSION},");
    list(&mut text, "declarations", &program.declarations);
    list(&mut text, "steps", &steps);
    text.pop();
    text + "}\n"
}

fn steps<'a>(program: &'a Program, statements: &'a [Statement]) -> Vec<Step<'a>> {
    statements.iter().flat_map(|statement| step(program, statement)).collect()
}

fn step<'a>(program: &'a Program, statement: &'a Statement) -> Vec<Step<'a>> {
    let block = |block: &'a Block| steps(program, &block.statements);
    let rhai = |island: &'a Island| island.text.trim();
    match &statement.kind {
        StatementKind::Test { name, body, .. } => vec![Step::Test { name: &name.text, steps: block(body) }],
        StatementKind::For { variable, list, body } => {
            vec![Step::For { variable: &variable.text, list: rhai(list), steps: block(body) }]
        }
        StatementKind::If { condition, then, otherwise } => {
            let otherwise = otherwise.as_ref().map(block).unwrap_or_default();
            vec![Step::If { condition: rhai(condition), then: block(then), r#else: otherwise }]
        }
        StatementKind::Assert(island) => vec![Step::Assert(rhai(island))],
        // Which rows there are is known; what their cells come to is not.
        StatementKind::Cases(_) => {
            vec![Step::Later {
                sentence: program.files.at(statement.span),
                origin: program.files.origin(statement.span),
            }]
        }
        StatementKind::Namespace { .. } | StatementKind::Apply { .. } => {
            let declared = program.inner.get(&statement.span);
            declared.into_iter().flatten().cloned().map(Step::Apply).collect()
        }
        StatementKind::On { node, body } => {
            let commands = body.statements.iter().filter_map(|inner| match &inner.kind {
                StatementKind::Command(command) => Some((inner, command, true)),
                StatementKind::Look(command) => Some((inner, command, false)),
                _ => None,
            });
            let commands = commands.flat_map(|(inner, command, iptables)| {
                lowered(program, inner, |lowering| Ok(vec![lowering.typed(node, command, iptables)?]))
            });
            commands.collect()
        }
        kind => lowered(program, statement, |lowering| lowering.command(kind)),
    }
}

/// The operations of a command; the sentence, where they hang on an island.
fn lowered<'a>(
    program: &'a Program,
    statement: &'a Statement,
    lower: impl FnOnce(&mut Lowering<'_>) -> Result<Vec<netscene_core::world::Op>, Diagnostic>,
) -> Vec<Step<'a>> {
    let mut islands = 0;
    let mut evaluate = |_: &Island| -> Result<Option<IslandValue>, Diagnostic> {
        islands += 1;
        Ok(None)
    };
    let result = lower(&mut Lowering { symbols: &program.symbols, evaluate: &mut evaluate });
    let origin = program.files.origin(statement.span);
    match result {
        Ok(operations) if islands == 0 => {
            operations.into_iter().map(|op| Step::Apply(Operation { op, origin: origin.clone() })).collect()
        }
        _ => vec![Step::Later { sentence: program.files.at(statement.span), origin }],
    }
}
