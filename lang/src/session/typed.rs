//! What people type on a machine, as the sentence that means it.

use crate::ast::StatementKind;
use crate::sentences::LOOKING;
use crate::{SourceFiles, parse};

/// The sentence that a command line means that somebody types at a node, a pod or a host. `number` makes a name for what it
/// sends: `ping3`.
///
/// What looks at the machine (`iptables`, `conntrack`, `ip`, `tcpdump` …) is typed as it is; `ping`, `curl`, `dig` and
/// `kubectl` become `ping`, `get`, `resolve` and `show kubectl`. What the model does not do is said.
///
/// ```
/// use netscene_lang::session::typed;
/// assert_eq!(typed("worker1", "conntrack -L -p tcp", 1).unwrap(), "on worker1 { conntrack -L -p tcp }");
/// assert_eq!(typed("client", "ping -c 1 web", 2).unwrap(), "ping client -> web as ping2");
/// assert_eq!(typed("client", "curl -v http://web/", 3).unwrap(), "get client -> http://web/ as curl3");
/// assert_eq!(typed("client", "dig +short web", 4).unwrap(), "resolve client web as dig4");
/// assert_eq!(typed("worker1", "kubectl get pods -A", 5).unwrap(), "show kubectl get pods -A");
/// assert!(typed("worker1", "apt install vim", 6).unwrap_err().contains("is not modelled"));
/// ```
pub fn typed(place: &str, line: &str, number: usize) -> Result<String, String> {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let arguments: Vec<_> = words.collect();
    match program {
        "ping" => {
            // How often and how fast is told of no packet: one is sent, and told.
            let to = last(&arguments, &["-c", "-i", "-w", "-W", "-s"], &["-n", "-q"], "ping")?;
            Ok(format!("ping {place} -> {to} as ping{number}"))
        }
        "curl" | "wget" => curl(place, program, &arguments, number),
        "dig" | "nslookup" | "host" => {
            let wanted: Vec<_> =
                arguments.iter().copied().filter(|word| !matches!(*word, "A" | "a" | "+short")).collect();
            if let Some(other) = wanted.iter().find(|word| word.starts_with(['@', '+'])) {
                return Err(format!("{program}: `{other}` is not modelled: the resolver of the machine is asked"));
            }
            let name = last(&wanted, &["-t"], &[], program)?;
            Ok(format!("resolve {place} {name} as {program}{number}"))
        }
        "kubectl" | "calicoctl" => Ok(format!("show {line}")),
        "iptables" => Ok(format!("on {place} {{ {line} }}")),
        _ if LOOKING.contains(&program) => Ok(format!("on {place} {{ {line} }}")),
        // A sentence of the language is one here, too.
        _ if is_sentence(line) => Ok(line.to_owned()),
        _ => {
            let known = ["iptables", "ping", "curl", "dig", "kubectl"].into_iter().chain(LOOKING);
            let near = crate::did_you_mean(program, known.clone());
            let hint = near.map_or_else(
                || format!("known are {}", crate::suggest::list(known, "and")),
                |near| format!("did you mean `{near}`?"),
            );
            Err(format!("{program} is not modelled; {hint}"))
        }
    }
}

/// The one word that is no option.
fn last<'a>(words: &[&'a str], with_value: &[&str], plain: &[&str], program: &str) -> Result<&'a str, String> {
    let (mut found, mut words) = (None, words.iter());
    while let Some(&word) = words.next() {
        if with_value.contains(&word) {
            words.next();
        } else if plain.contains(&word) {
        } else if word.starts_with('-') {
            return Err(format!("{program}: the option `{word}` is not modelled"));
        } else if let Some(first) = found.replace(word) {
            return Err(format!("{program}: one of `{first}` and `{word}` is too many"));
        }
    }
    found.ok_or_else(|| format!("{program}: to whom?"))
}

fn curl(place: &str, program: &str, arguments: &[&str], number: usize) -> Result<String, String> {
    let mut words = arguments.iter();
    let (mut url, mut at) = (None, None);
    while let Some(&word) = words.next() {
        match word {
            "-m" | "--max-time" | "--connect-timeout" | "-o" | "-O" => {
                words.next();
            }
            // HOST:PORT:ADDRESS
            "--resolve" => {
                let value = words.next().and_then(|value| value.rsplit_once(':'));
                at = Some(value.ok_or("curl: --resolve takes HOST:PORT:ADDRESS")?.1);
            }
            "-v" | "-s" | "-S" | "-i" | "-k" | "-sS" | "-sv" | "-vs" | "-q" | "-qO-" | "--verbose" | "--silent" => {}
            _ if word.starts_with('-') => return Err(format!("{program}: the option `{word}` is not modelled")),
            _ => url = Some(word),
        }
    }
    let url = url.ok_or_else(|| format!("{program}: which URL?"))?;
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    // A path is a part of the URL, as curl adds it.
    let bare = url.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
    let (slash, at) = (if bare { "/" } else { "" }, at.map(|at| format!(" at {at}")).unwrap_or_default());
    Ok(format!("get {place} -> {url}{slash}{at} as {program}{number}"))
}

fn is_sentence(line: &str) -> bool {
    let (ast, faults) = parse(&SourceFiles::default().add("<>", line));
    let faulty = |kind: &StatementKind| matches!(kind, StatementKind::Faulty(_));
    faults.is_empty() && !ast.statements.is_empty() && !ast.statements.iter().any(|statement| faulty(&statement.kind))
}
