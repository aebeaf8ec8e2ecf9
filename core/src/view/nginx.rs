//! `nginx.conf` of ingress-nginx, as far as ingresses decide it: the servers with their locations (ingress-nginx v0.41,
//! `rootfs/etc/nginx/template/nginx.tmpl`; Figure 88 of the white paper).
//!
//! Of a location it is printed what stands above the headers and time-outs that every location has alike.

use std::fmt::{self, Write};

use crate::agents::ingress_nginx::{Config, DEFAULT_SERVER, Location};

/// The servers and locations of a configuration.
///
/// ```
/// use netscene_core::agents::ingress_nginx::Config;
/// use netscene_core::kube::State;
/// let nobody = netscene_core::view::nginx::conf(&Config::of(&State::new(0)));
/// assert!(!nobody.contains("server_name"));
/// ```
pub fn conf(config: &Config) -> String {
    let mut text =
        "# The servers and locations that ingresses make; the rest of the file is not modelled.\n".to_owned();
    for (host, server) in &config.servers {
        // A String takes everything that is written to it.
        let _ = write!(text, "\n## start server {host}\nserver {{\n    server_name {} ;\n", server_name(host));
        let app_root = server.locations.iter().find_map(|location| location.settings.app_root.as_ref());
        if let Some(root) = app_root {
            let _ = write!(text, "\n    if ($uri = /) {{\n        return 302 $scheme://$http_host{root};\n    }}\n");
        }
        for one in &server.locations {
            let _ = location(&mut text, host, one);
        }
        let _ = write!(text, "}}\n## end server {host}\n");
    }
    for (from, redirect) in &config.redirects {
        let _ = write!(
            text,
            r#"
## start server {from}
server {{
    server_name {from};

    set_by_lua_block $redirect_to {{
        local request_uri = ngx.var.request_uri
        if string.sub(request_uri, -1) == "/" then
            request_uri = string.sub(request_uri, 1, -2)
        end

        return string.format("%s://%s%s", ngx.var.scheme, "{}", request_uri)
    }}

    return 308 $redirect_to;
}}
## end server {from}
"#,
            redirect.to
        );
    }
    text
}

/// `buildServerName`: a wildcard becomes an expression for one label.
fn server_name(host: &str) -> String {
    match host.strip_prefix("*.") {
        Some(parent) => format!("~^(?<subdomain>[\\w-]+)\\.{}$", parent.replace('.', "\\.")),
        None => host.to_owned(),
    }
}

fn location(out: &mut String, host: &str, one: &Location) -> fmt::Result {
    let (namespace, ingress) = one.rule.ingress.split_once('/').unwrap_or_default();
    // A known defect of the template: the service of a rule without a host is looked for under the host `_`.
    let known = host != DEFAULT_SERVER;
    let (service, port) =
        if known { (one.backend.to.service.as_str(), one.backend.to.port.to_string()) } else { ("", String::new()) };
    let path = &one.rule.path;
    let (force, redirect) = (one.settings.force_ssl_redirect, one.settings.ssl_redirect);
    write!(
        out,
        r#"
    location {} {{
        set $namespace      "{namespace}";
        set $ingress_name   "{ingress}";
        set $service_name   "{service}";
        set $service_port   "{port}";
        set $location_path  "{path}";

        rewrite_by_lua_block {{
            lua_ingress.rewrite({{
                force_ssl_redirect = {force},
                ssl_redirect = {redirect},
                force_no_ssl_redirect = false,
                use_port_in_redirects = false,
            }})
            balancer.rewrite()
            plugins.run()
        }}

        # be careful with `access_by_lua_block` and `satisfy any` directives as satisfy any
        # will always succeed when there's `access_by_lua_block` that does not have any lua code doing `ngx.exit(ngx.DECLINED)`
        # other authentication method such as basic auth or external auth useless - all requests will be allowed.
        #access_by_lua_block {{
        #}}

        header_filter_by_lua_block {{
            lua_ingress.header()
            plugins.run()
        }}

        body_filter_by_lua_block {{
        }}

        log_by_lua_block {{
            balancer.log()

            monitor.call()

            plugins.run()
        }}

        port_in_redirect off;

        set $balancer_ewma_score -1;
        set $proxy_upstream_name "{}";
        set $proxy_host          $proxy_upstream_name;
        set $pass_access_scheme  $scheme;

        set $pass_server_port    $server_port;

        set $best_http_host      $http_host;
        set $pass_port           $pass_server_port;
"#,
        one.matcher, one.backend.upstream
    )?;
    // A single address stands as it was written.
    let shown = |net: &ipnet::Ipv4Net| if net.prefix_len() == 32 { net.addr().to_string() } else { net.to_string() };
    for net in &one.settings.deny {
        writeln!(out, "\n        deny {};", shown(net))?;
    }
    for net in one.settings.allow.iter().flatten() {
        writeln!(out, "\n        allow {};", shown(net))?;
    }
    if one.settings.allow.is_some() {
        out.push_str("\n        deny all;\n");
    }
    if let Some((status, url)) = &one.settings.redirect {
        writeln!(out, "\n        return {status} {url};")?;
    }
    if let Some(target) = one.rewrite() {
        writeln!(out, "\n        rewrite \"(?i){path}\" {target} break;")?;
    }
    out.push_str("    }\n");
    Ok(())
}
