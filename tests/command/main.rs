//! The command itself: its statuses, its help, its completions. What it prints of scenarios is `scenarios`' and `readme`'s.

#[path = "../common/mod.rs"]
mod common;

mod captures;
mod coverage;
mod explain;
mod folder;
#[cfg(target_os = "linux")]
mod repl;
mod reports;
mod runner;
mod statuses;
#[cfg(target_os = "linux")]
mod terminal;
mod tools;
mod traces;
mod walks;

use common::scn;

#[test]
fn every_command_is_helped_and_completed() {
    let help = scn(&["help"]).stdout;
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"run"), "{help}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = scn(&["completions", shell]);
        assert_eq!((completions.status, completions.stderr.as_str()), (0, ""));
        for command in &commands {
            assert!(completions.stdout.contains(command), "{shell} does not complete {command}");
        }
    }
    for command in commands.iter().filter(|command| **command != "help") {
        let help = scn(&["help", command]);
        assert_eq!(help.status, 0, "{command}");
        let teaches = ["Examples:", "Where it goes:"].iter().any(|title| help.stdout.contains(title));
        assert!(teaches, "the help of {command} has examples");
    }
}
