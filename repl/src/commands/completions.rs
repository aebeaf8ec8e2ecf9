//! `scn completions`: what a shell needs to complete the command.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::console::Console;
use crate::exit::Exit;

/// Print what a shell needs to complete `scn` when Tab is pressed.
#[derive(Args)]
#[command(after_help = "\
Where it goes:
  bash        scn completions bash > ~/.local/share/bash-completion/completions/scn
  zsh         scn completions zsh > a folder of $fpath, as _scn
  fish        scn completions fish > ~/.config/fish/completions/scn.fish
  elvish      scn completions elvish >> ~/.config/elvish/rc.elv
  powershell  scn completions powershell >> $PROFILE")]
pub(crate) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions of the shell that the arguments name.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "scn", &mut text);
    console.print(&String::from_utf8_lossy(&text));
    Exit::Held
}
