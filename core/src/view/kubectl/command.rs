use super::Kind;
use crate::kube::Labels;
use crate::view::command_line::{CommandError, Word, Words, missing, unknown};

/// A command line of kubectl, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// `get` or `describe`.
    pub verb: Verb,
    /// What is asked for.
    pub kind: Kind,
    /// By these names; all of them when empty.
    pub names: Vec<String>,
    /// In which namespace; in all of them when not given.
    pub namespace: Option<String>,
    /// `-l`: only what has these labels.
    pub selector: Labels,
    /// `-o wide`
    pub wide: bool,
    /// `--show-labels`
    pub show_labels: bool,
    /// `--no-headers`
    pub no_headers: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A table, one line for each object.
    Get,
    /// All there is to tell of each object.
    Describe,
}

/// The flags that are understood, and whether a value follows.
const FLAGS: [(&str, &str, bool); 6] = [
    ("-n", "--namespace", true),
    ("-A", "--all-namespaces", false),
    ("-o", "--output", true),
    ("-l", "--selector", true),
    ("", "--show-labels", false),
    ("", "--no-headers", false),
];

impl Command {
    /// Reads what follows the word `kubectl`.
    ///
    /// ```
    /// use netscene_core::view::kubectl::{Command, Kind};
    /// let command = Command::parse("get svc -n iks -o wide")?;
    /// assert_eq!((command.kind, command.namespace.as_deref(), command.wide), (Kind::Services, Some("iks"), true));
    /// let error = Command::parse("get poods").unwrap_err();
    /// assert_eq!((error.at, &*error.hint), (4..9, "did you mean `pods`?"));
    /// # Ok::<(), netscene_core::view::CommandError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let mut words = Words::of(text);
        let mut plain: Vec<Word<'_>> = Vec::new();
        let mut command = Self {
            verb: Verb::Get,
            kind: Kind::Pods,
            names: Vec::new(),
            namespace: Some("default".to_owned()),
            selector: Labels::default(),
            wide: false,
            show_labels: false,
            no_headers: false,
        };
        while let Some(word) = words.next() {
            if word.text.starts_with('-') {
                command.flag(word, &mut words)?;
            } else {
                plain.push(word);
            }
        }
        let mut plain = plain.into_iter();
        let verb = plain.next().ok_or_else(|| missing(text, "a command", "write `get` or `describe`"))?;
        command.verb = match verb.text {
            "get" => Verb::Get,
            "describe" => Verb::Describe,
            other => {
                return Err(unknown(verb.at, "command", other, &["get", "describe"], "known are get and describe"));
            }
        };
        let kind = plain.next().ok_or_else(|| missing(text, "a kind of objects", "write one such as `pods`"))?;
        let (name, object) = kind.text.split_once('/').map_or((kind.text, None), |(kind, name)| (kind, Some(name)));
        command.kind = Kind::from_name(name).ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().flat_map(|kind| kind.names()).collect();
            let plurals = Kind::ALL.map(|kind| kind.names()[0]).join(", ");
            unknown(kind.at.clone(), "kind of objects", name, &names, &format!("known are {plurals}"))
        })?;
        command.names.extend(object.map(str::to_owned));
        command.names.extend(plain.map(|word| word.text.to_owned()));
        if command.verb == Verb::Describe && (command.wide || command.show_labels || command.no_headers) {
            let problem = "`describe` has no flags for tables".to_owned();
            return Err(CommandError { at: 0..text.len(), problem, hint: "leave them out, or use `get`".to_owned() });
        }
        Ok(command)
    }

    fn flag<'a>(&mut self, word: Word<'a>, words: &mut Words<'a>) -> Result<(), CommandError> {
        let (name, mut value) = match word.text.split_once('=') {
            Some((name, value)) => (name, Some(Word { text: value, at: word.at.clone() })),
            None => (word.text, None),
        };
        // `-niks` is `-n iks`.
        let glued = FLAGS
            .iter()
            .find(|(short, _, takes)| *takes && name.len() > 2 && name.starts_with(short) && !short.is_empty());
        let (name, value) = match glued {
            Some((short, ..)) => (*short, Some(Word { text: &word.text[2..], at: word.at.clone() })),
            None => (name, value.take()),
        };
        let Some((_, long, takes)) = FLAGS.iter().find(|(short, long, _)| name == *short || name == *long) else {
            let known: Vec<_> = FLAGS.iter().flat_map(|(short, long, _)| [*short, *long]).collect();
            let all = "known are -n, -A, -o wide, -l, --show-labels and --no-headers";
            return Err(unknown(word.at, "flag", word.text, &known, all));
        };
        let value = match (takes, value) {
            (true, None) => words.next(),
            (_, value) => value,
        };
        match (*long, value) {
            ("--namespace", Some(value)) => self.namespace = Some(value.text.to_owned()),
            ("--all-namespaces", _) => self.namespace = None,
            ("--output", Some(value)) if value.text == "wide" => self.wide = true,
            ("--output", Some(value)) => {
                return Err(unknown(value.at, "output format", value.text, &["wide"], "known is wide"));
            }
            ("--selector", Some(value)) => {
                for pair in value.text.split(',') {
                    let (key, wanted) =
                        pair.split_once('=').filter(|(key, _)| !key.ends_with('!')).ok_or_else(|| {
                            let problem = format!("`{pair}` is no KEY=VALUE");
                            CommandError {
                                at: value.at.clone(),
                                problem,
                                hint: "only equality is understood".to_owned(),
                            }
                        })?;
                    self.selector.insert(key.to_owned(), wanted.trim_start_matches('=').to_owned());
                }
            }
            ("--show-labels", _) => self.show_labels = true,
            ("--no-headers", _) => self.no_headers = true,
            _ => {
                let problem = format!("`{name}` needs a value");
                return Err(CommandError { at: word.at, problem, hint: "write it behind the flag".to_owned() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let error = Command::parse(text).unwrap_err();
        (text[error.at].to_owned(), error.hint)
    }

    #[test]
    fn flags_stand_anywhere_and_in_every_form() {
        let plain = Command::parse("get pods -n iks").unwrap();
        for text in ["-n iks get pods", "get pod -niks", "get po --namespace=iks", "get --namespace iks Pods"] {
            assert_eq!(Command::parse(text).unwrap(), plain, "{text}");
        }
        assert_eq!(Command::parse("get svc -A").unwrap().namespace, None);
        let describe = Command::parse("describe service/frontend").unwrap();
        assert_eq!((describe.verb, describe.names), (Verb::Describe, vec!["frontend".to_owned()]));
        let chosen = Command::parse("get po -l app=metallb,tier==x").unwrap().selector;
        assert_eq!(chosen, Labels::from_iter([("app".into(), "metallb".into()), ("tier".into(), "x".into())]));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_place() {
        assert_eq!(fault("gte pods"), ("gte".into(), "did you mean `get`?".into()));
        assert_eq!(fault("get servces"), ("servces".into(), "did you mean `services`?".into()));
        assert!(fault("get secrets").1.starts_with("known are pods, services"));
        assert_eq!(fault("get pods -o yaml"), ("yaml".into(), "known is wide".into()));
        assert_eq!(fault("get pods --namespac iks"), ("--namespac".into(), "did you mean `--namespace`?".into()));
        assert_eq!(fault("get pods -n"), ("-n".into(), "write it behind the flag".into()));
        assert_eq!(fault("get"), (String::new(), "write one such as `pods`".into()));
        assert_eq!(fault(""), (String::new(), "write `get` or `describe`".into()));
    }
}
