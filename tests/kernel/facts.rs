//! Facts of the kernel, one scenario each: the model does the same, and the kernel does what the name says.

use crate::case::Case;
use crate::compare::{self, Listing};
use crate::linux::Linux;
use crate::ready::in_own_thread;

/// Runs a case on both sides, and gives what the kernel did in each step.
#[track_caller]
fn agree(case: &'static str, check: impl FnOnce(&[Vec<String>]) + Send + 'static) {
    in_own_thread(move || {
        let case: Case = case.parse()?;
        let outcome = compare::run(&mut Linux::new()?, &case, &case, Listing::Always)?;
        if let Some(difference) = outcome.difference {
            return Err(format!("kernel and model differ\n{difference}").into());
        }
        check(&outcome.kernel);
        Ok(())
    });
}

#[test]
fn a_reply_is_un_translated_in_two_steps() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
-A POSTROUTING -o cali2 -j MASQUERADE
COMMIT
*mangle
-A FORWARD -j ACCEPT
COMMIT
send client 10.0.0.2:40003 > 10.96.0.10:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40003 > 10.96.0.10:80 tcp ACK seq 1001 ack 5001
",
        |steps| {
            assert!(steps[0].iter().any(|line| line.starts_with("to pod2: 10.0.0.1:40003 > 10.244.0.2:8080")));
        },
    );
}
