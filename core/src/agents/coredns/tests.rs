use super::QueryType::{A, Aaaa, Cname, Ns, Other, Ptr, Soa, Srv, Txt};
use super::*;
use crate::kube::validate::tests::{declare, node, plain_pod, plain_service, pod, service_port};
use crate::kube::{Cluster, Labels, Object, Pod, PodDns, ServiceType, TransportProtocol, Version};

fn cluster() -> State {
    let mut state = State::new(0);
    declare(&mut state, node("a", "10.1.110.107", "192.168.8.192/26"));
    declare(&mut state, pod("default/db", "a", Some("192.168.8.223"), "app=db"));
    declare(&mut state, pod("default/lonely", "a", Some("192.168.8.224"), ""));
    let dns = ServicePort { protocol: TransportProtocol::Udp, ..service_port(Some("dns"), 53) };
    let dns_tcp = service_port(Some("dns-tcp"), 53);
    for (key, address, selector, ports) in [
        ("default/wordpress-db", [10, 96, 23, 229], "app=db", vec![service_port(None, 3306)]),
        ("kube-system/kube-dns", [10, 96, 0, 10], "app=dns", vec![dns, dns_tcp, service_port(Some("metrics"), 9153)]),
    ] {
        let service = Service { cluster_ip: Some(address.into()), ports, ..plain_service(key, selector, 1) };
        declare(&mut state, Object::Service(service));
    }
    state
}

/// The same with services that have no address of their own.
fn addressless() -> State {
    let mut state = cluster();
    for (name, address) in [("peer-1", "192.168.8.230"), ("peer-2", "192.168.8.231")] {
        declare(&mut state, pod(&format!("default/{name}"), "a", Some(address), "app=peer"));
    }
    let headless = |key, ports| Service { headless: true, ports, ..plain_service(key, "app=peer", 1) };
    let alias = |key, target: &str| Service {
        kind: ServiceType::ExternalName,
        external_name: Some(target.into()),
        ports: Vec::new(),
        ..plain_service(key, "", 1)
    };
    for service in [
        headless("default/peers", vec![service_port(Some("raft"), 7000)]),
        headless("default/portless", Vec::new()),
        Service { selector: Labels::default(), ..headless("default/nobody", Vec::new()) },
        alias("default/db", "wordpress-db.default.svc.cluster.local"),
        alias("default/outside", "db.example.com."),
        alias("default/number", "10.9.9.9"),
        alias("default/loop", "loop.default.svc.cluster.local"),
        alias("default/broken", "no.default.svc.cluster.local"),
    ] {
        declare(&mut state, Object::Service(service));
    }
    state
}

#[test]
fn a_headless_service_is_its_pods() {
    for (name, query, answer) in [
        ("peers.default.svc.cluster.local", A, "192.168.8.230, 192.168.8.231"),
        ("peers.default.svc.cluster.local", Aaaa, "soa"),
        ("portless.default.svc.cluster.local", A, "192.168.8.230, 192.168.8.231"),
        ("portless.default.svc.cluster.local", Srv, "soa"),
        ("nobody.default.svc.cluster.local", A, "NxDomain, soa"),
        ("192-168-8-231.peers.default.svc.cluster.local", A, "192.168.8.231"),
        ("192-168-8-232.peers.default.svc.cluster.local", A, "NxDomain, soa"),
        (
            "_raft._tcp.peers.default.svc.cluster.local",
            Srv,
            "0 50 7000 192-168-8-230.peers.default.svc.cluster.local., \
             0 50 7000 192-168-8-231.peers.default.svc.cluster.local., +192.168.8.230, +192.168.8.231",
        ),
    ] {
        assert_eq!(asked_of(&addressless(), name, query), answer, "{name}");
    }
}

/// What CoreDNS' own test (`handler_test.go`, `dup-name.hdls1`) says of two endpoints of one name.
#[test]
fn endpoints_of_one_name_are_told_of_once_and_have_all_their_addresses() {
    let mut state = addressless();
    for (name, address) in [("twin-1", "192.168.8.240"), ("twin-2", "192.168.8.241")] {
        let Object::Pod(twin) = pod(&format!("default/{name}"), "a", Some(address), "app=twin") else {
            panic!("not a pod");
        };
        let twin = Pod { hostname: Some("dup".into()), subdomain: Some("twins".into()), ..twin };
        declare(&mut state, Object::Pod(twin));
    }
    let ports = vec![service_port(Some("http"), 80), service_port(Some("metrics"), 9090)];
    let twins = Service { headless: true, ports, ..plain_service("default/twins", "app=twin", 1) };
    declare(&mut state, Object::Service(twins));
    for (name, query, answer) in [
        ("dup.twins.default.svc.cluster.local", A, "192.168.8.240, 192.168.8.241"),
        (
            "dup.twins.default.svc.cluster.local",
            Srv,
            "0 25 80 dup.twins.default.svc.cluster.local., 0 25 9090 dup.twins.default.svc.cluster.local., \
             +192.168.8.240, +192.168.8.241",
        ),
        (
            "_http._tcp.twins.default.svc.cluster.local",
            Srv,
            "0 50 80 dup.twins.default.svc.cluster.local., +192.168.8.240, +192.168.8.241",
        ),
        ("_http._tcp.twins.default.svc.cluster.local", A, "192.168.8.240, 192.168.8.241"),
    ] {
        assert_eq!(asked_of(&state, name, query), answer, "{name} {query:?}");
    }
}

#[test]
fn an_external_name_is_another_name() {
    for (name, query, answer) in [
        ("db.default.svc.cluster.local", A, "wordpress-db.default.svc.cluster.local., 10.96.23.229"),
        ("db.default.svc.cluster.local", Cname, "wordpress-db.default.svc.cluster.local."),
        ("db.default.svc.cluster.local", Aaaa, "soa"),
        ("db.default.svc.cluster.local", Srv, "soa"),
        ("_mysql._tcp.db.default.svc.cluster.local", Cname, "wordpress-db.default.svc.cluster.local."),
        ("outside.default.svc.cluster.local", A, "db.example.com."),
        ("a.outside.default.svc.cluster.local", A, "NxDomain, soa"),
        ("number.default.svc.cluster.local", A, "NxDomain, soa"),
        ("loop.default.svc.cluster.local", A, "soa"),
        ("broken.default.svc.cluster.local", A, "soa"),
    ] {
        assert_eq!(asked_of(&addressless(), name, query), answer, "{name}");
    }
}

/// An answer in one line: the code if it is not NOERROR, the records, `soa` if it is in the authority section.
fn asked(name: &str, query: QueryType) -> String {
    asked_of(&cluster(), name, query)
}

fn asked_of(state: &State, name: &str, query: QueryType) -> String {
    let answer = lookup(state, PodRecords::Insecure, name, query);
    let show = |record: &Record| match &record.data {
        RecordData::A(address) => address.to_string(),
        RecordData::Cname(name) | RecordData::Ptr(name) | RecordData::Ns(name) | RecordData::Txt(name) => name.clone(),
        RecordData::Srv { priority, weight, port, target } => format!("{priority} {weight} {port} {target}"),
        RecordData::Soa { server, mailbox, .. } => format!("{server} {mailbox}"),
    };
    for record in answer.records.iter().take(1) {
        assert_eq!(record.name.trim_end_matches('.'), name.trim_end_matches('.'));
    }
    let code = (answer.code != ResponseCode::NoError).then(|| format!("{:?}", answer.code));
    let records = answer.records.iter().map(show);
    let additional = answer.additional.iter().map(|record| format!("+{}", show(record)));
    let soa = answer.authority_soa.then(|| "soa".to_owned());
    code.into_iter().chain(records).chain(additional).chain(soa).collect::<Vec<_>>().join(", ")
}

#[test]
fn services_are_found_by_name_and_port() {
    for (name, query, answer) in [
        ("wordpress-db.default.svc.cluster.local.", A, "10.96.23.229"),
        ("WordPress-DB.Default.svc.cluster.local", A, "10.96.23.229"),
        ("wordpress-db.default.svc.cluster.local", Aaaa, "soa"),
        ("wordpress-db.default.svc.cluster.local", Txt, "soa"),
        (
            "wordpress-db.default.svc.cluster.local",
            Srv,
            "0 100 3306 wordpress-db.default.svc.cluster.local., +10.96.23.229",
        ),
        (
            "_dns._udp.kube-dns.kube-system.svc.cluster.local",
            Srv,
            "0 100 53 kube-dns.kube-system.svc.cluster.local., +10.96.0.10",
        ),
        (
            "kube-dns.kube-system.svc.cluster.local",
            Srv,
            "0 33 53 kube-dns.kube-system.svc.cluster.local., \
             0 33 9153 kube-dns.kube-system.svc.cluster.local., +10.96.0.10",
        ),
        ("_dns._tcp.kube-dns.kube-system.svc.cluster.local", Srv, "NxDomain, soa"),
        ("_no._udp.kube-dns.kube-system.svc.cluster.local", Srv, "NxDomain, soa"),
        ("a._dns._udp.kube-dns.kube-system.svc.cluster.local", Srv, "NxDomain, soa"),
        ("192-168-8-223.wordpress-db.default.svc.cluster.local", A, "192.168.8.223"),
        (
            "192-168-8-223.wordpress-db.default.svc.cluster.local",
            Srv,
            "0 100 3306 192-168-8-223.wordpress-db.default.svc.cluster.local., +192.168.8.223",
        ),
        ("192-168-8-224.wordpress-db.default.svc.cluster.local", A, "NxDomain, soa"),
        ("no-such.default.svc.cluster.local", A, "NxDomain, soa"),
        ("wordpress-db.elsewhere.svc.cluster.local", A, "NxDomain, soa"),
    ] {
        assert_eq!(asked(name, query), answer, "{name} {query:?}");
    }
}

#[test]
fn what_lies_between_zone_and_service_exists_but_has_nothing() {
    for (name, query, answer) in [
        ("cluster.local", A, "soa"),
        ("svc.cluster.local", A, "soa"),
        ("pod.cluster.local", Other, "soa"),
        ("default.svc.cluster.local", A, "soa"),
        ("kube-public.pod.cluster.local", A, "soa"),
        ("elsewhere.svc.cluster.local", A, "NxDomain, soa"),
        ("other.cluster.local", A, "NxDomain, soa"),
        ("cluster.local", Soa, "ns.dns.cluster.local. hostmaster.cluster.local."),
        ("cluster.local", Ns, "ns.dns.cluster.local., +10.96.0.10"),
        ("ns.dns.cluster.local", A, "10.96.0.10"),
        ("dns-version.cluster.local", Txt, "1.1.0"),
    ] {
        assert_eq!(asked(name, query), answer, "{name} {query:?}");
    }
}

#[test]
fn pods_and_addresses_have_names() {
    for (name, query, answer) in [
        ("10-0-0-1.default.pod.cluster.local", A, "10.0.0.1"),
        ("10-0-0-1.default.pod.cluster.local", Aaaa, "soa"),
        ("10-0-0-1.elsewhere.pod.cluster.local", A, "NxDomain, soa"),
        ("db.default.pod.cluster.local", A, "NxDomain, soa"),
        ("10.0.96.10.in-addr.arpa", Ptr, "kube-dns.kube-system.svc.cluster.local."),
        ("223.8.168.192.in-addr.arpa", Ptr, "192-168-8-223.wordpress-db.default.svc.cluster.local."),
        ("224.8.168.192.in-addr.arpa", Ptr, "NxDomain, soa"),
        ("8.8.8.8.in-addr.arpa", Ptr, "ServFail"),
        ("example.com", A, "ServFail"),
        ("notcluster.local", A, "ServFail"),
    ] {
        assert_eq!(asked(name, query), answer, "{name} {query:?}");
    }
}

#[test]
fn pods_are_known_as_the_server_is_told() {
    let state = cluster();
    for (pods, name, known) in [
        (PodRecords::Insecure, "10-9-9-9.default", true),
        (PodRecords::Insecure, "10-9-9-9.elsewhere", false),
        (PodRecords::Verified, "192-168-8-223.default", true),
        (PodRecords::Verified, "192-168-8-223.kube-system", false),
        (PodRecords::Verified, "10-9-9-9.default", false),
        (PodRecords::Disabled, "192-168-8-223.default", false),
    ] {
        let answer = lookup(&state, pods, &format!("{name}.pod.cluster.local"), A);
        assert_eq!(answer.code == ResponseCode::NoError, known, "{pods:?} {name}");
    }
}

/// `TestFormDNSSearchFitsLimits` of kubelet, in its two releases.
#[test]
fn kubelet_cuts_a_long_search_list() {
    let list = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|number| format!("{number:0>length$}")).collect()
    };
    let searches_of = |release, added: Vec<String>, machine: Vec<String>| {
        let mut state = State::new(0);
        let cluster = Cluster { kube_proxy: release, searches: machine, ..Cluster::default() };
        declare(&mut state, Object::Cluster(cluster));
        declare(&mut state, node("a", "10.1.110.107", "192.168.8.192/26"));
        let dns = PodDns { searches: added, ..PodDns::default() };
        declare(&mut state, Object::Pod(Pod { dns, ..plain_pod("default/client", "a") }));
        let conf = resolv_conf(&state, Asker::Pod(state.pod("client").unwrap()));
        assert_eq!(conf.search[0], "default.svc.cluster.local");
        conf.search.len()
    };
    let (then, now) = (Version::new(1, 20, 0), Version::new(1, 36, 0));
    // Three of the cluster, of 25 + 17 + 13 characters and a blank each.
    for (release, added, machine, left) in [
        (then, list(3, 10), Vec::new(), 6),
        (then, list(4, 10), Vec::new(), 6),
        (then, Vec::new(), list(10, 10), 6),
        (then, Vec::new(), vec!["cluster.local".to_owned(), "corp".to_owned(), "corp".to_owned()], 4),
        (then, list(2, 98), Vec::new(), 5),
        (then, list(2, 99), Vec::new(), 4),
        (then, list(1, 198), Vec::new(), 4),
        (then, list(1, 199), Vec::new(), 3),
        (now, list(10, 10), Vec::new(), 13),
        (now, list(31, 10), Vec::new(), 32),
        (now, list(10, 250), Vec::new(), 10),
        (now, list(1, 254), Vec::new(), 3),
    ] {
        let shown = format!("{release}: {} and {}", added.len(), machine.len());
        assert_eq!(searches_of(release, added, machine), left, "{shown}");
    }
}

#[test]
fn a_pod_tries_names_in_the_order_of_its_resolv_conf() {
    let state = cluster();
    let conf = resolv_conf(&state, Asker::Pod(state.pod("db").unwrap()));
    assert_eq!(
        conf.to_string(),
        "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    );
    assert_eq!(conf.candidates("example.com").last().unwrap(), "example.com.");
    assert_eq!(conf.candidates("a.b.c.d.e.f")[0], "a.b.c.d.e.f.");
    assert_eq!(conf.candidates("a.b.c.d.e.f").len(), 4);
}
