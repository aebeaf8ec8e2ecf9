//! Two tests of the suite itself: a case that is given, and a case that must fail.

use netscene_core::netfilter::Backend;

use crate::case::Case;
use crate::compare::{self, Listing};
use crate::linux::Linux;
use crate::ready::in_own_thread;

/// Runs the case in the file that `NETSCENE_KERNEL_CASE` names, as a failing run has written it, and prints what the
/// kernel does.
#[test]
fn replay() {
    let Some(path) = std::env::var_os("NETSCENE_KERNEL_CASE") else { return };
    in_own_thread(move || {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let case: Case = text.parse()?;
        let outcome = compare::run(&mut Linux::new(Backend::Legacy)?, &case, &case, Listing::Always)?;
        #[expect(clippy::print_stdout, reason = "who replays a case wants to read it")]
        for (step, lines) in case.steps.iter().zip(&outcome.kernel) {
            println!("{step}\n  {}", lines.join("\n  "));
        }
        match outcome.difference {
            Some(difference) => Err(format!("kernel and model differ\n{difference}").into()),
            None => Ok(()),
        }
    });
}

/// The same packets, but each time one fact of the model's rules is another one: every one of them has to be noticed.
#[test]
fn a_difference_is_noticed() {
    const RULES: &str = "*raw
-A PREROUTING -i eth0
COMMIT
*mangle
:mine - [0:0]
-A PREROUTING -j mine
-A mine -j MARK --set-xmark 0x4000/0x4000
-A mine -j RETURN
-A POSTROUTING
COMMIT
*nat
-A PREROUTING -d 10.96.0.10/32 -p udp -j DNAT --to-destination 10.244.0.2:53
-A POSTROUTING -o cali2 -j MASQUERADE
COMMIT
send client 10.0.0.2:40003 > 10.96.0.10:5353 udp data 5
reply udp data 7
send client 10.0.0.2:40004 > 10.0.0.1:81 udp data 5
";
    const CHANGES: [(&str, &str, usize); 7] = [
        // A rule less.
        ("-A PREROUTING -i eth0\n", "", 0),
        // Another device.
        ("-i eth0", "-i cali1", 0),
        // Another mark.
        ("0x4000/0x4000", "0x8000/0x8000", 0),
        // A chain that ends otherwise.
        ("-A mine -j RETURN\n", "", 0),
        // Another port behind the translation.
        ("10.244.0.2:53", "10.244.0.2:54", 0),
        // No second translation.
        ("-j MASQUERADE", "-j ACCEPT", 0),
        // An answer that is dropped.
        ("-A POSTROUTING\n", "-A POSTROUTING -o eth0 -s 10.244.0.2 -j DROP\n", 1),
    ];
    in_own_thread(|| {
        let case: Case = RULES.parse()?;
        let mut linux = Linux::new(Backend::Legacy)?;
        let outcome = compare::run(&mut linux, &case, &case, Listing::Always)?;
        if let Some(difference) = outcome.difference {
            return Err(format!("kernel and model differ\n{difference}").into());
        }
        for (from, to, step) in CHANGES {
            let changed: Case = RULES.replace(from, to).parse()?;
            let found = compare::run(&mut linux, &case, &changed, Listing::Always)?.difference;
            let found = found.ok_or_else(|| format!("nobody notices `{to}` in the place of `{from}`"))?;
            if found.step > step {
                return Err(format!("`{to}` in the place of `{from}` is noticed late:\n{found}").into());
            }
        }
        Ok(())
    });
}
