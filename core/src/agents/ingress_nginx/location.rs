//! Locations of a server, and how nginx chooses among them (ingress-nginx, controller/location.go and template.go,
//! `buildLocation`; nginx, `location`).

use std::fmt;
use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};

use super::{Backend, Rule};
use crate::kube::{NginxAnnotations, PathType};

/// A location block.
#[derive(Clone, Debug)]
pub struct Location {
    /// What stands between `location` and the brace.
    pub matcher: Matcher,
    /// The path of the ingress it was made from.
    pub rule: Rule,
    /// The ingress' path type.
    pub path_type: PathType,
    /// Where its requests go.
    pub backend: Backend,
    /// What the ingress' annotations say.
    pub settings: Arc<NginxAnnotations>,
}

/// Which requests a location is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// `= PATH`: this and nothing else.
    Exact(String),
    /// `PATH`: what begins with the text.
    Prefix(String),
    /// `~* "^PATH"`: a regular expression, whatever the case of letters.
    Regex(String),
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "= {path}"),
            Self::Prefix(path) => f.write_str(path),
            Self::Regex(path) => write!(f, "~* \"^{path}\""),
        }
    }
}

impl Matcher {
    /// The text of the path.
    pub fn path(&self) -> &str {
        let (Self::Exact(path) | Self::Prefix(path) | Self::Regex(path)) = self;
        path
    }

    fn of(path: String, path_type: PathType) -> Self {
        if path_type == PathType::Exact { Self::Exact(path) } else { Self::Prefix(path) }
    }
}

impl Location {
    /// Whether its requests get another path, or its path is a regular expression: then all of its server are.
    fn enforces_regex(&self) -> bool {
        let target = self.settings.rewrite_target.as_deref();
        self.settings.use_regex || target.is_some_and(|target| target != &*self.rule.path)
    }

    /// What the whole path is replaced by, where it is.
    pub fn rewrite(&self) -> Option<&str> {
        self.settings.rewrite_target.as_deref().filter(|_| self.enforces_regex())
    }

    /// The path that the request is passed on with: the whole of it is replaced, wherever the expression matched.
    pub(super) fn rewritten(&self, uri: &str, arguments: Option<&str>) -> String {
        let Some(target) = self.rewrite() else { return with_arguments(uri, arguments) };
        let captures = expression("", &self.rule.path).and_then(|found| {
            let captures = found.captures(uri)?;
            Some(expand(target, |group| captures.get(group).map_or("", |group| group.as_str())))
        });
        with_arguments(captures.as_deref().unwrap_or(uri), arguments)
    }
}

/// A path with the query of a request.
pub(super) fn with_arguments(path: &str, arguments: Option<&str>) -> String {
    arguments.map_or_else(|| path.to_owned(), |arguments| format!("{path}?{arguments}"))
}

/// `$1` to `$9` in a target; what has no group is empty.
fn expand<'a>(target: &str, group: impl Fn(usize) -> &'a str) -> String {
    let mut out = String::new();
    let mut rest = target.chars().peekable();
    while let Some(char) = rest.next() {
        match rest.peek().and_then(|next| next.to_digit(10)).filter(|_| char == '$') {
            Some(digit) => {
                rest.next();
                out.push_str(group(digit as usize));
            }
            None => out.push(char),
        }
    }
    out
}

/// The expression `anchor` + `path`. `None`: the model does not know it, and validation has refused it already.
fn expression(anchor: &str, path: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("{anchor}{path}")).case_insensitive(true).build().ok()
}

/// Adds the location for a path, unless an older ingress has the same one.
pub(super) fn add(locations: &mut Vec<Location>, location: Location) {
    let same = |other: &Location| other.rule.path == location.rule.path && other.path_type == location.path_type;
    if !locations.iter().any(same) {
        locations.push(location);
    }
}

/// Puts locations in the order of nginx.conf and rewrites those of type Prefix, as nginx compares text and not elements:
/// `/foo` becomes `/foo/` for what is below it, and an exact `/foo`, unless an ingress has that one. Where one location is
/// a regular expression, all are.
pub(super) fn complete(locations: &mut Vec<Location>) {
    locations.sort_by(|one, other| other.rule.path.cmp(&one.rule.path));
    locations.sort_by_key(|location| std::cmp::Reverse(location.rule.path.len()));
    let regex = locations.iter().any(Location::enforces_regex);
    let exact: Vec<_> =
        locations.iter().filter(|one| one.path_type == PathType::Exact).map(|one| one.rule.path.clone()).collect();
    let mut all = Vec::with_capacity(locations.len());
    for mut location in std::mem::take(locations) {
        let path = location.rule.path.clone();
        let splits = location.path_type == PathType::Prefix && &*path != "/" && !location.enforces_regex();
        if !splits {
            all.push(location);
            continue;
        }
        let copy = (!exact.contains(&path))
            .then(|| Location { matcher: Matcher::Exact(path.to_string()), ..location.clone() });
        if !path.ends_with('/') {
            location.matcher = Matcher::Prefix(format!("{path}/"));
        }
        all.push(location);
        all.extend(copy);
    }
    if regex {
        for location in &mut all {
            location.matcher = Matcher::Regex(location.matcher.path().to_owned());
        }
    }
    *locations = all;
}

/// A location as it is before [`complete`].
pub(super) fn plain(rule: Rule, path_type: PathType, backend: Backend, settings: Arc<NginxAnnotations>) -> Location {
    Location { matcher: Matcher::of(rule.path.to_string(), path_type), rule, path_type, backend, settings }
}

/// The location for a request: an exact one, else the first expression that fits, else the one with the longest text that
/// the path begins with.
pub(super) fn find<'a>(locations: &'a [Location], uri: &str) -> Option<&'a Location> {
    let exact = locations.iter().find(|one| matches!(&one.matcher, Matcher::Exact(path) if path == uri));
    let regex = || {
        locations.iter().find(|one| match &one.matcher {
            Matcher::Regex(path) => expression("^", path).is_some_and(|expression| expression.is_match(uri)),
            _ => false,
        })
    };
    let prefix = || {
        let fitting =
            locations.iter().filter(|one| matches!(&one.matcher, Matcher::Prefix(path) if uri.starts_with(path)));
        fitting.max_by_key(|one| one.matcher.path().len())
    };
    exact.or_else(regex).or_else(prefix)
}

/// The location whose path is the request's with a slash behind it, where none has the path itself: it sends the client
/// there before any other is asked, exact ones do so too, and regular expressions do not (nginx, `ngx_http_core_module.c`,
/// `auto_redirect`, which `proxy_pass` sets; seen in nginx 1.22).
pub(super) fn below<'a>(locations: &'a [Location], uri: &str) -> Option<&'a Location> {
    let text = |one: &'a Location| match &one.matcher {
        Matcher::Exact(path) | Matcher::Prefix(path) => Some(path.as_str()),
        Matcher::Regex(_) => None,
    };
    if locations.iter().any(|one| text(one) == Some(uri)) {
        return None;
    }
    locations.iter().find(|one| text(one).and_then(|path| path.strip_suffix('/')) == Some(uri))
}
