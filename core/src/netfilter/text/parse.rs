//! The arguments of the `iptables` command.

mod args;
mod matches;
pub(super) mod targets;
mod value;
mod word;

use std::ops::Range;

use super::TextError;
use crate::netfilter::{Counter, Header, Match, Negatable, Policy, TableName, Target};
use crate::packet::protocol;
use args::Args;
use word::Word;

pub(crate) use value::TOS_NAMES;
pub(super) use word::split;

type Result<T> = std::result::Result<T, TextError>;

/// One `iptables` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The table; `filter` if `-t` is not given.
    pub table: TableName,
    /// What is to be done there.
    pub action: Action,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `-A`: puts the rule at the end.
    Append {
        /// The chain.
        chain: Named,
        /// The rule.
        rule: ParsedRule,
    },
    /// `-I`: puts the rule before another.
    Insert {
        /// The chain.
        chain: Named,
        /// The number the rule will have; the first if it is not given.
        position: Option<(u32, Range<usize>)>,
        /// The rule.
        rule: ParsedRule,
    },
    /// `-R`: puts the rule in the place of another.
    Replace {
        /// The chain.
        chain: Named,
        /// The number of the rule that goes.
        number: (u32, Range<usize>),
        /// The rule.
        rule: ParsedRule,
    },
    /// `-D` with a rule: takes the first such rule away.
    Delete {
        /// The chain.
        chain: Named,
        /// The rule.
        rule: ParsedRule,
    },
    /// `-D` with a number: takes the rule of that number away.
    DeleteNumber {
        /// The chain.
        chain: Named,
        /// The rule's number.
        number: (u32, Range<usize>),
    },
    /// `-C`: is there such a rule?
    Check {
        /// The chain.
        chain: Named,
        /// The rule.
        rule: ParsedRule,
    },
    /// `-N`: makes a chain.
    NewChain(Named),
    /// `-X`: deletes a chain, or every chain of the user's.
    DeleteChain(Option<Named>),
    /// `-F`: empties a chain, or all of them.
    Flush(Option<Named>),
    /// `-Z`: sets the counters of a chain, or of all of them, to zero.
    Zero(Option<Named>),
    /// `-P`: sets the policy of a built-in chain.
    Policy(Named, Policy),
}

/// A name, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

impl From<Word<'_>> for Named {
    fn from(word: Word<'_>) -> Self {
        Self { text: word.text.into_owned(), span: word.span }
    }
}

/// A rule whose chains are not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedRule {
    /// Addresses, devices, protocol.
    pub header: Header,
    /// The matches, in order.
    pub matches: Vec<Match>,
    /// The target.
    pub target: ParsedTarget,
    /// `-c PACKETS BYTES`.
    pub counter: Option<Counter>,
    /// Where `-i`'s device stands.
    pub(super) in_device: Range<usize>,
    /// Where `-o`'s device stands.
    pub(super) out_device: Range<usize>,
    /// Where the target stands.
    pub(super) target_span: Range<usize>,
}

/// A target, a chain still being a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedTarget {
    /// A target that is not a chain.
    Known(Target),
    /// `-j CHAIN`.
    Jump(Named),
    /// `-g CHAIN`.
    Goto(Named),
}

/// What is done with a match, a target or an option that the model does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// The text is refused: for rules that somebody writes.
    #[default]
    Refuse,
    /// It is kept in the rule as text, and whoever walks onto it gets no answer but *unknown*: for rules that are there.
    Keep,
}

/// Parses the arguments of one `iptables` command, with the leading word `iptables` or without.
///
/// ```
/// use netscene_core::netfilter::{TableName, text::{self, Action}};
/// let command = text::parse("iptables -t nat -I KUBE-SERVICES 2 -p tcp --dport 80 -j KUBE-MARK-MASQ")?;
/// assert_eq!(command.table, TableName::Nat);
/// assert!(matches!(command.action, Action::Insert { position: Some((2, _)), .. }));
///
/// let error = text::parse("-A INPUT -p tcp --dport eighty -j DROP").unwrap_err();
/// assert_eq!(error.to_string(), "`eighty` is not a port from 0 to 65535");
/// # Ok::<(), text::TextError>(())
/// ```
pub fn parse(text: &str) -> Result<Command> {
    let (table, action) = command(&split(text)?, text, OnUnknown::Refuse)?;
    Ok(Command { table: table.map_or(TableName::Filter, |(table, _)| table), action })
}

/// A table, and where `-t` names it.
type Given = (TableName, Range<usize>);

/// Parses the words of a text, and says where its `-t` stands if it has one.
pub(super) fn command(words: &[Word<'_>], text: &str, unknown: OnUnknown) -> Result<(Option<Given>, Action)> {
    let mut args = Args::new(words, text);
    let mut reader = Reader { keep: unknown == OnUnknown::Keep, ..Reader::default() };
    while args.next_option()? {
        reader.option(&mut args)?;
    }
    reader.finish(text.len())
}

/// What has been read of a command so far.
#[derive(Default)]
struct Reader {
    /// Whether what the model does not know is kept.
    keep: bool,
    /// Whether the target was loaded after the last match.
    target_last: bool,
    table: Option<Given>,
    verb: Option<(Verb, Range<usize>)>,
    header: Header,
    in_device: Range<usize>,
    out_device: Range<usize>,
    matches: Vec<matches::Draft>,
    target: Option<targets::Draft>,
    counter: Option<Counter>,
    /// The first option that only a rule can have.
    rule_option: Option<Range<usize>>,
}

/// The command proper.
enum Verb {
    Append(Named),
    Insert(Named, Option<(u32, Range<usize>)>),
    Replace(Named, (u32, Range<usize>)),
    Delete(Named, Option<(u32, Range<usize>)>),
    Check(Named),
    Whole(Box<Action>),
}

impl Verb {
    fn whole(action: Action) -> Self {
        Self::Whole(Box::new(action))
    }
}

impl Reader {
    /// Reads the option `args` stands at.
    fn option(&mut self, args: &mut Args<'_>) -> Result<()> {
        let at = args.span();
        let letter = letter(args.name());
        if self.general(letter, args)? {
            return Ok(());
        }
        self.rule_option.get_or_insert(at);
        if self.swallows(args.name(), letter) && self.keep_option(args) {
            return Ok(());
        }
        if self.header(letter, args)? || self.extension(args)? {
            return Ok(());
        }
        if self.keep && self.keep_option(args) {
            return Ok(());
        }
        Err(self.unknown_option(args))
    }

    /// Whether what was loaded last is unknown, and so may be the owner of this option.
    fn swallows(&self, option: &str, letter: u8) -> bool {
        let unknown = match &self.target {
            Some(target) if self.target_last => target.is_unknown(),
            _ => self.matches.last().is_some_and(matches::Draft::is_unknown),
        };
        unknown && option.starts_with("--") && !matches!(letter, b'm' | b'j' | b'g')
    }

    /// Gives the option, with whatever may be its values, to what was loaded last. False if there is nothing to keep it.
    fn keep_option(&mut self, args: &mut Args<'_>) -> bool {
        match (&mut self.target, self.matches.last_mut()) {
            (Some(target), _) if self.target_last => {
                args.skip_values();
                target.keep(args)
            }
            (_, Some(last)) => {
                args.skip_values();
                last.keep(args);
                true
            }
            (_, None) => false,
        }
    }

    /// The table, the command itself, and what only changes how it speaks.
    fn general(&mut self, letter: u8, args: &mut Args<'_>) -> Result<bool> {
        match letter {
            b't' => {
                let word = args.value("a table")?;
                let found = TableName::from_name(&word.text).ok_or_else(|| {
                    let problem = format!("there is no table `{}`", word.text);
                    TextError::new(word.span.clone(), problem)
                        .did_you_mean(&word.text, TableName::ALL.map(TableName::as_str))
                })?;
                self.table = Some((found, word.span));
            }
            b'w' => drop(args.operand()),
            b'v' | b'n' | b'4' => {}
            b'6' => return Err(TextError::unknown(args.span(), "IPv6")),
            b'L' | b'S' => {
                return Err(args.error("this lists rules, and changes none"));
            }
            _ => {
                let at = args.span();
                let Some(verb) = verb(letter, args)? else { return Ok(false) };
                if self.verb.replace((verb, at.clone())).is_some() {
                    return Err(TextError::new(at, "one command does one thing: this is the second"));
                }
            }
        }
        args.plain()
    }

    /// The options of a rule that need no `-m`.
    fn header(&mut self, letter: u8, args: &mut Args<'_>) -> Result<bool> {
        let option = args.name();
        let twice = |taken: bool, at: &Args<'_>| {
            if taken { Err(at.error(format!("`{option}` can be given only once"))) } else { Ok(()) }
        };
        match letter {
            b's' => {
                twice(self.header.source.is_some(), args)?;
                self.header.source = network(args)?;
            }
            b'd' => {
                twice(self.header.destination.is_some(), args)?;
                self.header.destination = network(args)?;
            }
            b'i' => {
                twice(self.header.in_device.is_some(), args)?;
                (self.header.in_device, self.in_device) = device(args)?;
            }
            b'o' => {
                twice(self.header.out_device.is_some(), args)?;
                (self.header.out_device, self.out_device) = device(args)?;
            }
            b'p' => {
                twice(self.header.protocol.is_some(), args)?;
                let negated = args.negatable(()).negated;
                let word = args.value("a protocol")?;
                let found = value::protocol(&word)?;
                if negated && found.is_none() {
                    return Err(TextError::new(word.span, "a rule for no protocol at all would never match"));
                }
                self.header.protocol = found.map(|value| Negatable { value, negated });
            }
            b'c' => {
                args.plain()?;
                let packets = value::count(&args.value("a count of packets")?)?;
                let bytes = value::count(&args.value("a count of bytes")?)?;
                self.counter = Some(Counter { packets, bytes });
            }
            b'f' if self.keep => {
                let text = if args.negatable(()).negated { "! -f" } else { "-f" };
                // It is printed before every match.
                self.matches.insert(0, matches::Draft::unknown(text.to_owned(), args.span()));
            }
            b'f' => return Err(TextError::unknown(args.span(), "fragments (`-f`)")),
            b'm' => {
                args.plain()?;
                let word = args.value("a match")?;
                let draft = match matches::Draft::new(&word.text, word.span.clone()) {
                    Some(draft) => draft,
                    None if self.keep => matches::Draft::unknown(format!("-m {}", word.text), word.span),
                    None => {
                        let error = TextError::unknown(word.span.clone(), format!("the match `{}`", word.text));
                        return Err(error.did_you_mean(&word.text, matches::KNOWN));
                    }
                };
                self.matches.push(draft);
                self.target_last = false;
            }
            b'j' | b'g' => {
                args.plain()?;
                let word = args.value("a target")?;
                if self.target.is_some() {
                    return Err(TextError::new(word.span, "a rule has one target: this is the second"));
                }
                let goto = letter == b'g';
                let draft = if goto { Ok(targets::Draft::goto(&word)) } else { targets::Draft::jump(&word, self.keep) };
                self.target = Some(draft?);
                self.target_last = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The options of matches and targets; what was loaded last gets them (`xtables_merge_options`).
    fn extension(&mut self, args: &mut Args<'_>) -> Result<bool> {
        if self.target_last && self.target_option(args)? {
            return Ok(true);
        }
        for draft in self.matches.iter_mut().rev() {
            match draft.take(args) {
                Ok(false) => {}
                Err(error) if error.unknown && self.keep => {
                    args.skip_values();
                    draft.keep(args);
                    return Ok(true);
                }
                taken => return taken,
            }
        }
        if !self.target_last && self.target_option(args)? {
            return Ok(true);
        }
        // `-p tcp --dport 80` brings `-m tcp` with it.
        let protocol = self.header.protocol.filter(|protocol| !protocol.negated);
        if let Some(mut draft) = protocol.and_then(|protocol| matches::Draft::implied(protocol.value, args.span()))
            && self.matches.iter().all(|other| other.name() != draft.name())
            && draft.take(args)?
        {
            self.matches.push(draft);
            return Ok(true);
        }
        Ok(false)
    }

    fn target_option(&mut self, args: &mut Args<'_>) -> Result<bool> {
        let Some(target) = &mut self.target else { return Ok(false) };
        match target.take(args) {
            Err(error) if error.unknown && self.keep => {
                args.skip_values();
                Ok(target.keep(args))
            }
            taken => taken,
        }
    }

    fn unknown_option(&self, args: &Args<'_>) -> TextError {
        let option = args.name();
        let owner = matches::KNOWN
            .into_iter()
            .find(|name| matches::options(name).iter().any(|(_, names)| names.contains(&option)));
        if let Some(owner) = owner {
            let error = args.error(format!("`{option}` is an option of `-m {owner}`, which is not loaded here"));
            return match owner {
                "tcp" => error.hint(format!("write `-p tcp` or `-p udp` before `{option}`")),
                "icmp" => error.hint(format!("write `-p icmp` before `{option}`")),
                _ => error.hint(format!("write `-m {owner}` before `{option}`")),
            };
        }
        let loaded = self.matches.iter().flat_map(|draft| matches::options(draft.name())).flat_map(|(_, names)| *names);
        let loaded = loaded.chain(self.target.iter().flat_map(targets::Draft::options));
        let known =
            loaded.chain(&["--source", "--destination", "--protocol", "--in-interface", "--out-interface", "--jump"]);
        TextError::unknown(args.span(), format!("the option `{option}`")).did_you_mean(option, known.copied())
    }

    fn finish(mut self, end: usize) -> Result<(Option<Given>, Action)> {
        let table = self.table.take();
        let Some((verb, _)) = self.verb.take() else {
            let error = TextError::new(0..end, "there is no command in this");
            return Err(error.hint("begin with -A CHAIN, -I CHAIN, -D CHAIN, -N CHAIN, -F, -X or -P"));
        };
        let action = match verb {
            Verb::Whole(action) => match self.rule_option {
                Some(at) => return Err(TextError::new(at, "this command takes no rule")),
                None => *action,
            },
            Verb::Delete(chain, Some(number)) => match self.rule_option {
                Some(at) => {
                    return Err(TextError::new(at, "a rule is deleted by its number or by its text, not by both"));
                }
                None => Action::DeleteNumber { chain, number },
            },
            Verb::Delete(chain, None) => Action::Delete { chain, rule: self.rule(end)? },
            Verb::Append(chain) => Action::Append { chain, rule: self.rule(end)? },
            Verb::Insert(chain, position) => Action::Insert { chain, position, rule: self.rule(end)? },
            Verb::Replace(chain, number) => Action::Replace { chain, number, rule: self.rule(end)? },
            Verb::Check(chain) => Action::Check { chain, rule: self.rule(end)? },
        };
        Ok((table, action))
    }

    /// The rule, with the checks that need all of it.
    fn rule(self, end: usize) -> Result<ParsedRule> {
        let protocol = self.header.protocol.filter(|protocol| !protocol.negated).map(|protocol| protocol.value);
        for draft in &self.matches {
            let needed = draft.protocols();
            if !needed.is_empty() && !protocol.is_some_and(|protocol| needed.contains(&protocol)) {
                let names: Vec<_> = needed.iter().take(2).map(|&number| protocol::name(number).unwrap_or("")).collect();
                let problem = format!("`-m {}` needs `-p {}`", draft.name(), names.join("` or `-p "));
                return Err(TextError::new(draft.span.clone(), problem));
            }
        }
        if let Some(target) = &self.target {
            if target.needs_tcp() && protocol != Some(protocol::TCP) {
                return Err(TextError::new(target.span.clone(), "a TCP reset can only answer TCP").hint("add `-p tcp`"));
            }
            let opens = |draft: &matches::Draft| draft.asks_for_syn();
            if target.needs_syn() && (protocol != Some(protocol::TCP) || !self.matches.iter().any(opens)) {
                let error = TextError::new(target.span.clone(), "`TCPMSS` works on the first packets of TCP alone");
                return Err(error.hint("add `-p tcp --syn`"));
            }
            // TCP, UDP, DCCP and SCTP (libipt_DNAT.c).
            let with_ports =
                protocol.is_some_and(|protocol| [protocol::TCP, protocol::UDP, 33, protocol::SCTP].contains(&protocol));
            if let Some(at) = target.ports.clone().filter(|_| !with_ports) {
                let problem = format!("`{}` to a port needs a protocol that has ports", target.name());
                return Err(TextError::new(at, problem).hint("add `-p tcp` or `-p udp`"));
            }
        }
        let target_span = self.target.as_ref().map_or(end..end, |target| target.span.clone());
        Ok(ParsedRule {
            header: self.header,
            matches: self.matches.into_iter().map(matches::Draft::finish).collect::<Result<_>>()?,
            target: self.target.map_or(Ok(ParsedTarget::Known(Target::Continue)), targets::Draft::finish)?,
            counter: self.counter,
            in_device: self.in_device,
            out_device: self.out_device,
            target_span,
        })
    }
}

/// The options of `iptables` itself that have a letter, in order, each without its dashes (`original_opts` in `iptables.c`).
const LONG: [(&str, u8); 34] = [
    ("append", b'A'),
    ("check", b'C'),
    ("delete", b'D'),
    ("delete-chain", b'X'),
    ("destination", b'd'),
    ("dst", b'd'),
    ("flush", b'F'),
    ("fragment", b'f'),
    ("fragments", b'f'),
    ("goto", b'g'),
    ("in-interface", b'i'),
    ("insert", b'I'),
    ("ipv4", b'4'),
    ("ipv6", b'6'),
    ("jump", b'j'),
    ("list", b'L'),
    ("list-rules", b'S'),
    ("match", b'm'),
    ("new", b'N'),
    ("new-chain", b'N'),
    ("numeric", b'n'),
    ("out-interface", b'o'),
    ("policy", b'P'),
    ("proto", b'p'),
    ("protocol", b'p'),
    ("rename-chain", b'E'),
    ("replace", b'R'),
    ("set-counters", b'c'),
    ("source", b's'),
    ("src", b's'),
    ("table", b't'),
    ("verbose", b'v'),
    ("wait", b'w'),
    ("zero", b'Z'),
];

/// The letter of an option of `iptables` itself, however it is written; 0 for all others, which belong to matches and targets.
fn letter(option: &str) -> u8 {
    match option.as_bytes() {
        [b'-', letter] => *letter,
        _ => option
            .strip_prefix("--")
            .and_then(|name| LONG.binary_search_by_key(&name, |(long, _)| long).ok())
            .map_or(0, |at| LONG[at].1),
    }
}

/// The command of that letter, if it is one's.
fn verb(letter: u8, args: &mut Args<'_>) -> Result<Option<Verb>> {
    let chain = |args: &mut Args<'_>| args.value("a chain").map(Named::from);
    Ok(Some(match letter {
        b'A' => Verb::Append(chain(args)?),
        b'I' => {
            let chain = chain(args)?;
            let position = args.operand().map(|word| rule_number(&word)).transpose()?;
            Verb::Insert(chain, position)
        }
        b'R' => {
            let chain = chain(args)?;
            Verb::Replace(chain, rule_number(&args.value("the number of a rule")?)?)
        }
        b'D' => {
            let chain = chain(args)?;
            let number = args.operand().map(|word| rule_number(&word)).transpose()?;
            Verb::Delete(chain, number)
        }
        b'C' => Verb::Check(chain(args)?),
        b'N' => Verb::whole(Action::NewChain(chain(args)?)),
        b'X' => Verb::whole(Action::DeleteChain(args.operand().map(Named::from))),
        b'F' => Verb::whole(Action::Flush(args.operand().map(Named::from))),
        b'Z' => Verb::whole(Action::Zero(args.operand().map(Named::from))),
        b'P' => {
            let chain = chain(args)?;
            let word = args.value("`ACCEPT` or `DROP`")?;
            let policy = value::one_of(&word, &word.text, &POLICIES, "a policy: `ACCEPT` or `DROP`")?;
            Verb::whole(Action::Policy(chain, policy))
        }
        b'E' => return Err(TextError::unknown(args.span(), "the renaming of chains")),
        _ => return Ok(None),
    }))
}

/// The policies with their names.
pub(super) const POLICIES: [(Policy, &str); 2] = [(Policy::Accept, "ACCEPT"), (Policy::Drop, "DROP")];

fn rule_number(word: &Word<'_>) -> Result<(u32, Range<usize>)> {
    match word.text.parse() {
        Ok(number) if number > 0 => Ok((number, word.span.clone())),
        _ => Err(TextError::new(word.span.clone(), format!("`{}` is not the number of a rule, from 1", word.text))),
    }
}

fn network(args: &mut Args<'_>) -> Result<Option<Negatable<ipnet::Ipv4Net>>> {
    let negated = args.negatable(()).negated;
    let value = value::network(&args.value("an address")?)?;
    // `-s 0.0.0.0/0` is no condition, and iptables-save does not print it.
    Ok((negated || value.prefix_len() > 0).then_some(Negatable { value, negated }))
}

type Device = (Option<Negatable<crate::packet::DevicePattern>>, Range<usize>);

fn device(args: &mut Args<'_>) -> Result<Device> {
    let negated = args.negatable(()).negated;
    let word = args.value("a device")?;
    let value = value::device(&word)?;
    // Nor is `-i +`.
    Ok(((negated || word.text != "+").then_some(Negatable { value, negated }), word.span))
}

#[cfg(test)]
mod tests;
