//! `-m conntrack` and `-m state`.

use super::super::{Args, value};
use super::{Result, Spelling};
use crate::netfilter::{Conntrack, CtDirection, CtStates, CtStatuses, Negatable, PortRange};

pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "state" => &[("--state", &["--state"])],
        _ => &[
            ("--ctstate", &["--ctstate"]),
            ("--ctproto", &["--ctproto"]),
            ("--ctorigsrc", &["--ctorigsrc"]),
            ("--ctorigdst", &["--ctorigdst"]),
            ("--ctreplsrc", &["--ctreplsrc"]),
            ("--ctrepldst", &["--ctrepldst"]),
            ("--ctorigsrcport", &["--ctorigsrcport"]),
            ("--ctorigdstport", &["--ctorigdstport"]),
            ("--ctreplsrcport", &["--ctreplsrcport"]),
            ("--ctrepldstport", &["--ctrepldstport"]),
            ("--ctstatus", &["--ctstatus"]),
            ("--ctexpire", &["--ctexpire"]),
            ("--ctdir", &["--ctdir"]),
        ],
    }
}

pub(super) fn conntrack(found: &mut Conntrack, option: &str, args: &mut Args<'_>) -> Result<()> {
    match option {
        "--ctstate" => found.states = Some(states(args, &CtStates::NAMED)?),
        "--ctproto" => {
            let negated = args.negatable(()).negated;
            let word = args.value("a protocol")?;
            // Protocol 0 is one of its own here, which no connection has.
            found.protocol = Some(Negatable { value: value::protocol(&word)?.unwrap_or(0), negated });
        }
        "--ctorigsrc" => found.original_source = Some(network(args)?),
        "--ctorigdst" => found.original_destination = Some(network(args)?),
        "--ctreplsrc" => found.reply_source = Some(network(args)?),
        "--ctrepldst" => found.reply_destination = Some(network(args)?),
        "--ctorigsrcport" => found.original_source_port = Some(ports(args)?),
        "--ctorigdstport" => found.original_destination_port = Some(ports(args)?),
        "--ctreplsrcport" => found.reply_source_port = Some(ports(args)?),
        "--ctrepldstport" => found.reply_destination_port = Some(ports(args)?),
        "--ctstatus" => {
            let negated = args.negatable(()).negated;
            let word = args.value("a list such as ASSURED,CONFIRMED")?;
            let value = word.text.split(',').try_fold(CtStatuses::default(), |all, name| {
                value::one_of(&word, name, &CtStatuses::NAMED, "something known of connections")
                    .map(|one| all.with(one))
            })?;
            found.status = Some(Negatable { value, negated });
        }
        "--ctexpire" => {
            let negated = args.negatable(()).negated;
            let value = value::range(&args.value("seconds, or a range such as 10:60")?, ':')?;
            found.expires = Some(Negatable { value, negated });
        }
        _ => {
            args.plain()?;
            let word = args.value("`ORIGINAL` or `REPLY`")?;
            let known = [(CtDirection::Original, "ORIGINAL"), (CtDirection::Reply, "REPLY")];
            found.direction = Some(value::one_of(&word, &word.text, &known, "a direction: `ORIGINAL` or `REPLY`")?);
        }
    }
    Ok(())
}

fn network(args: &mut Args<'_>) -> Result<Negatable<ipnet::Ipv4Net>> {
    let negated = args.negatable(()).negated;
    Ok(Negatable { value: value::masked(&args.value("an address")?)?, negated })
}

fn ports(args: &mut Args<'_>) -> Result<Negatable<PortRange>> {
    args.ports()
}

pub(super) fn states(args: &mut Args<'_>, known: &[(CtStates, &'static str)]) -> Result<Negatable<CtStates>> {
    let negated = args.negatable(()).negated;
    let word = args.value("a list of states such as RELATED,ESTABLISHED")?;
    let states = word.text.split(',').try_fold(CtStates::default(), |states, name| {
        value::one_of(&word, name, known, "a state of connections").map(|state| states.with(state))
    })?;
    Ok(Negatable { value: states, negated })
}
