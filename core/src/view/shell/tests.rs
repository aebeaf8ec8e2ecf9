use super::*;

fn problem(text: &str) -> (String, String) {
    let error = Command::parse(text).expect_err("it is wrong");
    (text[error.at].to_owned(), error.hint)
}

#[test]
fn letters_may_stand_together() {
    let command = Command::parse("iptables -t nat -nvL KUBE-SERVICES --line-numbers").expect("it is right");
    let Look::Iptables(listing) = command.look else { panic!("a listing") };
    assert_eq!((listing.table, listing.chain.as_deref()), (TableName::Nat, Some("KUBE-SERVICES")));
    assert!(listing.numeric && listing.verbose && listing.line_numbers && !listing.exact);
}

#[test]
fn a_listing_is_told_from_a_change() {
    assert!(Listing::is_asked_for("-t nat -L"));
    assert!(Listing::is_asked_for("-nvL INPUT"));
    assert!(!Listing::is_asked_for("-t nat -A POSTROUTING -j LOG --log-prefix \"-L is no option\""));
    assert!(!Listing::is_asked_for("-A INPUT -p tcp -j ACCEPT"));
}

#[test]
fn what_is_not_known_is_told_with_its_place() {
    assert_eq!(problem("iptable -L"), ("iptable".into(), "did you mean `iptables`?".into()));
    assert_eq!(problem("iptables -t nta -L").0, "nta");
    assert_eq!(problem("iptables-save | sort").0, "sort");
    assert_eq!(problem("conntrack -L -p sctp").0, "sctp");
    assert_eq!(problem("cat /etc/passwd").0, "/etc/passwd");
    assert_eq!(problem("iptables -n").0, "");
}

#[test]
fn grep_keeps_lines() {
    let command = Command::parse("iptables-save | grep 'a b' | grep -v x").expect("it is right");
    let text = command.pipe.iter().fold("a b\na b x\nc\n".to_owned(), |text, grep| grep.filter(&text));
    assert_eq!(text, "a b\n");
    let command = Command::parse("iptables-save | grep -iE 'x|c'");
    assert!(command.is_err(), "flags stand one by one");
    let command = Command::parse("iptables-save | grep -i -E 'X|c'").expect("it is right");
    let text = command.pipe.iter().fold("a b\na b x\nC\n".to_owned(), |text, grep| grep.filter(&text));
    assert_eq!(text, "a b x\nC\n");
    assert_eq!(problem("iptables-save | grep -c x").0, "-c");
}
