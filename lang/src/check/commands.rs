//! Commands and what groups them: which flows there are by then, what islands see, and where a sentence belongs.

use super::Checker;
use super::scripts::Variables;
use super::tests::Case;
use crate::api::Type;
use crate::ast::{Block, Island, Operand, Pattern, Statement, StatementKind, Text};
use crate::lower::Lowering;
use netscene_core::map::IndexSet;

use crate::parse::CHANGED;
use crate::suggest::{a, list, question};
use crate::template;
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// What is known at a point of the file.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// The flows that have been sent, and the loop variables.
    pub(super) variables: Variables,
    /// The connections that have been opened.
    connections: IndexSet<String>,
    pub(super) in_test: bool,
    pub(super) case: Case,
}

impl Checker<'_> {
    /// Takes the words of faulty commands for names that may exist: the flow of a faulty `send` is not unknown.
    pub(super) fn loosen_commands(&mut self, statements: &[Statement]) {
        for statement in statements {
            if let Some(name) = statement.kind.sent() {
                self.sent.entry(name.text.clone()).or_insert((name.span, false));
            }
            if matches!(statement.kind, StatementKind::Faulty(_)) {
                self.symbols.loosen(self.files, statement.span);
            }
            for block in statement.kind.blocks() {
                self.loosen_commands(&block.statements);
            }
        }
    }

    /// Checks the commands of a file; what is left to run once everything is declared.
    pub(super) fn steps(&mut self, statements: &[Statement]) -> Vec<Statement> {
        let mut known = Known::default();
        let mut steps = Vec::new();
        for statement in statements {
            if !statement.kind.declares() && !matches!(statement.kind, StatementKind::Faulty(_)) {
                self.step(statement, &mut known, BlockKind::File);
                steps.push(statement.clone());
            }
        }
        steps
    }

    fn block(&mut self, block: &Block, known: &mut Known) {
        self.statements(&block.statements, known);
    }

    pub(super) fn statements(&mut self, statements: &[Statement], known: &mut Known) {
        for statement in statements {
            self.step(statement, known, BlockKind::Test);
        }
    }

    fn step(&mut self, statement: &Statement, known: &mut Known, block: BlockKind) {
        match &statement.kind {
            StatementKind::Test { name, .. } if known.in_test => self.nested_test(name),
            StatementKind::Test { name, clauses, body } => self.test(name, clauses, body, known),
            StatementKind::Cases(_) => self.misplaced_table(statement, known),
            StatementKind::On { node, body } => self.on_node(node, body, known),
            StatementKind::Assert(island) => {
                let of = self.island(island, known);
                if !matches!(of, Type::Truth | Type::Any) {
                    let title = format!("{} is neither true nor false", a(of.describe()));
                    let diagnostic = Diagnostic::error(Code::BadIsland, title);
                    self.report(
                        diagnostic.at(island.span, "expected a comparison, or what is true or false by itself"),
                    );
                }
            }
            StatementKind::For { variable, list, body } => {
                let of = self.island(list, known).element();
                let hidden = known.variables.insert(variable.text.clone(), of);
                self.block(body, known);
                match hidden {
                    Some(of) => known.variables.insert(variable.text.clone(), of),
                    None => known.variables.shift_remove(&variable.text),
                };
            }
            StatementKind::If { condition, then, otherwise } => {
                self.island(condition, known);
                self.block(then, known);
                if let Some(otherwise) = otherwise {
                    self.block(otherwise, known);
                }
            }
            StatementKind::Namespace { .. } | StatementKind::Apply { .. } if block == BlockKind::Test => {
                let outer = std::mem::take(&mut self.declarations);
                self.declaration(statement);
                self.give_endpoints();
                let declared = std::mem::replace(&mut self.declarations, outer);
                self.inner.insert(statement.span, declared);
            }
            StatementKind::Faulty(_) => {}
            StatementKind::Log(text) => {
                for island in template::islands(text) {
                    self.island(&island, known);
                }
            }
            StatementKind::Patch { word, kind: Some(kind), what, body } => {
                self.lower(known, |lowering| lowering.changed(*kind, what).map(drop));
                if let Some(op) = self.patch(statement.span, *word, *kind, body) {
                    self.patches.insert(statement.span, op);
                }
            }
            StatementKind::Patch { what, .. } => {
                let diagnostic = Diagnostic::error(Code::Missing, "what kind of object is to change?");
                let kinds = list(CHANGED.map(Word::text), "or");
                self.report(diagnostic.at(what.span, format!("expected one of {kinds} before the name")));
            }
            kind => {
                if !self.command(kind, known) {
                    self.misplaced(statement, block);
                }
            }
        }
    }

    /// Checks a command. It says whether the sentence is one.
    fn command(&mut self, kind: &StatementKind, known: &mut Known) -> bool {
        let sent = kind.sent();
        match kind {
            StatementKind::Say { connection, .. } | StatementKind::End { connection, .. } => {
                self.connection(connection, known);
            }
            StatementKind::Explore(inner) => {
                self.lower(known, |lowering| lowering.command(kind).map(drop));
                if let StatementKind::Send { name, .. }
                | StatementKind::Ping { name, .. }
                | StatementKind::Get { name, .. }
                | StatementKind::Resolve { name, .. } = &**inner
                {
                    known.variables.insert(name.text.clone(), Type::Ways);
                }
                return true;
            }
            _ if sent.is_some() => {}
            StatementKind::Trace { flow, .. } => {
                self.flow(flow, known);
            }
            StatementKind::Expect { flow, often, pattern, share, .. }
                if !matches!(pattern, Pattern::Conntrack { .. }) =>
            {
                let quantity = often.as_ref().map(|often| often.span).or(share.as_ref().map(|share| share.span));
                self.expected_of(flow, quantity, known);
            }
            StatementKind::Choose { .. }
            | StatementKind::Write { .. }
            | StatementKind::ShowLogs(_)
            | StatementKind::ChoosePort { .. }
            | StatementKind::Wait(_)
            | StatementKind::Fail(_)
            | StatementKind::Restore(_)
            | StatementKind::Delete { .. }
            | StatementKind::Scale { .. }
            | StatementKind::TraceGet { .. }
            | StatementKind::ShowRoutes(_)
            | StatementKind::ShowConntrack { .. }
            | StatementKind::ShowIptables { .. }
            | StatementKind::ShowLog(_)
            | StatementKind::ShowMetallbLog
            | StatementKind::ShowTool(_)
            | StatementKind::Expect { .. } => {}
            _ => return false,
        }
        self.lower(known, |lowering| lowering.command(kind).map(drop));
        if let Some(name) = sent {
            if let Some((_, has_come)) = self.sent.get_mut(&name.text) {
                *has_come = true;
            }
            known.variables.insert(name.text.clone(), Type::Flow);
            // Another flow of the name takes the connection's place among flows, and does not end it.
            if matches!(kind, StatementKind::Open { .. }) {
                known.connections.insert(name.text.clone());
            }
        }
        true
    }

    fn on_node(&mut self, node: &Operand, body: &Block, known: &mut Known) {
        self.lower(known, |lowering| lowering.place(node).map(drop));
        for statement in &body.statements {
            match &statement.kind {
                StatementKind::Command(text) => {
                    self.lower(known, |lowering| lowering.typed(node, text, true).map(drop));
                }
                StatementKind::Look(text) => {
                    self.lower(known, |lowering| lowering.typed(node, text, false).map(drop));
                }
                StatementKind::Faulty(_) => {}
                _ => self.misplaced(statement, BlockKind::OnNode),
            }
        }
    }

    fn lower(&mut self, known: &mut Known, lower: impl FnOnce(&mut Lowering<'_>) -> Result<(), Diagnostic>) {
        let mut islands: Vec<Island> = Vec::new();
        let mut evaluate = |island: &Island| {
            islands.push(island.clone());
            Ok(known.case.value(island))
        };
        let result = lower(&mut Lowering { symbols: &self.symbols, evaluate: &mut evaluate });
        self.ok(result);
        for island in islands {
            self.island(&island, known);
        }
    }

    pub(super) fn island(&mut self, island: &Island, known: &Known) -> Type {
        self.compiler.island(island, &known.variables, &self.symbols, &mut self.diagnostics)
    }

    fn connection(&mut self, name: &Text, known: &Known) {
        if self.symbols.loose.contains(&name.text) || known.connections.contains(&name.text) {
            return;
        }
        let label = question(&name.text, known.connections.iter().map(String::as_str));
        let (label, hint) = if known.variables.get(&name.text) == Some(&Type::Flow) {
            let hint = format!("`open … as {}` opens a connection and keeps it", name.text);
            ("this is a flow, and no connection that is kept open".to_owned(), Some(hint))
        } else {
            let hint = label.is_none().then(|| format!("open it so: `open client -> web:80 as {}`", name.text));
            (label.unwrap_or_else(|| "nothing has been opened under that name by now".to_owned()), hint)
        };
        let title = format!("there is no open connection `{}`", name.text);
        self.report(Diagnostic::error(Code::UnknownFlow, title).at(name.span, label).hint(hint));
    }

    /// Checks that `always`, `never` and a probability are expected of ways, and of nothing else.
    fn expected_of(&mut self, name: &Text, quantity: Option<Span>, known: &Known) {
        match (self.flow(name, known), quantity) {
            (Some(Type::Ways), None) => {
                let title = format!("`{}` is many ways, and this would be expected of one", name.text);
                let diagnostic = Diagnostic::error(Code::Missing, title).at(name.span, "of how many of them?");
                self.report(diagnostic.hint(
                    "write `always` or `never` before the pattern, or `with probability 1/2` behind it".to_owned(),
                ));
            }
            (Some(Type::Flow), Some(span)) => {
                let title = format!("`{}` is one flow, and not the ways of one", name.text);
                let diagnostic = Diagnostic::error(Code::BadValue, title).at(span, "this is for ways");
                self.report(diagnostic.hint("name ways with `explore … as NAME`".to_owned()));
            }
            _ => {}
        }
    }

    /// Whether a name is a flow's or that of ways; reported where it is neither.
    fn flow(&mut self, name: &Text, known: &Known) -> Option<Type> {
        if self.symbols.may_be(&name.text) {
            return None;
        }
        let is_flow = |of: &Type| matches!(of, Type::Flow | Type::Ways);
        let flows = || known.variables.iter().filter(|(_, of)| is_flow(of)).map(|(name, _)| name.as_str());
        if let Some(of) = known.variables.get(&name.text).filter(|of| is_flow(of)) {
            return Some(*of);
        }
        let title = format!("there is no flow `{}` yet", name.text);
        let diagnostic = Diagnostic::error(Code::UnknownFlow, title);
        let diagnostic = match (question(&name.text, flows()), self.sent.get(&name.text)) {
            (_, Some((place, false))) => {
                diagnostic.at(name.span, "nothing has been sent under that name by now").see(*place, "it is sent here")
            }
            (_, Some((place, true))) => {
                let hint = "a test knows its own flows, and those sent above it outside of tests";
                let diagnostic = diagnostic.at(name.span, "it was sent in another test");
                diagnostic.see(*place, "sent here").hint(hint.to_owned())
            }
            (Some(question), None) => diagnostic.at(name.span, question),
            (None, None) => diagnostic
                .at(name.span, "nothing has been sent under that name by now")
                .hint(format!("name a flow so: `send … as {}`", name.text)),
        };
        self.report(diagnostic);
        None
    }
}
