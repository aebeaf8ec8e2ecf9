//! `-m set`, `-m physdev`, `-m pkttype`, `-m owner` and `-m nfacct`.

use super::super::{Args, value};
use super::{Result, Spelling};
use crate::netfilter::text::TextError;
use crate::netfilter::{IdRange, Negatable, Owner, Physdev, SetDirection, SetMatch};

pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "set" => &[("--match-set", &["--match-set"])],
        "physdev" => &[
            ("--physdev-in", &["--physdev-in"]),
            ("--physdev-is-in", &["--physdev-is-in"]),
            ("--physdev-out", &["--physdev-out"]),
            ("--physdev-is-out", &["--physdev-is-out"]),
            ("--physdev-is-bridged", &["--physdev-is-bridged"]),
        ],
        "pkttype" => &[("--pkt-type", &["--pkt-type"])],
        "owner" => &[
            ("--uid-owner", &["--uid-owner"]),
            ("--gid-owner", &["--gid-owner"]),
            ("--socket-exists", &["--socket-exists"]),
        ],
        _ => &[("--nfacct-name", &["--nfacct-name"])],
    }
}

pub(super) fn set(args: &mut Args<'_>) -> Result<Negatable<SetMatch>> {
    let negated = args.negatable(()).negated;
    let name = args.value("the name of an ipset")?;
    let sides = args.value("`src`, `dst` or a list of them")?;
    let known = [(SetDirection::Source, "src"), (SetDirection::Destination, "dst")];
    let directions = sides.text.split(',').map(|side| value::one_of(&sides, side, &known, "`src` or `dst`"));
    let directions = directions.collect::<Result<_>>()?;
    Ok(Negatable { value: SetMatch { name: name.text.as_ref().into(), directions }, negated })
}

pub(super) fn physdev(found: &mut Physdev, option: &str, args: &mut Args<'_>) -> Result<()> {
    let negated = args.negatable(()).negated;
    match option {
        "--physdev-is-in" => found.is_in = Some(negated),
        "--physdev-is-out" => found.is_out = Some(negated),
        "--physdev-is-bridged" => found.is_bridged = Some(negated),
        _ => {
            let value = value::device(&args.value("a device")?)?;
            let side = if option == "--physdev-in" { &mut found.in_device } else { &mut found.out_device };
            *side = Some(Negatable { value, negated });
        }
    }
    Ok(())
}

pub(super) fn owner(found: &mut Owner, option: &str, args: &mut Args<'_>) -> Result<()> {
    let negated = args.negatable(()).negated;
    if option == "--socket-exists" {
        found.socket = Some(negated);
        return Ok(());
    }
    let word = args.value("a number, or a range such as 0-1000")?;
    let value = match word.text.as_ref() {
        // The one name that every machine has, and with one meaning.
        "root" => IdRange { first: 0, last: 0 },
        text if text.starts_with(|letter: char| letter.is_ascii_digit()) => {
            let (first, last) = value::range(&word, '-')?;
            IdRange { first, last }
        }
        text => return Err(TextError::unknown(word.span.clone(), format!("the number of the name `{text}`"))),
    };
    let side = if option == "--uid-owner" { &mut found.user } else { &mut found.group };
    *side = Some(Negatable { value, negated });
    Ok(())
}
