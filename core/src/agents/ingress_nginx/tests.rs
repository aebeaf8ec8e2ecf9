use super::*;
use crate::kube::validate::tests::{declare, node, pod, service};
use crate::kube::{Labels, Object, PathType};

/// Declares an ingress of `host path type service` lines; services named after their path's purpose.
fn ingress(name: &str, rules: &[(&str, PathType, &str, &str)]) -> Object {
    let path = |&(host, path_type, path, service): &(&str, PathType, &str, &str)| IngressPath {
        host: (!host.is_empty()).then(|| host.to_owned()),
        path_type,
        path: path.into(),
        service: service.into(),
        port: 80,
    };
    let paths = rules.iter().map(path).collect();
    Object::Ingress(Ingress { namespace: "default".into(), name: name.into(), annotations: Labels::new(), paths })
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
        let found = match config.route(host, path) {
            Decision::Upstream { name, endpoints, .. } => {
                assert!(!endpoints.is_empty());
                name.trim_start_matches("default-").trim_end_matches("-80").to_owned()
            }
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
    let Decision::Upstream { rule, .. } = config.route("h", "/x") else { panic!("/x is served") };
    assert_eq!((rule.ingress.as_ref(), rule.path.as_ref()), ("default/new", "/x"));
    assert_eq!(rule.origin.unwrap().to_string(), "test.scn:1");
    check(&Config::of(&cluster()), &[("h", "/", "404")]);
}
