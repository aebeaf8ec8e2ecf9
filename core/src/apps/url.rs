//! URLs of pages, and those that stand in pages (RFC 3986, 5.2).

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether its scheme is https. Nothing is encrypted here: https is another port.
    pub https: bool,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path with the query; it begins with `/`.
    pub target: String,
}

impl Url {
    /// Reads `http://HOST[:PORT][/PATH]`, or https. An error says what is wrong.
    ///
    /// ```
    /// use netscene_core::apps::Url;
    /// let page = Url::parse("http://10.1.110.105/guestbook/").unwrap();
    /// assert_eq!(page.join("controllers.js").unwrap().to_string(), "http://10.1.110.105/guestbook/controllers.js");
    /// assert_eq!(page.join("/controllers.js").unwrap().to_string(), "http://10.1.110.105/controllers.js");
    /// // Without the slash at the end `guestbook` is a file, and what is beside it is in the root.
    /// let page = Url::parse("http://10.1.110.105/guestbook").unwrap();
    /// assert_eq!(page.join("controllers.js").unwrap().to_string(), "http://10.1.110.105/controllers.js");
    /// assert_eq!(page.join("//cdn.example/a.css").unwrap().to_string(), "http://cdn.example/a.css");
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let (https, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(format!("`{text}` is no http:// or https:// URL")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| format!("`{port}` in `{text}` is not a port"))?),
            None => (authority, if https { 443 } else { 80 }),
        };
        if host.is_empty() {
            return Err(format!("`{text}` names no host"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { https, host: host.to_owned(), port, target })
    }

    /// What a reference in the page at this URL means.
    pub fn join(&self, reference: &str) -> Result<Self, String> {
        let scheme = if self.https { "https" } else { "http" };
        if reference.contains("://") {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{scheme}:{reference}"));
        }
        let reference = reference.split('#').next().unwrap_or_default();
        let path = self.target.split('?').next().unwrap_or_default();
        let joined = match reference.chars().next() {
            None => return Ok(self.clone()),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{path}{reference}"),
            Some(_) => format!("{}/{reference}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
        let (path, query) = joined.find('?').map_or((joined.as_str(), ""), |at| joined.split_at(at));
        Ok(Self { target: format!("{}{query}", without_dots(path)), ..self.clone() })
    }

    /// The header `Host`: the port stands in it where it is not the scheme's own.
    pub fn authority(&self) -> String {
        let own = if self.https { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", if self.https { "https" } else { "http" }, self.authority(), self.target)
    }
}

/// `remove_dot_segments` of RFC 3986.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// What the browser fetches by itself for a page: `src` of scripts and images, `href` of `link`s. Comments and scripts are
/// not understood.
pub(super) fn assets(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let wanted = match name.to_ascii_lowercase().as_str() {
            "script" | "img" => "src",
            "link" => "href",
            _ => continue,
        };
        found.extend(attribute(tag, wanted).filter(|reference| !reference.is_empty()));
    }
    let mut once = Vec::new();
    found.retain(|reference| {
        !once.contains(reference) && {
            once.push(*reference);
            true
        }
    });
    found
}

/// The value of an attribute in quotes.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let begins = rest[..at].ends_with(char::is_whitespace);
        rest = &rest[at + name.len()..];
        let value = rest.trim_start().strip_prefix('=').map(str::trim_start);
        let quote = value.and_then(|value| value.chars().next()).filter(|c| matches!(c, '"' | '\''));
        if let (true, Some(value), Some(quote)) = (begins, value, quote) {
            return value[1..].split(quote).next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_needs() {
        let page = "<html><head><link rel=\"stylesheet\" href='//cdn/x.css'><script src=\"controllers.js\"></script>\
                    <script>var src = 1;</script></head><body><a href='other.html'>x</a><img data-src='no' src = 'y.png'>\
                    <script src='controllers.js'></script>";
        assert_eq!(assets(page), ["//cdn/x.css", "controllers.js", "y.png"]);
        assert_eq!(assets("<script src=<link"), Vec::<&str>::new());
    }

    #[test]
    fn urls_are_read_and_joined() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(url("https://foo:8443/a?b#c").to_string(), "https://foo:8443/a?b");
        assert_eq!(url("http://foo:80?x").to_string(), "http://foo/?x");
        for bad in ["ftp://foo/", "http:///x", "http://foo:port/"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
        let base = url("http://foo/a/b/c?d");
        for (reference, means) in [
            ("x", "/a/b/x"),
            ("../x", "/a/x"),
            ("../../../x", "/x"),
            ("./", "/a/b/"),
            ("?y", "/a/b/c?y"),
            ("", "/a/b/c?d"),
        ] {
            assert_eq!(base.join(reference).unwrap().target, means, "{reference}");
        }
    }
}
