//! What evaluates the Rhai of a file: an engine, and what the `rhai` blocks have defined so far.

use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Scope, Stmt};

use crate::cancel::Cancel;
use crate::script::{self, Steps};

/// An engine that has bounds, with the constants of `rhai` blocks.
pub(crate) struct Rhai {
    pub(crate) engine: Engine,
    /// The steps of the island that runs.
    steps: Steps,
    pub(crate) constants: Scope<'static>,
}

impl Rhai {
    pub(crate) fn new(cancel: &Cancel) -> Self {
        let (mut engine, steps) = (script::engine(), Steps::default());
        steps.watch(&mut engine, cancel);
        Self { engine, steps, constants: Scope::new() }
    }

    /// Takes in the constants and functions of a `rhai` block; none of them if one fails.
    pub(crate) fn learn(&mut self, block: &AST) -> Result<(), Box<EvalAltResult>> {
        self.steps.reset();
        let functions = Module::eval_ast_as_new(self.constants.clone(), block, &self.engine)?;
        self.engine.run_ast_with_scope(&mut self.constants, block)?;
        self.engine.register_global_module(functions.into());
        Ok(())
    }

    /// The value of an island.
    pub(crate) fn evaluate(&self, island: &AST, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>> {
        self.steps.reset();
        self.engine.eval_ast_with_scope(scope, island)
    }
}

/// Whether a `rhai` block holds nothing but functions, and constants that are written out: then it cannot fail.
pub(crate) fn is_plain(block: &AST) -> bool {
    AsRef::<[Stmt]>::as_ref(block).iter().all(|statement| match statement {
        Stmt::Var(var, ..) => var.1.is_constant(),
        Stmt::Noop(_) => true,
        _ => false,
    })
}
