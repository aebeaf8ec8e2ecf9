//! What is refused, and where the finger points.

use super::{Action, ParsedTarget, parse};
use crate::netfilter::text::{apply, rule_text};
use crate::netfilter::{Ruleset, TableName, Target};

/// The text with `^` under what an error points at, the problem, and the hint.
fn refusal(text: &str) -> String {
    let error = match parse(text) {
        Err(error) => error,
        Ok(_) => apply(&mut Ruleset::default(), text).expect_err("this should have been refused"),
    };
    let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let unknown = if error.unknown { "unknown: " } else { "" };
    format!("[{}] {unknown}{}{hint}", &text[error.span], error.problem)
}

#[test]
fn what_cannot_be_read_is_pointed_at() {
    for (text, expected) in [
        (
            "-A INPUT -s 10.0.0.1,10.0.0.2 -j DROP",
            "[10.0.0.1,10.0.0.2] several addresses in one rule: the model takes one, as the kernel does (write one rule for each address)",
        ),
        (
            "-A INPUT -s 10.0.0.1/33",
            "[10.0.0.1/33] `10.0.0.1/33` is not an IPv4 address or network such as 10.96.0.10 or 192.168.0.0/16",
        ),
        ("-A INPUT -p tcp --dport 70000", "[70000] `70000` is not a port from 0 to 65535"),
        ("-A INPUT -p tcp --dport 80:20", "[80:20] the ports of `80:20` run backwards"),
        ("-A INPUT -p tcp --dport", "[--dport] `--dport` needs a port"),
        (
            "-A INPUT --dport 80",
            "[--dport] `--dport` is an option of `-m tcp`, which is not loaded here (write `-p tcp` or `-p udp` before `--dport`)",
        ),
        ("-A INPUT -p tcp --dport ! 80", "[!] `!` stands behind its option (write the `!` before `--dport`)"),
        ("-A INPUT ! -j DROP", "[!] `!` cannot stand before `-j`"),
        ("-A INPUT ! -m comment --comment x", "[!] `!` cannot stand before `-m`"),
        ("-A INPUT -m comment ! --comment x", "[!] `!` cannot stand before `--comment`"),
        ("-A INPUT -m tcp --dport 80", "[tcp] `-m tcp` needs `-p tcp`"),
        ("-A INPUT -m multiport --dports 80", "[multiport] `-m multiport` needs `-p tcp` or `-p udp`"),
        ("-A INPUT -m mark -j DROP", "[mark] `-m mark` needs `--mark`"),
        (
            "-A INPUT -m conntrack --ctstate NEW,ESTABLISHD",
            "[NEW,ESTABLISHD] `ESTABLISHD` is not a state of connections (did you mean `ESTABLISHED`?)",
        ),
        (
            "-A INPUT -m conntrak --ctstate NEW",
            "[conntrak] unknown: the model does not know the match `conntrak` (did you mean `conntrack`?)",
        ),
        ("-A INPUT -m string --string x", "[string] unknown: the model does not know the match `string`"),
        ("-A INPUT -m conntrack --ctlabel x", "[--ctlabel] unknown: the model does not know the option `--ctlabel`"),
        ("-A INPUT -m recent --name x", "[recent] `-m recent` needs `--set`, `--rcheck`, `--update` or `--remove`"),
        ("-A INPUT -m limit --limit 5/year", "[5/year] `5/year` is not a rate such as 10/second"),
        (
            "-A INPUT -m limit --limit 1/day",
            "[limit] `-m limit` needs a smaller burst: the kernel cannot count as much credit as this one",
        ),
        ("-A INPUT -m hashlimit --hashlimit-upto 1/s", "[hashlimit] `-m hashlimit` needs `--hashlimit-name`"),
        ("-A INPUT -m length --length 9:5", "[9:5] the numbers of `9:5` run backwards"),
        (
            "-A INPUT -m owner --uid-owner alice",
            "[alice] unknown: the model does not know the number of the name `alice`",
        ),
        (
            "-t mangle -A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu",
            "[TCPMSS] `TCPMSS` works on the first packets of TCP alone (add `-p tcp --syn`)",
        ),
        ("-j CONNMARK -A INPUT", "[CONNMARK] `CONNMARK` needs `--set-mark`, `--save-mark` or `--restore-mark`"),
        (
            "-A INPUT -j LOG --log-prefx x",
            "[--log-prefx] unknown: the model does not know the option `--log-prefx` (did you mean `--log-prefix`?)",
        ),
        ("-A INPUT -j NFQUEUE --queue-num 1", "[NFQUEUE] unknown: the model does not know the target `NFQUEUE`"),
        ("-A INPUT -j MARK", "[MARK] `MARK` needs `--set-mark` or one of its kind"),
        ("-A INPUT -j DROP -j DROP", "[DROP] a rule has one target: this is the second"),
        ("-A INPUT -s 1.1.1.1 -s 2.2.2.2", "[-s] `-s` can be given only once"),
        (
            "-A INPUT -p udp -j REJECT --reject-with tcp-reset",
            "[REJECT] a TCP reset can only answer TCP (add `-p tcp`)",
        ),
        (
            "-t nat -A PREROUTING -j DNAT --to-destination 10.0.0.1:80",
            "[10.0.0.1:80] `DNAT` to a port needs a protocol that has ports (add `-p tcp` or `-p udp`)",
        ),
        ("-t nat -A PREROUTING -p tcp -j DNAT", "[DNAT] `DNAT` needs `--to-destination`"),
        ("-t natt -A PREROUTING", "[natt] there is no table `natt` (did you mean `nat`?)"),
        ("-A INPUT extra", "[extra] `extra` is not an option, and no option takes it"),
        ("-A INPUT -F", "[-F] one command does one thing: this is the second"),
        ("-F INPUT -j DROP", "[-j] this command takes no rule"),
        ("-L INPUT", "[-L] this lists rules, and changes none"),
        (
            "-s 10.0.0.1",
            "[-s 10.0.0.1] there is no command in this (begin with -A CHAIN, -I CHAIN, -D CHAIN, -N CHAIN, -F, -X or -P)",
        ),
        ("-A INPUT -m statistic --mode random --probability 1.5", "[1.5] `1.5` is not a probability from 0 to 1"),
        (
            "-A INPUT -i a-name-that-is-too-long",
            "[a-name-that-is-too-long] `a-name-that-is-too-long` cannot name a network device: 1 to 15 characters of ASCII without `/` and blanks",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn what_iptables_or_the_kernel_refuses_is_refused() {
    for (text, expected) in [
        ("-A INPT -j DROP", "[INPT] there is no chain `INPT` in table filter (did you mean `INPUT`?)"),
        (
            "-A PREROUTING -j DROP",
            "[PREROUTING] there is no chain `PREROUTING` in table filter (table raw has one: `-t raw`)",
        ),
        (
            "-A KUBE-FORWARD -j DROP",
            "[KUBE-FORWARD] there is no chain `KUBE-FORWARD` in table filter (make the chain first: `-t filter -N KUBE-FORWARD`)",
        ),
        ("-A INPUT -j ACEPT", "[ACEPT] there is no chain or target `ACEPT` in table filter (did you mean `ACCEPT`?)"),
        (
            "-A INPUT -g ACCEPT",
            "[ACCEPT] there is no chain `ACCEPT` in table filter (make the chain first: `-t filter -N ACCEPT`)",
        ),
        (
            "-A INPUT -j FORWARD",
            "[FORWARD] `FORWARD` is a built-in chain: packets come there by their hook, not by a jump",
        ),
        ("-A INPUT -o eth0", "[eth0] `-o` has no meaning in INPUT: iptables refuses it there"),
        ("-t nat -A POSTROUTING -i eth0", "[eth0] `-i` has no meaning in POSTROUTING: iptables refuses it there"),
        ("-A INPUT -j MASQUERADE", "[MASQUERADE] `MASQUERADE` is only for table nat, and this is filter"),
        (
            "-t nat -A PREROUTING -j MASQUERADE",
            "[MASQUERADE] `MASQUERADE` cannot be reached from PREROUTING, and this chain is",
        ),
        (
            "-t nat -A POSTROUTING -j DNAT --to-destination 1.1.1.1",
            "[DNAT] `DNAT` cannot be reached from POSTROUTING, and this chain is",
        ),
        ("-A INPUT -m owner --uid-owner 0", "[] `-m owner` cannot be reached from INPUT, and this chain is"),
        ("-A INPUT -j NOTRACK", "[NOTRACK] `NOTRACK` is only for table raw, and this is filter"),
        ("-t nat -A PREROUTING -j REJECT", "[REJECT] `REJECT` is only for table filter, and this is nat"),
        (
            "-t nat -A PREROUTING -j DROP",
            "[DROP] table nat sees only first packets, and iptables refuses to filter there (drop in table filter)",
        ),
        ("-I INPUT 3 -j DROP", "[3] 3 is out of range: chain `INPUT` goes up to 1 here"),
        ("-D INPUT 1", "[1] 1 is out of range: chain `INPUT` goes up to 0 here"),
        ("-D INPUT -j DROP", "[INPUT -j DROP] chain `INPUT` has no such rule"),
        ("-C INPUT -j DROP", "[INPUT -j DROP] chain `INPUT` has no such rule"),
        ("-N INPUT", "[INPUT] chain `INPUT` is in table filter already"),
        ("-N ACCEPT", "[ACCEPT] this is the name of a target"),
        (
            "-N a-chain-whose-name-is-far-too-long",
            "[a-chain-whose-name-is-far-too-long] a chain's name has at most 28 characters",
        ),
        ("-X INPUT", "[INPUT] chain `INPUT` is built in and cannot be deleted"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn a_refused_command_leaves_the_rules_as_they_were() {
    let mut rules = Ruleset::default();
    for command in ["-N a", "-N b", "-A a -j b", "-A INPUT -j a"] {
        apply(&mut rules, command).unwrap();
    }
    let before = crate::netfilter::text::save(&rules, &[TableName::Filter], true);
    let error = apply(&mut rules, "-A b -j a").unwrap_err();
    assert_eq!((error.problem.as_str(), error.span), ("the jump to `a` makes a loop", 8..9));
    assert_eq!(
        apply(&mut rules, "-X b").unwrap_err().problem,
        "chain `b` is not empty".replace("not empty", "still the target of a rule")
    );
    assert_eq!(apply(&mut rules, "-X a").unwrap_err().problem, "chain `a` is not empty");
    assert_eq!(crate::netfilter::text::save(&rules, &[TableName::Filter], true), before);
}

#[test]
fn commands_do_what_iptables_does() {
    let mut rules = Ruleset::default();
    for command in [
        "iptables -w 5 -N web",
        "iptables --append web --protocol tcp --destination-port http --jump ACCEPT",
        "iptables -I web -s 10.0.0.0/8 -jRETURN",
        "iptables -I web 2 -p udp --dport=53 -j DROP -c 3 180",
        "iptables -R web 1 --source 10.1.2.3/255.255.0.0 -j RETURN",
        "iptables -A INPUT -j web",
        "iptables -C INPUT -j web",
        "iptables -P INPUT DROP",
        "iptables -A web -j LOG --log-prefix 0123456789012345678901234567890123456789",
        "iptables -D web -p tcp --dport 80 -j ACCEPT",
    ] {
        apply(&mut rules, command).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
    let expected = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:web - [0:0]\n\
                    [0:0] -A INPUT -j web\n\
                    [0:0] -A web -s 10.1.0.0/16 -j RETURN\n\
                    [3:180] -A web -p udp -m udp --dport 53 -j DROP\n\
                    [0:0] -A web -j LOG --log-prefix 01234567890123456789012345678\nCOMMIT\n";
    assert_eq!(crate::netfilter::text::save(&rules, &[TableName::Filter], true), expected);
    for command in ["-Z", "-D INPUT 1", "-F web", "-X web", "-P INPUT ACCEPT"] {
        apply(&mut rules, command).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
    let empty = crate::netfilter::text::save(&Ruleset::default(), &[TableName::Filter], true);
    assert_eq!(crate::netfilter::text::save(&rules, &[TableName::Filter], true), empty);
}

#[test]
fn the_forms_that_felix_writes_are_read() {
    let mut rules = Ruleset::default();
    for command in ["-t nat -N cali-POSTROUTING", "-t mangle -N cali-x", "-t raw -N cali-x"] {
        apply(&mut rules, command).unwrap();
    }
    for (table, chain, felix, saved) in [
        ("mangle", "cali-x", "--jump MARK --set-mark 0/0xf0000", "-j MARK --set-xmark 0x0/0xf0000"),
        (
            "mangle",
            "cali-x",
            "--in-interface cali+ --jump MARK --set-mark 0x40000/0x40000",
            "-i cali+ -j MARK --set-xmark 0x40000/0x40000",
        ),
        (
            "mangle",
            "cali-x",
            "-m conntrack --ctstate RELATED,ESTABLISHED --jump ACCEPT",
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        ),
        ("mangle", "cali-x", "-m conntrack ! --ctstate NEW --jump ACCEPT", "-m conntrack ! --ctstate NEW -j ACCEPT"),
        (
            "mangle",
            "cali-x",
            "-p 4 -m comment --comment \"Allow IPIP packets\" --jump ACCEPT",
            "-p ipencap -m comment --comment \"Allow IPIP packets\" -j ACCEPT",
        ),
        (
            "mangle",
            "cali-x",
            "-p tcp -m multiport --destination-ports 22,80:90 --jump ACCEPT",
            "-p tcp -m multiport --dports 22,80:90 -j ACCEPT",
        ),
        (
            "raw",
            "cali-x",
            "-m mark --mark 0x40000/0x40000 -m rpfilter --invert --jump DROP",
            "-m mark --mark 0x40000/0x40000 -m rpfilter --invert -j DROP",
        ),
        (
            "nat",
            "cali-POSTROUTING",
            "-m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst --jump MASQUERADE --random-fully",
            "-m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst -j MASQUERADE --random-fully",
        ),
        (
            "nat",
            "cali-POSTROUTING",
            "-o tunl0 -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL --jump MASQUERADE",
            "-o tunl0 -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE",
        ),
    ] {
        apply(&mut rules, &format!("-t {table} -A {chain} {felix}")).unwrap_or_else(|error| panic!("{felix}: {error}"));
        let table = rules.table(TableName::from_name(table).unwrap());
        let rule = table.chain_id(chain).and_then(|id| table.chain(id)).and_then(|chain| chain.rules().last());
        assert_eq!(rule_text(rule.unwrap(), table), saved);
    }
}

#[test]
fn a_rule_may_have_no_target() {
    let command = parse("-A KUBE-FW-X -m comment --comment \"other traffic\"").unwrap();
    let Action::Append { rule, .. } = command.action else { panic!("{command:?}") };
    assert_eq!(rule.target, ParsedTarget::Known(Target::Continue));
}

#[test]
fn a_text_may_be_an_exclamation_mark() {
    let line = "-A FORWARD -m comment --comment \"!\" -j LOG --log-prefix \"!\"";
    let mut rules = Ruleset::default();
    apply(&mut rules, line).expect("iptables 1.8.9 takes it");
    let table = rules.table(TableName::Filter);
    let chain = table.chain(table.chain_id("FORWARD").expect("it is built in")).expect("it is there");
    assert_eq!(format!("-A FORWARD {}", rule_text(&chain.rules()[0], table)), line);
}
