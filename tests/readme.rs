//! The README is kept true: its commands are run and its outputs compared, its scenarios are the files it names.
//!
//! In a `console` block a line `$ cargo run --release -- …` is a run of `scn`, and the lines below it are what it prints, to
//! either stream; `...` stands for any lines.

mod common;

use std::fs;

use common::{root, scn};

/// A fenced block: the line before it, its language, its lines.
struct Block<'a> {
    before: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { before, language, lines: body });
        }
        before = line;
    }
    blocks
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("the README is there")
}

/// Whether `printed` is `expected`, where `...` stands for any lines.
fn fits(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        Some((line, rest)) => printed.first() == Some(line) && fits(rest, &printed[1..]),
    }
}

#[test]
fn commands_print_what_the_readme_shows() {
    let text = readme();
    let mut commands = 0;
    let console = |block: &&Block<'_>| block.language == "console" && !block.before.starts_with("<!-- repl: ");
    for block in blocks(&text).iter().filter(console) {
        let (command, expected) = block.lines.split_first().expect("a command");
        let arguments = command.strip_prefix("$ cargo run --release -- ").expect("a run of scn");
        let run = scn(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(run.status == 0, run.stderr.is_empty(), "{command}: what is wrong is told and shows in the status");
        let printed = run.stdout + &run.stderr;
        let printed: Vec<_> = printed.trim_end().lines().collect();
        assert!(fits(expected, &printed), "{command} prints\n{}", printed.join("\n"));
        commands += 1;
    }
    assert!(commands >= 4, "the README shows its commands");
}

/// In a block below `<!-- repl: FILE -->` what stands behind a prompt is typed; the other lines are what is printed.
#[test]
fn sessions_go_as_the_readme_shows() {
    let text = readme();
    let mut sessions = 0;
    for block in blocks(&text) {
        let file = block.before.strip_prefix("<!-- repl: ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(file) = file else { continue };
        let typed = |line: &str| {
            line.split_once(['>', '#']).is_some_and(|(prompt, rest)| {
                rest.starts_with(' ') && !prompt.is_empty() && prompt.chars().all(|c| c.is_ascii_alphanumeric())
            })
        };
        let (keys, expected): (Vec<&str>, Vec<&str>) = block.lines.iter().copied().partition(|line| typed(line));
        let keys = keys.iter().filter_map(|line| Some(line.split_once(' ')?.1.to_owned() + "\n")).collect::<String>();
        let run = common::scn_with(&["repl", file], &keys);
        // Diagnostics come by the other stream: their places among the outputs are not seen here.
        let told = |line: &&&str| run.stderr.lines().any(|other| other.trim_end() == line.trim_end());
        let printed: Vec<_> = run.stdout.lines().skip(1).collect();
        let shown: Vec<_> = expected.iter().filter(|line| !told(line)).copied().collect();
        assert!(fits(&shown, &printed), "the session prints\n{}", printed.join("\n"));
        let missing = run.stderr.lines().find(|line| !expected.iter().any(|other| other.trim_end() == line.trim_end()));
        assert_eq!(missing, None, "what is wrong is shown");
        sessions += 1;
    }
    assert_eq!(sessions, 1, "the README shows a session");
}

#[test]
fn scenarios_are_the_files_they_name() {
    let text = readme();
    let blocks = blocks(&text);
    let scenarios: Vec<_> = blocks.iter().filter(|block| block.language == "scn").collect();
    assert!(!scenarios.is_empty(), "the README opens with a scenario");
    for block in scenarios {
        let file = block.before.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->"));
        let file = file.expect("a remark above the block names its file");
        let text = fs::read_to_string(root().join(file)).expect("the file is there");
        assert_eq!(block.lines.join("\n") + "\n", text, "{file}");
        assert!(block.lines.len() <= 25, "{file} is small");
    }
}

#[test]
fn scripts_are_the_files_they_name() {
    let text = readme();
    let mut scripts = 0;
    for block in blocks(&text).iter().filter(|block| block.language == "sh") {
        let Some(file) = block.before.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let text = fs::read_to_string(root().join(file)).expect("the file is there");
        assert_eq!(block.lines.join("\n") + "\n", text, "{file}");
        scripts += 1;
    }
    assert_eq!(scripts, 1, "the collector is shown");
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let text = readme();
    let blocks = blocks(&text);
    let command = blocks.iter().find(|block| block.language == "sh").expect("a test command").lines[0];
    let ci = fs::read_to_string(root().join(".ci/run")).expect("it is there");
    assert!(ci.lines().any(|line| line.trim_start() == command), "{command}");
}
