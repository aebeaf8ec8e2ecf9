//! The annotations of ingress-nginx that the model knows (ingress-nginx, docs/user-guide/nginx-configuration/annotations.md).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

use super::Labels;
use crate::did_you_mean;

/// What stands before the names of all of them.
const PREFIX: &str = "nginx.ingress.kubernetes.io/";
/// The older way to name the class of an ingress.
pub const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";

/// Annotations that change nothing which the model shows.
const WITHOUT_EFFECT: [&str; 12] = [
    "proxy-body-size",
    "proxy-buffers-number",
    "proxy-max-temp-file-size",
    "proxy-send-timeout",
    "enable-rewrite-log",
    "proxy-buffer-size",
    "proxy-buffering",
    "client-body-buffer-size",
    "enable-access-log",
    "backend-protocol",
    "connection-proxy-header",
    "proxy-http-version",
];

/// What the annotations of an ingress say, with the controller's defaults for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation that is true or false")]
pub struct NginxAnnotations {
    /// `rewrite-target`.
    pub rewrite_target: Option<String>,
    /// `use-regex`.
    pub use_regex: bool,
    /// `ssl-redirect`: from http to https, where the host has a certificate.
    pub ssl_redirect: bool,
    /// `force-ssl-redirect`: and where it has none.
    pub force_ssl_redirect: bool,
    /// `preserve-trailing-slash`, of those redirects.
    pub preserve_trailing_slash: bool,
    /// `from-to-www-redirect`: whether the host's name with `www.` is sent to the one without, or the other way.
    pub from_to_www_redirect: bool,
    /// `app-root`: where `/` is sent.
    pub app_root: Option<String>,
    /// `permanent-redirect` with its `permanent-redirect-code`, else `temporal-redirect` with 302.
    pub redirect: Option<(u16, String)>,
    /// `service-upstream`: to the service's clusterIP instead of its endpoints.
    pub service_upstream: bool,
    /// `proxy-connect-timeout`.
    pub connect_timeout: Duration,
    /// `proxy-read-timeout`.
    pub read_timeout: Duration,
    /// `proxy-next-upstream-tries`; 0 sets no limit.
    pub tries: u32,
    /// `whitelist-source-range`, or `allowlist-source-range` as it is called since 1.6: only these may ask. Of ranges of
    /// IPv6 nothing is kept: nobody comes from there.
    pub allow: Option<Vec<Ipv4Net>>,
    /// `denylist-source-range`: these may not, whatever the other says.
    pub deny: Vec<Ipv4Net>,
}

impl Default for NginxAnnotations {
    fn default() -> Self {
        Self {
            rewrite_target: None,
            use_regex: false,
            ssl_redirect: true,
            force_ssl_redirect: false,
            preserve_trailing_slash: false,
            from_to_www_redirect: false,
            app_root: None,
            redirect: None,
            service_upstream: false,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_mins(1),
            tries: 3,
            allow: None,
            deny: Vec::new(),
        }
    }
}

/// An annotation that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationError {
    /// What is wrong.
    pub problem: String,
    /// The cure.
    pub hint: String,
}

impl NginxAnnotations {
    /// Whether nginx answers 403 to who asks from `address` (`ngx_http_access_module`: the first rule that fits decides, and the
    /// template writes those that deny above those that allow).
    pub fn forbids(&self, address: Ipv4Addr) -> bool {
        let among = |ranges: &[Ipv4Net]| ranges.iter().any(|range| range.contains(&address));
        among(&self.deny) || self.allow.as_ref().is_some_and(|allow| !among(allow))
    }

    /// The names that [`read`](Self::read) takes, without what stands before all of them.
    pub const NAMES: [&str; 17] = [
        "rewrite-target",
        "use-regex",
        "ssl-redirect",
        "force-ssl-redirect",
        "preserve-trailing-slash",
        "from-to-www-redirect",
        "app-root",
        "permanent-redirect",
        "permanent-redirect-code",
        "temporal-redirect",
        "service-upstream",
        "proxy-connect-timeout",
        "proxy-read-timeout",
        "proxy-next-upstream-tries",
        "whitelist-source-range",
        "allowlist-source-range",
        "denylist-source-range",
    ];

    /// Reads the annotations of an ingress. Those of other programs are none of nginx' business; one of nginx' own that
    /// the model does not know would make its answers guesses.
    ///
    /// ```
    /// use netscene_core::kube::{Labels, NginxAnnotations};
    /// let one = |name: &str, value: &str| Labels::from_iter([(name.to_owned(), value.to_owned())]);
    /// let read = NginxAnnotations::read(&one("nginx.ingress.kubernetes.io/rewrite-target", "/$2")).unwrap();
    /// assert_eq!(read.rewrite_target.as_deref(), Some("/$2"));
    /// let fault = NginxAnnotations::read(&one("nginx.ingress.kubernetes.io/rewrite-targets", "/")).unwrap_err();
    /// assert_eq!(fault.hint, "did you mean `nginx.ingress.kubernetes.io/rewrite-target`?");
    /// ```
    pub fn read(annotations: &Labels) -> Result<Self, AnnotationError> {
        let mut read = Self::default();
        let mut permanent_code = 301;
        let mut permanent = None;
        for (full, value) in annotations {
            let Some(name) = full.strip_prefix(PREFIX) else { continue };
            let text = || Some(value.clone());
            match name {
                "rewrite-target" => read.rewrite_target = text(),
                "use-regex" => read.use_regex = truth(full, value)?,
                "ssl-redirect" => read.ssl_redirect = truth(full, value)?,
                "force-ssl-redirect" => read.force_ssl_redirect = truth(full, value)?,
                "preserve-trailing-slash" => read.preserve_trailing_slash = truth(full, value)?,
                "from-to-www-redirect" => read.from_to_www_redirect = truth(full, value)?,
                "app-root" => read.app_root = text(),
                "permanent-redirect" => permanent = text(),
                // The controller takes the codes of redirects and nothing else for it.
                "permanent-redirect-code" => {
                    let code = u16::try_from(number(full, value)?).ok().filter(|code| (300..=308).contains(code));
                    permanent_code = code.unwrap_or(301);
                }
                "temporal-redirect" => read.redirect = Some((302, value.clone())),
                "service-upstream" => read.service_upstream = truth(full, value)?,
                "proxy-connect-timeout" => read.connect_timeout = Duration::from_secs(number(full, value)?.into()),
                "proxy-read-timeout" => read.read_timeout = Duration::from_secs(number(full, value)?.into()),
                "proxy-next-upstream-tries" => read.tries = number(full, value)?,
                "whitelist-source-range" | "allowlist-source-range" => read.allow = Some(ranges(full, value)?),
                "denylist-source-range" => read.deny = ranges(full, value)?,
                _ if WITHOUT_EFFECT.contains(&name) => {}
                _ => return Err(unknown(full, name)),
            }
        }
        if let Some(url) = permanent {
            read.redirect = Some((permanent_code, url));
        }
        Ok(read)
    }
}

/// CIDRs and addresses, between commas. The controller sorts them, and answers 503 where it cannot read one.
fn ranges(name: &str, value: &str) -> Result<Vec<Ipv4Net>, AnnotationError> {
    let mut ranges = Vec::new();
    for text in value.split(',').map(str::trim) {
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match parsed {
            Ok(IpNet::V4(net)) => ranges.push(net.trunc()),
            Ok(IpNet::V6(_)) => {}
            Err(_) => {
                return Err(AnnotationError {
                    problem: format!("`{text}` in annotation {name} is no CIDR"),
                    hint: "write CIDRs or addresses between commas, as in 10.0.0.0/8,192.168.0.7".into(),
                });
            }
        }
    }
    ranges.sort_by_cached_key(ToString::to_string);
    Ok(ranges)
}

fn truth(name: &str, value: &str) -> Result<bool, AnnotationError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(AnnotationError {
            problem: format!("annotation {name} is `{value}`"),
            hint: "write true or false".into(),
        }),
    }
}

fn number(name: &str, value: &str) -> Result<u32, AnnotationError> {
    value.parse().map_err(|_| AnnotationError {
        problem: format!("annotation {name} is `{value}`"),
        hint: "write a whole number".into(),
    })
}

fn unknown(full: &str, name: &str) -> AnnotationError {
    let hint = match did_you_mean(name, NginxAnnotations::NAMES) {
        Some(meant) => format!("did you mean `{PREFIX}{meant}`?"),
        None => format!("it knows {}", NginxAnnotations::NAMES.join(", ")),
    };
    AnnotationError { problem: format!("the model does not know what annotation {full} does"), hint }
}
