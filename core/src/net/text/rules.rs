use std::fmt;

use super::{Shown, TextError, Words, lines, table_name, table_number};
use crate::net::rules::{PolicyRule, RuleAction};

const TOOL: &str = "ip rule";

/// The lines of `ip rule`.
///
/// ```
/// use netscene_core::net::text::Rules;
/// let text = "0:\tfrom all lookup local\n100:\tfrom all fwmark 0x7/0xff lookup 100\n32766:\tfrom all lookup main\n";
/// assert_eq!(text.parse::<Rules>()?.to_string(), text);
/// # Ok::<(), netscene_core::net::text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(pub Vec<PolicyRule>);

impl std::str::FromStr for Rules {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        lines(text).map(|(number, line)| read(number, line)).collect::<Result<_, _>>().map(Self)
    }
}

/// A number as `ip` writes it: hexadecimal with `0x`, or decimal.
fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

fn read(line: usize, text: &str) -> Result<PolicyRule, TextError> {
    let (priority, rest) = text.split_once(':').unwrap_or(("", text));
    let mut words = Words::new(TOOL, line, rest);
    let priority = priority.trim().parse().map_err(|_| words.error("a rule begins with its priority and a colon"))?;
    let mut rule = PolicyRule::all(priority, RuleAction::Nop);
    let (mut unknown, mut action) = (Vec::new(), None);
    while let Some(word) = words.next() {
        match word {
            "not" => rule.not = true,
            "from" => rule.from = Some(words.network(word)?).filter(|from| from.prefix_len() > 0),
            "to" => rule.to = Some(words.network(word)?).filter(|to| to.prefix_len() > 0),
            "tos" | "dsfield" => {
                let value = words.need(word)?;
                let tos = number(value).and_then(|tos| u8::try_from(tos).ok());
                rule.tos = Some(tos.ok_or_else(|| words.error(format!("`{value}` is no type of service")))?);
            }
            "fwmark" => {
                let value = words.need(word)?;
                let (mark, mask) = value.split_once('/').map_or((value, "0xffffffff"), |both| both);
                let both = number(mark).zip(number(mask));
                rule.fwmark = Some(both.ok_or_else(|| words.error(format!("`{value}` is no mark")))?);
            }
            "iif" => rule.iif = Some(words.value(word)?),
            "oif" => rule.oif = Some(words.value(word)?),
            "lookup" => {
                let name = words.need(word)?;
                let numbers = "is a table by name: only local, main, default and numbers are known (`ip -N`)";
                let table = table_number(name).ok_or_else(|| words.error(format!("`{name}` {numbers}")))?;
                action = Some(RuleAction::Lookup(table));
            }
            "suppress_prefixlength" => rule.suppress = Some(words.value(word)?),
            "goto" => action = Some(RuleAction::Goto(words.value(word)?)),
            "nop" => action = Some(RuleAction::Nop),
            "unreachable" => action = Some(RuleAction::Unreachable),
            "blackhole" => action = Some(RuleAction::Blackhole),
            "prohibit" => action = Some(RuleAction::Prohibit),
            _ => unknown.push(word),
        }
    }
    match action {
        Some(action) => rule.action = action,
        // An action of a kind that the model does not know: `l3mdev`'s table, `realms`, and what is to come.
        None if !unknown.is_empty() => {}
        None => return Err(words.error("it says neither which table to ask nor what to do")),
    }
    rule.unknown = (!unknown.is_empty()).then(|| unknown.join(" ").into());
    Ok(rule)
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|rule| write_rule(rule, f))
    }
}

fn write_rule(rule: &PolicyRule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}:\t{}from ", rule.priority, if rule.not { "not " } else { "" })?;
    match rule.from {
        Some(from) => write!(f, "{}", Shown(from))?,
        None => f.write_str("all")?,
    }
    if let Some(to) = rule.to {
        write!(f, " to {}", Shown(to))?;
    }
    if let Some(tos) = rule.tos {
        write!(f, " tos {tos:#x}")?;
    }
    match rule.fwmark {
        Some((mark, u32::MAX)) => write!(f, " fwmark {mark:#x}")?,
        Some((mark, mask)) => write!(f, " fwmark {mark:#x}/{mask:#x}")?,
        None => {}
    }
    if let Some(iif) = rule.iif {
        write!(f, " iif {iif}")?;
    }
    if let Some(oif) = rule.oif {
        write!(f, " oif {oif}")?;
    }
    if let Some(unknown) = &rule.unknown {
        write!(f, " {unknown}")?;
    }
    match rule.action {
        RuleAction::Lookup(table) => write!(f, " lookup {}", table_name(table))?,
        RuleAction::Goto(priority) => write!(f, " goto {priority}")?,
        RuleAction::Unreachable => f.write_str(" unreachable")?,
        RuleAction::Blackhole => f.write_str(" blackhole")?,
        RuleAction::Prohibit => f.write_str(" prohibit")?,
        RuleAction::Nop if rule.unknown.is_some() => {}
        RuleAction::Nop => f.write_str(" nop")?,
    }
    if let Some(suppress) = rule.suppress {
        write!(f, " suppress_prefixlength {suppress}")?;
    }
    f.write_str("\n")
}
