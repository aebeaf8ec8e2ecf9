//! The book: its pages, with scenarios put in, made by mdBook.
//!
//! In a page, a line `{{scenario PATH}}` is replaced by a scenario of the repository, with the files that it names; `{{play PATH}}`
//! too, and that block shows what a permalink holds. What the native engine prints for each block goes to `blocks.json`, against
//! which the browser is held.

use std::fs;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use serde_json::{Value, json};

use crate::disk::Scenario;
use crate::{Result, reference};

/// Makes the book that is in the folder `from`.
pub(crate) fn build(from: &Path, to: &Path) -> Result {
    let parent = to.parent().unwrap_or(Path::new("."));
    let sources = parent.join("book-source");
    if sources.exists() {
        fs::remove_dir_all(&sources)?;
    }
    let mut blocks = Vec::new();
    copy(from, &sources, &mut blocks)?;
    // The head of the pages names the scripts by their versions: it is written where those are made.
    fs::copy(parent.join("head.hbs"), sources.join("theme/head.hbs")).map_err(|error| format!("head.hbs: {error}"))?;
    for (page, text) in reference::pages()? {
        let path = sources.join("src/reference").join(&page);
        fs::create_dir_all(sources.join("src/reference"))?;
        let name = format!("reference/{}", page.replace("README.md", "index.md").replace(".md", ".html"));
        let expanded = reference::expand(&text, &mut |scenario| {
            blocks.push(told(&name, &scenario));
            block(&scenario, "")
        });
        fs::write(path, expanded)?;
    }
    let mut book = MDBook::load(&sources).map_err(|error| format!("{error:#}"))?;
    book.config.build.build_dir = fs::canonicalize(parent)?.join("book");
    book.build().map_err(|error| format!("{error:#}"))?;
    fs::write(parent.join("blocks.json"), serde_json::to_string(&blocks)?)?;
    Ok(())
}

/// Copies a folder, and puts scenarios into its pages.
fn copy(from: &Path, to: &Path, blocks: &mut Vec<Value>) -> Result {
    fs::create_dir_all(to)?;
    let mut entries = fs::read_dir(from)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target, blocks)?;
        } else if path.extension().is_some_and(|ending| ending == "md") {
            fs::write(target, expand(&path, blocks)?)?;
        } else {
            fs::copy(path, target)?;
        }
    }
    Ok(())
}

fn expand(path: &Path, blocks: &mut Vec<Value>) -> Result<String> {
    let page = PathBuf::from(path.file_name().unwrap_or_default()).with_extension("html").display().to_string();
    let mut expanded = String::new();
    for line in fs::read_to_string(path)?.lines() {
        let inside = line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        match inside.and_then(|inside| inside.split_once(' ')) {
            Some((how @ ("scenario" | "play"), path)) => {
                let scenario = Scenario::read(path)?;
                let told = told(&page, &scenario);
                if told["status"] != 0 {
                    return Err(format!("{path}: {}{}", told["output"], told["diagnostics"]).into());
                }
                blocks.push(told);
                expanded.push_str(&block(&scenario, if how == "play" { " data-play=\"\"" } else { "" }));
            }
            Some((how, _)) => return Err(format!("{}: unknown {how}", path.display()).into()),
            None => expanded.push_str(line),
        }
        expanded.push('\n');
    }
    Ok(expanded)
}

/// A block, and on which page it stands.
fn told(page: &str, scenario: &Scenario) -> Value {
    let mut told = scenario.told();
    told["page"] = json!(page);
    told
}

/// A scenario as HTML that can be read without JavaScript too.
fn block(scenario: &Scenario, more: &str) -> String {
    let Scenario { name, text, files } = scenario;
    let mut html = format!(
        "<pre data-name=\"{}\"{more}><code class=\"nohighlight\">{}</code></pre>\n",
        escaped(name),
        escaped(text)
    );
    if !files.is_empty() {
        // JSON in a script may hold no end of a script.
        let json = json!(files).to_string().replace('<', "\\u003c");
        html.push_str(&format!("<script type=\"application/json\" class=\"scenario-files\">{json}</script>\n"));
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
