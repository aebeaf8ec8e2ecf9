use super::*;
use crate::kube::validate::tests::{declare, node, pod, service};
use crate::kube::{Ingress, IngressPath, Object, ServiceBackendPort};

/// Declares an ingress of `host path type service` lines; services named after their path's purpose.
fn ingress(name: &str, rules: &[(&str, PathType, &str, &str)]) -> Object {
    let path = |&(host, path_type, path, service): &(&str, PathType, &str, &str)| IngressPath {
        host: (!host.is_empty()).then(|| host.to_owned()),
        path_type,
        path: path.into(),
        service: service.into(),
        port: ServiceBackendPort::Number(80),
    };
    let paths = rules.iter().map(path).collect();
    Object::Ingress(Ingress { namespace: "default".into(), name: name.into(), paths, ..Ingress::default() })
}

/// The same with annotations of the controller.
fn annotated(object: Object, annotations: &[(&str, &str)]) -> Object {
    let Object::Ingress(mut ingress) = object else { panic!("an ingress") };
    let full = |(name, value): &(&str, &str)| (format!("nginx.ingress.kubernetes.io/{name}"), (*value).to_owned());
    ingress.annotations = annotations.iter().map(full).collect();
    Object::Ingress(ingress)
}

fn route(config: &Config, host: &str, target: &str) -> Decision {
    config.route(&Request { https: false, host, target })
}

fn cluster() -> State {
    let mut state = State::new(0);
    declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
    for name in ["one", "two", "three"] {
        declare(&mut state, pod(&format!("default/{name}"), "a", None, &format!("app={name}")));
        declare(&mut state, service(&format!("default/{name}"), &format!("app={name}"), 80));
    }
    declare(&mut state, service("default/empty", "app=none", 80));
    state
}

#[track_caller]
fn check(config: &Config, cases: &[(&str, &str, &str)]) {
    for (host, path, expected) in cases {
        let found = match route(config, host, path) {
            Decision::Upstream { backend, target, .. } => {
                assert!(!backend.endpoints.is_empty());
                let name = backend.upstream.trim_start_matches("default-").trim_end_matches("-80").to_owned();
                if target == *path { name } else { format!("{name} {target}") }
            }
            Decision::Redirect { status, location, .. } => format!("{status} {location}"),
            Decision::NotFound => "404".into(),
            Decision::Unavailable { .. } => "503".into(),
        };
        assert_eq!(found, *expected, "{host}{path}");
    }
}

#[test]
fn paths_match_as_their_type_says() {
    let mut state = cluster();
    let (exact, prefix, text) = (PathType::Exact, PathType::Prefix, PathType::ImplementationSpecific);
    let rules = [
        ("", exact, "/exact", "one"),
        ("", prefix, "/prefix", "one"),
        ("", prefix, "/prefix/deep", "two"),
        ("", exact, "/prefix/deep", "three"),
        ("", text, "/text", "one"),
        ("", text, "/text/longer", "two"),
        ("", prefix, "/none", "empty"),
        ("", prefix, "/unknown", "no-such-service"),
    ];
    declare(&mut state, ingress("paths", &rules));
    check(
        &Config::of(&state),
        &[
            ("10.1.110.105", "/exact", "one"),
            ("10.1.110.105", "/exact/", "404"),
            ("10.1.110.105", "/exact?x=1", "one"),
            ("10.1.110.105", "/prefix", "one"),
            ("10.1.110.105", "/prefix/", "one"),
            ("10.1.110.105", "/prefix/a/b", "one"),
            ("10.1.110.105", "/prefixed", "404"),
            ("10.1.110.105", "/prefix/deep", "three"),
            ("10.1.110.105", "/prefix/deep/er", "two"),
            ("10.1.110.105", "/text", "one"),
            ("10.1.110.105", "/textual", "one"),
            ("10.1.110.105", "/text/longer", "two"),
            ("10.1.110.105", "/Text", "404"),
            ("10.1.110.105", "/", "404"),
            ("10.1.110.105", "/none", "503"),
            ("10.1.110.105", "/unknown/x", "503"),
        ],
    );
}

#[test]
fn hosts_are_looked_for_by_name_then_by_wildcard() {
    let mut state = cluster();
    let prefix = PathType::Prefix;
    let rules =
        [("foo.example.com", prefix, "/a", "one"), ("*.example.com", prefix, "/", "two"), ("", prefix, "/", "three")];
    declare(&mut state, ingress("hosts", &rules));
    check(
        &Config::of(&state),
        &[
            ("foo.example.com", "/a", "one"),
            ("FOO.example.com:8080", "/a", "one"),
            ("foo.example.com", "/b", "404"),
            ("bar.example.com", "/b", "two"),
            ("a.b.example.com", "/b", "three"),
            ("example.com", "/b", "three"),
            ("10.1.110.105", "/b", "three"),
        ],
    );
}

#[test]
fn the_older_of_two_ingresses_has_the_path() {
    let mut state = cluster();
    declare(&mut state, ingress("old", &[("", PathType::Prefix, "/", "one")]));
    declare(&mut state, ingress("new", &[("", PathType::Prefix, "/", "two"), ("", PathType::Prefix, "/x", "two")]));
    let config = Config::of(&state);
    check(&config, &[("h", "/", "one"), ("h", "/x/y", "two")]);
    let Decision::Upstream { rule, .. } = route(&config, "h", "/x") else { panic!("/x is served") };
    assert_eq!((rule.ingress.as_ref(), rule.path.as_ref()), ("default/new", "/x"));
    assert_eq!(rule.origin.unwrap().to_string(), "test.scn:1");
    check(&Config::of(&cluster()), &[("h", "/", "404")]);
}

const TEXT: PathType = PathType::ImplementationSpecific;

/// Figures 43, 49 and 50 of the white paper, and the expression of the controller's own documentation.
#[test]
fn a_target_replaces_the_whole_path() {
    for (path, target, cases) in [
        (
            "/guestbook",
            "/",
            [("/guestbook", "one /"), ("/guestbook/controllers.js", "one /"), ("/GuestBookX", "one /"), ("/x", "404")],
        ),
        (
            "/guestbook(/)(.*)",
            "/$2",
            [
                ("/guestbook", "404"),
                ("/guestbook/", "one /"),
                ("/guestbook/controllers.js?v=1", "one /controllers.js?v=1"),
                ("/guestbookX", "404"),
            ],
        ),
        (
            "/guestbook(/)(.*)",
            "/$1",
            [
                ("/guestbook/", "one //"),
                ("/guestbook//", "one //"),
                ("/guestbook/a", "one //"),
                ("/a/guestbook/", "404"),
            ],
        ),
        (
            "/guestbook(/|)(.*)",
            "/$2",
            [("/guestbook", "one /"), ("/guestbook/a/b", "one /a/b"), ("/guestbookX", "one /X"), ("/", "404")],
        ),
        (
            "/guestbook(/|$)(.*)",
            "/$2",
            [("/guestbook", "one /"), ("/guestbook/a", "one /a"), ("/guestbookX", "404"), ("/guestbook?q", "one /?q")],
        ),
    ] {
        let mut state = cluster();
        let object = ingress("guestbook", &[("", TEXT, path, "one")]);
        declare(&mut state, annotated(object, &[("rewrite-target", target)]));
        let cases = cases.map(|(path, expected)| ("10.1.110.105", path, expected));
        check(&Config::of(&state), &cases);
    }
}

#[test]
fn one_expression_makes_expressions_of_all_paths_of_its_host() {
    let mut state = cluster();
    let plain = [
        ("foo.example.com", PathType::Exact, "/exact", "one"),
        ("foo.example.com", PathType::Prefix, "/prefix", "two"),
        ("bar.example.com", PathType::Exact, "/exact", "one"),
    ];
    declare(&mut state, ingress("plain", &plain));
    let object = ingress("regex", &[("foo.example.com", TEXT, "/a.c", "three")]);
    declare(&mut state, annotated(object, &[("use-regex", "true")]));
    let config = Config::of(&state);
    let shown: Vec<_> = config.servers["foo.example.com"].locations.iter().map(|one| one.matcher.to_string()).collect();
    assert_eq!(shown, ["~* \"^/prefix/\"", "~* \"^/prefix\"", "~* \"^/exact\"", "~* \"^/a.c\""]);
    check(
        &config,
        &[
            ("foo.example.com", "/exact", "one"),
            ("foo.example.com", "/EXACTly/so", "one"),
            ("foo.example.com", "/prefixed", "two"),
            ("foo.example.com", "/abc/d", "three"),
            ("foo.example.com", "/x/abc", "404"),
            ("bar.example.com", "/exact", "one"),
            ("bar.example.com", "/EXACT", "404"),
        ],
    );
}

#[test]
fn the_longest_expression_is_tried_first() {
    let mut state = cluster();
    let rules =
        [("", TEXT, "/foo/bar/.+", "one"), ("", TEXT, "/foo/.*", "two"), ("", TEXT, "/foo/bar/[A-Z0-9]x", "three")];
    declare(&mut state, annotated(ingress("regex", &rules), &[("use-regex", "true")]));
    check(
        &Config::of(&state),
        &[("h", "/foo/bar/1x", "three"), ("h", "/foo/bar/12", "one"), ("h", "/foo/bar/", "two"), ("h", "/fo", "404")],
    );
}

#[test]
fn clients_are_sent_elsewhere() {
    let mut state = cluster();
    let host = "foo.example.com";
    let Object::Ingress(mut tls) = ingress("tls", &[(host, PathType::Prefix, "/", "one")]) else { panic!() };
    tls.tls = vec![host.into()];
    declare(&mut state, Object::Ingress(tls));
    let object = ingress("root", &[("root.example.com", PathType::Prefix, "/", "one")]);
    declare(&mut state, annotated(object, &[("app-root", "/app")]));
    let object = ingress("forced", &[("forced.example.com", PathType::Prefix, "/", "one")]);
    declare(&mut state, annotated(object, &[("force-ssl-redirect", "true"), ("preserve-trailing-slash", "true")]));
    let object = ingress("moved", &[("moved.example.com", PathType::Prefix, "/", "one")]);
    declare(&mut state, annotated(object, &[("permanent-redirect", "https://new.example.com")]));
    let config = Config::of(&state);
    check(
        &config,
        &[
            (host, "/", "308 https://foo.example.com"),
            ("foo.example.com:8080", "/a/?b", "308 https://foo.example.com/a/?b"),
            (host, "/a/", "308 https://foo.example.com/a"),
            ("root.example.com", "/", "302 http://root.example.com/app"),
            ("root.example.com", "/app", "one"),
            ("forced.example.com", "/a/", "308 https://forced.example.com/a/"),
            ("moved.example.com", "/a", "301 https://new.example.com"),
        ],
    );
    let Decision::Upstream { .. } = config.route(&Request { https: true, host, target: "/" }) else {
        panic!("by https it is served")
    };
}

/// What nginx 1.22 answered with the same locations.
#[test]
fn a_path_without_its_last_slash_leads_to_the_one_with_it() {
    let mut state = cluster();
    let (exact, prefix) = (PathType::Exact, PathType::Prefix);
    let paths = [
        (TEXT, "/shop/"),
        (prefix, "/pre/"),
        (exact, "/ex/"),
        (TEXT, "/both"),
        (TEXT, "/both/"),
        (prefix, "/foo"),
        (TEXT, "/own/"),
        (exact, "/own"),
    ];
    let rules = paths.map(|(path_type, path)| ("", path_type, path, "one"));
    declare(&mut state, ingress("paths", &rules));
    declare(&mut state, ingress("root", &[("", TEXT, "/", "two")]));
    let forced = ingress("forced", &[("forced.example.com", TEXT, "/shop/", "one")]);
    declare(&mut state, annotated(forced, &[("force-ssl-redirect", "true")]));
    let regex = ingress("regex", &[("regex.example.com", TEXT, "/shop/", "one")]);
    declare(&mut state, annotated(regex, &[("use-regex", "true")]));
    check(
        &Config::of(&state),
        &[
            ("H:30080", "/shop", "301 http://h/shop/"),
            ("h", "/shop?x=1", "301 http://h/shop/?x=1"),
            ("h", "//shop", "301 http://h/shop/"),
            ("h", "/Shop", "two"),
            ("h", "/shop/", "one"),
            ("h", "/pre", "301 http://h/pre/"),
            ("h", "/pre/", "one"),
            ("h", "/ex", "301 http://h/ex/"),
            ("h", "/both", "one"),
            ("h", "/foo", "one"),
            ("h", "/own", "one"),
            ("forced.example.com", "/shop", "301 http://forced.example.com/shop/"),
            ("regex.example.com", "/shop", "404"),
        ],
    );
}

#[test]
fn a_name_with_www_leads_to_the_one_without_and_the_other_way() {
    let mut state = cluster();
    for (name, host) in [("bare", "foo.example.com"), ("www", "www.bar.example.com"), ("both", "baz.example.com")] {
        let object = ingress(name, &[(host, PathType::Prefix, "/", "one")]);
        declare(&mut state, annotated(object, &[("from-to-www-redirect", "true")]));
    }
    declare(&mut state, ingress("own", &[("www.baz.example.com", PathType::Prefix, "/", "two")]));
    declare(&mut state, ingress("many", &[("*.example.com", PathType::Prefix, "/", "two")]));
    let config = Config::of(&state);
    check(
        &config,
        &[
            ("foo.example.com", "/a", "one"),
            ("WWW.foo.example.com:80", "/a/?b=/", "308 http://foo.example.com/a/?b="),
            ("www.foo.example.com", "/", "308 http://foo.example.com"),
            ("bar.example.com", "/a", "308 http://www.bar.example.com/a"),
            ("www.bar.example.com", "/a", "one"),
            ("www.baz.example.com", "/a", "two"),
        ],
    );
    let request = Request { https: true, host: "www.foo.example.com", target: "/a" };
    let Decision::Redirect { location, .. } = config.route(&request) else { panic!("it leads elsewhere") };
    assert_eq!(location, "https://foo.example.com/a");
}

#[test]
fn what_no_path_is_for_goes_to_the_default_backend_of_its_ingress() {
    let mut state = cluster();
    let Object::Ingress(mut with) = ingress("with", &[("foo.example.com", PathType::Prefix, "/a", "one")]) else {
        panic!()
    };
    with.default_backend = Some(IngressBackend { service: "two".into(), port: ServiceBackendPort::Number(80) });
    declare(&mut state, Object::Ingress(with.clone()));
    check(
        &Config::of(&state),
        &[("foo.example.com", "/a", "one"), ("foo.example.com", "/b", "two"), ("h", "/b", "404")],
    );
    with.name = "alone".into();
    with.paths.clear();
    declare(&mut state, Object::Ingress(with.clone()));
    check(&Config::of(&state), &[("h", "/b", "two")]);
    // Another controller's ingress is none of nginx' business.
    with.name = "foreign".into();
    with.ingress_class_name = Some("traefik".into());
    with.paths = vec![IngressPath {
        path_type: PathType::Prefix,
        path: "/f".into(),
        host: None,
        service: "three".into(),
        port: ServiceBackendPort::Number(80),
    }];
    declare(&mut state, Object::Ingress(with.clone()));
    check(&Config::of(&state), &[("h", "/f", "two")]);
    with.name = "ours".into();
    with.annotations = [(crate::kube::INGRESS_CLASS.to_owned(), "nginx".to_owned())].into_iter().collect();
    declare(&mut state, Object::Ingress(with));
    check(&Config::of(&state), &[("h", "/f", "three")]);
}

#[test]
fn upstreams_may_be_the_services_address() {
    let mut state = cluster();
    let object = ingress("service", &[("", PathType::Prefix, "/", "one")]);
    declare(&mut state, annotated(object, &[("service-upstream", "true")]));
    let Decision::Upstream { backend, .. } = route(&Config::of(&state), "h", "/") else { panic!("it is served") };
    let address = state.service("one").unwrap().object.cluster_ip.unwrap();
    assert_eq!(backend.endpoints.iter().map(|endpoint| endpoint.address).collect::<Vec<_>>(), [address]);
}
