//! A name server outside the cluster: what the declared zones say of a name.
//!
//! It knows these zones and nobody else: a name of another zone is answered with SERVFAIL, as by a resolver that reaches
//! no server of it. Answers carry no start of authority, of which nothing is declared.

use super::coredns::{Answer, QueryType, Record, RecordData, ResponseCode};
use crate::kube::{State, Zone, ZoneData, ZoneRecord};

/// Seconds that an answer may be kept.
const TTL: u32 = 60;
/// The longest chain of names that stand for names.
const MOST_ALIASES: usize = 8;

/// Answers a query for `name`, with or without a dot at its end.
pub fn lookup(state: &State, name: &str, query: QueryType) -> Answer {
    let mut records = Vec::new();
    let mut asked = name.trim_end_matches('.').to_ascii_lowercase();
    for _ in 0..MOST_ALIASES {
        let Some(zone) = zone_of(state, &asked) else {
            // What the alias stands for is elsewhere: the alias is all that can be said.
            let code = if records.is_empty() { ResponseCode::ServFail } else { ResponseCode::NoError };
            return answer(code, records);
        };
        let Some(found) = records_of(zone, &asked) else {
            let code = if records.is_empty() { ResponseCode::NxDomain } else { ResponseCode::NoError };
            return answer(code, records);
        };
        let owner = format!("{asked}.");
        let alias = found.iter().find_map(|record| match &record.data {
            ZoneData::Cname(target) => Some(whole(target, &zone.name)),
            _ => None,
        });
        if let Some(target) = alias {
            records.push(Record { name: owner, ttl: TTL, data: RecordData::Cname(format!("{target}.")) });
            if query == QueryType::Cname {
                break;
            }
            asked = target;
            continue;
        }
        records.extend(found.iter().filter_map(|record| {
            let data = match (&record.data, query) {
                (ZoneData::A(address), QueryType::A) => RecordData::A(*address),
                (ZoneData::Txt(text), QueryType::Txt) => RecordData::Txt(text.clone()),
                _ => return None,
            };
            Some(Record { name: owner.clone(), ttl: TTL, data })
        }));
        break;
    }
    answer(ResponseCode::NoError, records)
}

fn answer(code: ResponseCode, records: Vec<Record>) -> Answer {
    Answer { code, records, additional: Vec::new(), authority_soa: false }
}

/// A target as it is written: with a dot at its end it is whole.
fn whole(target: &str, zone: &str) -> String {
    let target = target.to_ascii_lowercase();
    match target.strip_suffix('.') {
        Some(whole) => whole.to_owned(),
        None if target == "@" => zone.to_owned(),
        None => format!("{target}.{zone}"),
    }
}

/// The zone a name is in: of several the one with the longest domain.
fn zone_of<'a>(state: &'a State, name: &str) -> Option<&'a Zone> {
    let zones = state.zones().map(|declared| &declared.object);
    let inside = zones.filter(|zone| is_below(name, &zone.name));
    inside.max_by_key(|zone| zone.name.len())
}

/// Whether a name is the domain, or ends with it.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The records of a name; none, where there is no such name. A name below which there are others exists (RFC 8020); one
/// that does not has what the nearest `*` says (RFC 4592).
fn records_of<'a>(zone: &'a Zone, name: &str) -> Option<Vec<&'a ZoneRecord>> {
    let of = |owner: &str| -> Vec<&'a ZoneRecord> {
        zone.records.iter().filter(|one| one.owner(&zone.name).eq_ignore_ascii_case(owner)).collect()
    };
    let exists = |owner: &str| {
        owner == zone.name
            || zone.records.iter().any(|one| is_below(&one.owner(&zone.name).to_ascii_lowercase(), owner))
    };
    if exists(name) {
        return Some(of(name));
    }
    let mut rest = name;
    while let Some((_label, parent)) = rest.split_once('.') {
        if exists(parent) {
            let wild = of(&format!("*.{parent}"));
            return Some(wild).filter(|wild| !wild.is_empty());
        }
        rest = parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::Object;

    fn state() -> State {
        let mut state = State::new(0);
        let record = |name: &str, data| ZoneRecord { name: name.into(), data };
        let zone = |name: &str, records| Object::Zone(Zone { name: name.into(), records });
        let corp = vec![
            record("@", ZoneData::Txt("hello".into())),
            record("db", ZoneData::A([10, 9, 0, 5].into())),
            record("www", ZoneData::Cname("db".into())),
            record("cdn", ZoneData::Cname("edge.example.net.".into())),
            record("a.deep", ZoneData::A([10, 9, 0, 6].into())),
            record("*.apps", ZoneData::A([10, 9, 0, 7].into())),
            record("loop", ZoneData::Cname("loop".into())),
        ];
        state.declare(zone("corp.example", corp), None).unwrap();
        let sub = vec![record("db", ZoneData::A([10, 9, 1, 5].into()))];
        state.declare(zone("eu.corp.example", sub), None).unwrap();
        state
    }

    fn shown(name: &str, query: QueryType) -> String {
        let answer = lookup(&state(), name, query);
        let records = answer.records.iter().map(|record| match &record.data {
            RecordData::A(address) => address.to_string(),
            RecordData::Cname(name) | RecordData::Txt(name) => name.clone(),
            other => format!("{other:?}"),
        });
        let records: Vec<_> = records.collect();
        format!("{:?} {}", answer.code, records.join(", "))
    }

    #[test]
    fn names_aliases_wildcards_and_what_is_not_there() {
        for (name, query, answer) in [
            ("db.corp.example.", QueryType::A, "NoError 10.9.0.5"),
            ("DB.Corp.Example", QueryType::A, "NoError 10.9.0.5"),
            ("db.corp.example", QueryType::Aaaa, "NoError "),
            ("corp.example", QueryType::Txt, "NoError hello"),
            ("www.corp.example", QueryType::A, "NoError db.corp.example., 10.9.0.5"),
            ("www.corp.example", QueryType::Cname, "NoError db.corp.example."),
            ("cdn.corp.example", QueryType::A, "NoError edge.example.net."),
            ("db.eu.corp.example", QueryType::A, "NoError 10.9.1.5"),
            ("deep.corp.example", QueryType::A, "NoError "),
            ("shop.apps.corp.example", QueryType::A, "NoError 10.9.0.7"),
            ("a.b.apps.corp.example", QueryType::A, "NoError 10.9.0.7"),
            ("apps.corp.example", QueryType::A, "NoError "),
            ("x.db.corp.example", QueryType::A, "NxDomain "),
            ("none.corp.example", QueryType::A, "NxDomain "),
            ("notcorp.example", QueryType::A, "ServFail "),
            ("edge.example.net", QueryType::A, "ServFail "),
        ] {
            assert_eq!(shown(name, query), answer, "{name} {query:?}");
        }
        assert!(shown("loop.corp.example", QueryType::A).starts_with("NoError loop.corp.example."));
    }

    #[test]
    fn an_alias_stands_alone() {
        let records = vec![
            ZoneRecord { name: "a".into(), data: ZoneData::Cname("b".into()) },
            ZoneRecord { name: "a".into(), data: ZoneData::A([10, 0, 0, 1].into()) },
        ];
        let zone = Object::Zone(Zone { name: "corp.example".into(), records });
        let error = State::new(0).declare(zone, None).unwrap_err();
        assert_eq!(error.problem, "a.corp.example is another name, and has more records");
    }
}
