//! An example of every property and function that islands have: each is true behind [`SETUP`], which a test holds it to.
//! The reference shows them.

use super::{Function, Property};

/// The scenario in which the examples are true.
pub const SETUP: &str = "\
cluster example { serviceCIDR 10.96.0.0/16 }
pool balancers 10.0.0.200 to 10.0.0.201 for LoadBalancer
node worker1 at 10.0.0.1 podCIDR 192.168.1.0/26
node worker2 at 10.0.0.2 podCIDR 192.168.2.0/26

namespace kube-system {
  pod coredns on worker2 at 192.168.2.5 { labels k8s-app=kube-dns; container coredns { port 53/UDP as dns; serve dns } }
  service kube-dns { clusterIP 10.96.0.10; selector k8s-app=kube-dns; port 53/UDP as dns }
}
namespace default {
  pod client on worker1 at 192.168.1.5
  pod web-1 on worker2 at 192.168.2.6 {
    labels app=web
    container nginx {
      port 80
      serve http
      documentRoot /srv
      file /srv/index.html assets style.css
      file /srv/style.css \"p { color: red }\"
    }
  }
  service web { clusterIP 10.96.0.20; selector app=web; port 80 }
  service empty { clusterIP 10.96.0.21; selector app=none; port 80 }
  pod pair-1 on worker1 { labels app=pair; container nginx { port 80; serve http } }
  pod pair-2 on worker2 { labels app=pair; container nginx { port 80; serve http } }
  service pair { selector app=pair; port 80 }
  service front { type LoadBalancer; selector app=pair; port 80 }
}

send client:40000 -> service/web:80 tcp as hello
send client -> service/empty:80 tcp as refused
send client -> service/pair:80 tcp times 3 as burst
get client -> http://web/ with assets as page
resolve client web as name
explore client -> service/pair:80 as every
";

/// An example of a property: an expression that is true.
pub fn of_property(property: &Property) -> Option<&'static str> {
    PROPERTIES
        .iter()
        .find(|(of, name, _)| *of == property.of.describe() && *name == property.name)
        .map(|(.., text)| *text)
}

/// An example of a function of the world.
pub fn of_function(function: &Function) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(name, _)| *name == function.name).map(|(_, text)| *text)
}

/// An example of a function of Rhai's. What changes its value needs a variable: such an example is the body of a function.
pub fn of_library(name: &str) -> Option<&'static str> {
    LIBRARY.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

const PROPERTIES: &[(&str, &str, &str)] = &[
    ("flow", "name", r#"hello.name == "hello""#),
    ("flow", "from", r#"hello.from == "default/client""#),
    ("flow", "outcome", r#"hello.outcome == "delivered" && refused.outcome == "rejected""#),
    ("flow", "delivered", "hello.delivered && !refused.delivered"),
    ("flow", "to", r#"hello.to == "default/web-1""#),
    ("flow", "status", "page.status == 200"),
    ("flow", "body", r#"page.body.contains("style.css")"#),
    ("flow", "location", "page.location == ()"),
    ("flow", "assets", "page.assets.all(|asset| asset.ok)"),
    ("flow", "answer", r#"name.answer == ["10.96.0.20"]"#),
    ("flow", "records", r#"name.records == ["A 10.96.0.20"]"#),
    ("flow", "code", r#"name.code == "NOERROR""#),
    ("flow", "server", r#"name.server == "10.96.0.10:53""#),
    ("flow", "hops", "hello.hops.len() == 4"),
    ("flow", "took", "page.took < 100"),
    ("flow", "packets", r#"hello.packets[0].protocol == "tcp""#),
    ("flow", "each", "burst.each.filter(|one| one.delivered).len() == 3"),
    ("asset", "url", r#"page.assets[0].url == "http://web/style.css""#),
    ("asset", "status", "page.assets[0].status == 200"),
    ("asset", "type", r#"page.assets[0].type == "text/css""#),
    ("asset", "body", r#"page.assets[0].body == "p { color: red }""#),
    ("asset", "ok", "page.assets[0].ok"),
    ("packet", "hops", r#"hello.packets[0].hops[0].node == "default/client""#),
    ("packet", "source", r#"hello.packets[0].source == "192.168.1.5:40000""#),
    ("packet", "destination", r#"hello.packets[0].destination == "10.96.0.20:80""#),
    ("packet", "protocol", r#"hello.packets.all(|packet| packet.protocol == "tcp")"#),
    ("hop", "node", r#"hello.hops.map(|hop| hop.node)[1] == "worker1""#),
    ("hop", "in_device", r#"hello.hops[0].in_device == "" && hello.hops[2].in_device != """#),
    ("hop", "out", r#"hello.hops.some(|hop| hop.out == "tunl0")"#),
    ("hop", "time", "hello.hops[0].time != hello.hops[3].time"),
    ("hop", "source", r#"hello.hops[0].source == "192.168.1.5:40000""#),
    ("hop", "destination", r#"hello.hops[3].destination == "192.168.2.6:80""#),
    ("hop", "chains", r#"hello.hops[1].chains.contains("nat/KUBE-SERVICES")"#),
    ("hop", "dropped", "refused.hops.some(|hop| hop.dropped)"),
    ("hop", "reason", r#"refused.hops.some(|hop| hop.reason.contains("KUBE-SERVICES"))"#),
    ("endpoint", "name", r#"service("web").endpoints[0].name == "default/web-1""#),
    ("endpoint", "node", r#"service("web").endpoints[0].node == "worker2""#),
    ("endpoint", "address", r#"service("web").endpoints[0].address == "192.168.2.6""#),
    ("endpoint", "port", r#"service("web").endpoints[0].port == 80"#),
    ("service", "name", r#"service("web").name == "default/web""#),
    ("service", "clusterIP", r#"service("web").clusterIP == "10.96.0.20""#),
    ("service", "loadBalancerIP", r#"service("front").loadBalancerIP == "10.0.0.200""#),
    ("service", "endpoints", r#"service("empty").endpoints.is_empty()"#),
    ("pod", "name", r#"pod("client").name == "default/client""#),
    ("pod", "node", r#"pod("client").node == "worker1""#),
    ("pod", "address", r#"pod("client").address == "192.168.1.5""#),
    ("node", "name", r#"node("worker1").name == "worker1""#),
    ("node", "address", r#"node("worker1").address == "10.0.0.1""#),
    ("way", "probability", r#"every.all(|way| way.probability == "1/2")"#),
    ("way", "flow", "every.all(|way| way.flow.delivered)"),
    ("way", "decisions", "every[0].decisions.len() == 1"),
    ("decision", "place", r#"every[0].decisions[0].place == "worker1""#),
    ("decision", "about", r#"every[0].decisions[0].about == "service default/pair""#),
    ("decision", "taken", "every[0].decisions[0].taken == every[0].flow.to"),
    ("list", "len", "[1, 2, 3].len == 3"),
    ("list", "is_empty", "[].is_empty"),
    ("text", "len", r#""web".len == 3"#),
    ("text", "is_empty", r#""".is_empty"#),
    ("text", "bytes", r#""web".bytes == 3"#),
    ("number", "is_odd", "3.is_odd"),
    ("number", "is_even", "4.is_even"),
    ("number", "is_zero", "0.is_zero"),
];

const FUNCTIONS: &[(&str, &str)] = &[
    ("service", r#"service("kube-system/kube-dns").clusterIP == "10.96.0.10""#),
    ("pod", r#"pod(hello.to).node == "worker2""#),
    ("flow", r#"flow("hello").to == hello.to"#),
    ("ways", r#"ways("every").len() == 2"#),
    ("node", r#"node(pod("web-1").node).address == "10.0.0.2""#),
];

const LIBRARY: &[(&str, &str)] = &[
    ("len", "hello.hops.len() == 4"),
    ("is_empty", "name.answer.is_empty() == false"),
    ("contains", r#"page.body.contains("style")"#),
    ("starts_with", r#"hello.to.starts_with("default/")"#),
    ("ends_with", r#"hello.to.ends_with("web-1")"#),
    ("index_of", "[10, 20, 30].index_of(20) == 1"),
    ("some", r#"hello.hops.some(|hop| hop.node == "worker2")"#),
    ("all", "hello.hops.all(|hop| !hop.dropped)"),
    ("filter", r#"hello.hops.filter(|hop| hop.out == "tunl0").len() == 1"#),
    ("map", r#"service("web").endpoints.map(|one| one.port) == [80]"#),
    ("find", "[1, 2, 3].find(|x| x > 1) == 2"),
    ("find_map", "[1, 2].find_map(|x| if x > 1 { x * 10 }) == 20"),
    ("reduce", "[1, 2, 3].reduce(|sum, x| sum + x, 0) == 6"),
    ("reduce_rev", r#"["a", "b"].reduce_rev(|text, x| text + x, "") == "ba""#),
    ("for_each", "let a = [1, 2]; a.for_each(|| this += 1); a == [2, 3]"),
    ("extract", "[1, 2, 3].extract(1, 2) == [2, 3]"),
    ("sort", "let a = [2, 1]; a.sort(); a == [1, 2]"),
    ("sort_by", "let a = [1, 2]; a.sort_by(|x, y| y - x); a == [2, 1]"),
    ("sort_desc", "let a = [1, 2]; a.sort_desc(); a == [2, 1]"),
    ("order", "[2, 1].order() == [1, 2]"),
    ("order_by", "[1, 2].order_by(|x, y| y - x) == [2, 1]"),
    ("order_desc", "[1, 2].order_desc() == [2, 1]"),
    ("reverse", "let a = [1, 2]; a.reverse(); a == [2, 1]"),
    ("dedup", "let a = [1, 1, 2]; a.dedup(); a == [1, 2]"),
    ("drain", "let a = [1, 2, 3]; a.drain(|x| x > 1) == [2, 3]"),
    ("retain", "let a = [1, 2, 3]; a.retain(|x| x > 1); a == [2, 3]"),
    ("splice", "let a = [1, 2, 3]; a.splice(0, 2, [9]); a == [9, 3]"),
    ("push", "let a = [1]; a.push(2); a == [1, 2]"),
    ("append", "let a = [1]; a.append([2, 3]); a == [1, 2, 3]"),
    ("insert", "let a = [1, 3]; a.insert(1, 2); a == [1, 2, 3]"),
    ("pop", "let a = [1, 2]; a.pop() == 2"),
    ("shift", "let a = [1, 2]; a.shift() == 1"),
    ("remove", "let a = [1, 2]; a.remove(0) == 1"),
    ("pad", "let a = [1]; a.pad(3, 0); a == [1, 0, 0]"),
    ("clear", "let a = [1]; a.clear(); a == []"),
    ("truncate", "let a = [1, 2, 3]; a.truncate(1); a == [1]"),
    ("chop", "let a = [1, 2, 3]; a.chop(1); a == [3]"),
    ("zip", "[1, 2].zip([3, 4], |x, y| x + y) == [4, 6]"),
    ("get", "[10, 20].get(1) == 20"),
    ("set", "let a = [1, 2]; a.set(0, 9); a == [9, 2]"),
    ("keys", r#"#{ port: 80 }.keys() == ["port"]"#),
    ("values", "#{ port: 80 }.values() == [80]"),
    ("mixin", "let a = #{ x: 1 }; a.mixin(#{ y: 2 }); a.y == 2"),
    ("fill_with", "let a = #{ x: 1 }; a.fill_with(#{ x: 9, y: 2 }); a.x == 1 && a.y == 2"),
    ("to_upper", r#""tcp".to_upper() == "TCP""#),
    ("to_lower", r#""TCP".to_lower() == "tcp""#),
    ("make_upper", r#"let a = "tcp"; a.make_upper(); a == "TCP""#),
    ("make_lower", r#"let a = "TCP"; a.make_lower(); a == "tcp""#),
    ("trim", r#"let a = " web "; a.trim(); a == "web""#),
    ("sub_string", r#""worker1".sub_string(0, 6) == "worker""#),
    ("crop", r#"let a = "worker1"; a.crop(6); a == "1""#),
    ("replace", r#"let a = "web-1"; a.replace("-", "/"); a == "web/1""#),
    ("split", r#"hello.to.split("/") == ["default", "web-1"]"#),
    ("split_rev", r#""a/b".split_rev("/") == ["b", "a"]"#),
    ("to_string", r#"80.to_string() == "80""#),
    ("to_debug", r#"[1, 2].to_debug() == "[1, 2]""#),
    ("parse_int", r#"parse_int("80") == 80"#),
    ("parse_float", r#"parse_float("0.5") == 0.5"#),
    ("to_int", "1.5.to_int() == 1"),
    ("to_float", "1.to_float() == 1.0"),
    ("abs", "abs(-2) == 2"),
    ("sign", "sign(-2) == -1"),
    ("is_odd", "3.is_odd()"),
    ("is_even", "4.is_even()"),
    ("is_zero", "0.is_zero()"),
    ("min", "min(1, 2) == 1"),
    ("max", "max(1, 2) == 2"),
    ("floor", "1.5.floor() == 1.0"),
    ("ceiling", "1.5.ceiling() == 2.0"),
    ("round", "1.6.round() == 2.0"),
    ("sqrt", "sqrt(9.0) == 3.0"),
    ("range", "range(0, 3).contains(2)"),
    ("type_of", r#"type_of(80) == "i64""#),
    ("call", "let double = |x| 2 * x; double.call(2) == 4"),
    ("curry", "let add = |x, y| x + y; add.curry(1).call(2) == 3"),
    ("to_hex", r#"255.to_hex() == "ff""#),
];
