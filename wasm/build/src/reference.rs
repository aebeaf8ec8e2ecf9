//! The pages of the language's reference, whose snippets become scenarios that run.

use std::collections::BTreeMap;
use std::fs;

use crate::Result;
use crate::disk::Scenario;

const FOLDER: &str = "lang/reference";

/// Every page, by the name of its file.
pub(crate) fn pages() -> Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let entry = entry?;
        pages.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
    }
    pages.sort();
    Ok(pages)
}

/// A page with its scenarios put in: a block marked `scn` is one, together with the remark `setup` above it; a remark `file: NAME`
/// makes a block a file that those after it may name.
pub(crate) fn expand(page: &str, put: &mut dyn FnMut(Scenario) -> String) -> String {
    let (mut out, mut remark, mut count) = (String::new(), String::new(), 0);
    let mut files = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            let remark = std::mem::take(&mut remark);
            if let Some(name) = remark.strip_prefix("file: ") {
                files.insert(name.trim().to_owned(), text.clone());
            } else if language == "scn" {
                count += 1;
                let setup = remark.strip_prefix("setup\n").unwrap_or_default();
                let text = format!("{setup}{text}");
                out.push_str(&put(Scenario { name: format!("example-{count}.scn"), text, files: files.clone() }));
                continue;
            }
            // What a block prints has colours in no editor.
            let line = if language == "output" { "```text" } else { line };
            out.push_str(&format!("{line}\n{text}```\n"));
        } else if let Some(start) = line.strip_prefix("<!-- ") {
            remark = if let Some(whole) = start.strip_suffix(" -->") {
                whole.to_owned()
            } else {
                let more = lines.by_ref().take_while(|line| *line != "-->").map(|line| format!("{line}\n"));
                format!("{start}\n{}", more.collect::<String>())
            };
        } else {
            if !line.is_empty() {
                remark.clear();
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
