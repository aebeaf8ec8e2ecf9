//! `scn trace`: its forms, held against their schema.

use std::fs;

use serde_json::Value;

use crate::common::{root, scn};

/// Whether `value` is what a schema says, as far as `trace.schema.json` uses JSON Schema; else the place and the reason.
fn valid(value: &Value, schema: &Value, whole: &Value, at: &str) -> Result<(), String> {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.strip_prefix("#/$defs/").ok_or("a reference to somewhere else")?;
        return valid(value, &whole["$defs"][name], whole, at);
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let faults: Vec<_> = ways.iter().filter_map(|way| valid(value, way, whole, at).err()).collect();
        if faults.len() + 1 != ways.len() {
            return Err(format!("{at}: {} of {} ways: {}", ways.len() - faults.len(), ways.len(), faults.join("; ")));
        }
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        return Err(format!("{at}: {value} is not {constant}"));
    }
    if let Some(all) = schema["enum"].as_array().filter(|all| !all.contains(value)) {
        return Err(format!("{at}: {value} is none of {all:?}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(all) => all.iter().any(|one| one == kind),
        _ => true,
    };
    if !allowed {
        return Err(format!("{at}: {kind} is not {}", schema["type"]));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        valid(item, &schema["items"], whole, &format!("{at}/{number}"))?;
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return Err(format!("{at}: there is no {name}"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match schema["properties"].get(name) {
            Some(schema) => valid(field, schema, whole, &at)?,
            None if schema["additionalProperties"] == false => return Err(format!("{at} is not known")),
            None => {}
        }
    }
    Ok(())
}

fn schema() -> Value {
    let text = fs::read_to_string(root().join("core/trace.schema.json")).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn documents_are_as_their_schema_says() {
    let schema = schema();
    for arguments in [
        &["trace", "--as", "json", "examples/hello.scn"][..],
        &["trace", "--as", "json", "examples/wordpress.scn"],
        &["trace", "--as", "json", "tests/scenarios/dropped.scn"],
        &["walk", "--json", "--node", "tests/reference/netns", "icmp", "10.0.0.2", "to", "10.0.0.1", "in", "eth0"],
    ] {
        let printed = scn(arguments).stdout;
        let document: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        let documents = document.as_array().cloned().unwrap_or_else(|| vec![document]);
        assert!(!documents.is_empty());
        for (at, document) in documents.iter().enumerate() {
            valid(document, &schema, &schema, &at.to_string()).unwrap_or_else(|fault| panic!("{arguments:?}: {fault}"));
        }
    }
    // A burst, and packets of another protocol.
    let printed = scn(&["trace", "--as", "json", "tests/scenarios/packets.scn"]).stdout;
    let Ok(Value::Array(documents)) = serde_json::from_str(&printed) else { panic!("{printed}") };
    for (at, document) in documents.iter().enumerate() {
        valid(document, &schema, &schema, &at.to_string()).unwrap_or_else(|fault| panic!("packets.scn: {fault}"));
    }
    assert!(documents.iter().any(|document| document["each"].as_array().is_some_and(|each| each.len() == 20)));
    assert!(documents.iter().any(|document| document["kind"] == "packet"));
    // The check can fail.
    assert!(valid(&serde_json::json!({"schema": "netscene.trace/1"}), &schema, &schema, "").is_err());
}

#[test]
fn a_drop_has_its_cause_and_cure() {
    let printed = scn(&["trace", "--as", "json", "tests/scenarios/causes.scn"]).stdout;
    let documents: Value = serde_json::from_str(&printed).expect("it is JSON");
    let hops = documents.as_array().expect("a list").iter();
    let hops = hops.flat_map(|flow| flow["packets"].as_array().expect("packets"));
    let hops: Vec<_> = hops.flat_map(|packet| packet["hops"].as_array().expect("hops")).collect();
    let dropped: Vec<_> = hops.iter().filter(|hop| hop["end"]["end"] == "dropped").collect();
    assert!(dropped.iter().any(|hop| hop["end"]["cause"].is_string() && hop["end"]["cure"].is_string()));
    assert!(hops.iter().all(|hop| hop["end"]["end"] == "dropped" || hop["end"].get("cause").is_none()));
}

#[test]
fn a_flow_is_told_in_every_form() {
    let line = scn(&["trace", "--flow", "hello", "--depth", "line", "examples/hello.scn"]);
    assert_eq!(line.status, 0);
    assert!(line.stdout.starts_with("hello: tcp default/client -> 10.96.0.2:80: delivered to "), "{}", line.stdout);
    assert_eq!(line.stdout.lines().count(), 1);
    let hops = scn(&["trace", "--depth", "hops", "examples/hello.scn"]).stdout;
    assert!(hops.contains("tunnel      ipip") && !hops.contains("KUBE-SERVICES"), "{hops}");
    let rules = scn(&["trace", "examples/hello.scn"]).stdout;
    assert!(rules.contains("by kube-proxy: service default/web") && !rules.contains("  no: "), "{rules}");
    let all = scn(&["trace", "--depth", "all", "examples/hello.scn"]).stdout;
    assert!(all.contains("cali-PREROUTING                4  no: --mark 0x0/0x40000: 0x40000   by felix"), "{all}");
    let picture = scn(&["trace", "--as", "mermaid", "examples/hello.scn"]).stdout;
    assert!(picture.starts_with("sequenceDiagram\n    participant p0 as default/client\n"), "{picture}");
    assert!(
        picture.contains("    p0->>p1: 1 192.168.") && picture.contains("Note over p1: dnat 10.96.0.2:80 to "),
        "{picture}"
    );
}

#[test]
fn a_flow_that_is_not_there_is_told() {
    let run = scn(&["trace", "--flow", "helo", "examples/hello.scn"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("no flow is called `helo`; did you mean `hello`?"), "{}", run.stderr);
}
