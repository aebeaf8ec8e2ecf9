//! What tests a file has, without checking it.

use std::sync::Arc;

use crate::ast::{StatementKind, TestClause};
use crate::{Folder, SourceFile, SourceFiles, Span, include};

/// What a file has, as far as reading it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Its tests, in the order in which they run, with those of files that it includes.
    pub tests: Vec<OutlineTest>,
    /// The names of the other scenarios and manifests that it names.
    pub includes: Vec<String>,
}

/// A test of an [`Outline`], with all of its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineTest {
    /// Its name, as it is written.
    pub name: String,
    /// The place of its name.
    pub span: Span,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Reads a file and those that it includes. What is wrong with them is for [`compile_in`](crate::compile_in) to say.
///
/// ```
/// use netscene_lang::{NoFolder, SourceFiles, outline_in};
/// let mut files = SourceFiles::default();
/// let main = files.add("two.scn", "test \"one\" { }\ntest \"two\" { }\n");
/// let outline = outline_in(&mut files, &main, &NoFolder);
/// assert_eq!(outline.tests[1].name, "two");
/// ```
pub fn outline_in(files: &mut SourceFiles, file: &Arc<SourceFile>, folder: &dyn Folder) -> Outline {
    let (ast, _) = include::read(files, file, folder);
    let tests = ast.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Test { name, clauses, .. } => {
            let tags = clauses.iter().filter_map(|clause| match clause {
                TestClause::Tags(names) => Some(names),
                _ => None,
            });
            let tags = tags.flatten().map(|tag| tag.text.clone()).collect();
            Some(OutlineTest { name: name.text.clone(), span: name.span, tags })
        }
        _ => None,
    });
    let tests = tests.collect();
    let includes = files.names().filter(|name| *name != file.name()).map(str::to_owned).collect();
    Outline { tests, includes }
}
