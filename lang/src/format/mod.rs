//! One way to write a scenario: what `scn fmt` makes of a file.
//!
//! It moves nothing from one line to another, so that what the author put on one line stays there. What it does:
//!
//! - a line begins with two blanks for every brace that is open; tokens have one blank between, `,` and `;` none before;
//! - of several empty lines one is left, none at the ends of the file and of blocks; a `;` that ends nothing goes;
//! - in the blocks of objects, what stands behind the words of the fields begins in one column; of sentences below each
//!   other that begin alike and are made alike, such as nodes or pods, every part does: see [`align`];
//! - a remark behind a sentence keeps its column as long as the sentence leaves room.
//!
//! Islands, `rhai` blocks, commands, texts and remarks are left as they are written.

mod align;
mod lines;

use std::sync::Arc;

use crate::sentences;
use crate::token::Token;
use crate::{Diagnostic, SourceFile, SourceFiles, has_errors, parse};

/// The text of a file as it should be written; what is wrong with a file that cannot be read, which is left alone.
///
/// The tokens of the text are those of the file, and to format it again changes nothing.
///
/// ```
/// use netscene_lang::{SourceFiles, format};
/// let mut files = SourceFiles::default();
/// let file = files.add("hello.scn", "\
/// service web {
/// type NodePort
///
///
///    selector app=web;port 80
/// }");
/// assert_eq!(format(&file).unwrap(), "\
/// service web {
///   type NodePort
///
///   selector app=web; port 80
/// }
/// ");
/// ```
pub fn format(file: &Arc<SourceFile>) -> Result<String, Vec<Diagnostic>> {
    let (_, diagnostics) = parse(file);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let tokens = sentences::read(file, &mut Vec::new());
    let mut lines = lines::read(file.text(), &tokens);
    lines::clean(&mut lines);
    align::align(&mut lines);
    let text = lines::write(&lines);
    // Whatever this module gets wrong, it shall not change what a scenario says.
    let written = SourceFiles::default().add(file.name(), text.as_str());
    let same = only(&tokens).eq(only(&sentences::read(&written, &mut Vec::new())));
    Ok(if same { text } else { file.text().to_owned() })
}

/// Tokens without their places.
fn only<'t, 's>(tokens: &'t [sentences::Spanned<'s>]) -> impl Iterator<Item = &'t Token<'s>> {
    tokens.iter().map(|(_, token, _)| token)
}
