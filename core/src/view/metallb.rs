//! What MetalLB's speakers log, as release 0.8 writes it: JSON with its keys in order and without blanks (go-kit/log).

use std::time::Duration;

use crate::Time;
use crate::world::{SpeakerEvent, SpeakerRecord};

/// A line of the log; the world's time begins with 1970.
///
/// The place in MetalLB's source that `caller` names is known of ARP answers alone, and left out elsewhere.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::view::metallb::line;
/// use netscene_core::world::{SpeakerEvent, SpeakerRecord};
/// let event = SpeakerEvent::Withdrawn { service: "iks/nginx".into(), reason: "notOwner" };
/// let record = SpeakerRecord { time: Time::ZERO, node: "worker1".into(), event };
/// assert_eq!(
///     line(&record),
///     r#"{"event":"serviceWithdrawn","ip":"","msg":"withdrawing service announcement","reason":"notOwner","service":"iks/nginx","ts":"1970-01-01T00:00:00Z"}"#
/// );
/// ```
pub fn line(record: &SpeakerRecord) -> String {
    let pairs: Vec<(&str, String)> = match &record.event {
        SpeakerEvent::Announced { service, ip } => vec![
            ("event", "serviceAnnounced".to_owned()),
            ("ip", ip.to_string()),
            ("msg", "service has IP, announcing".to_owned()),
            ("protocol", "layer2".to_owned()),
            ("service", service.to_string()),
        ],
        SpeakerEvent::Withdrawn { service, reason } => vec![
            ("event", "serviceWithdrawn".to_owned()),
            // Its entry is gone before the line is written.
            ("ip", String::new()),
            ("msg", "withdrawing service announcement".to_owned()),
            ("reason", (*reason).to_owned()),
            ("service", service.to_string()),
        ],
        SpeakerEvent::Answered { interface, ip, response_mac, sender_ip, sender_mac } => vec![
            ("caller", "arp.go:102".to_owned()),
            ("interface", interface.to_string()),
            ("ip", ip.to_string()),
            ("msg", "got ARP request for service IP, sending response".to_owned()),
            ("responseMAC", response_mac.to_string()),
            ("senderIP", sender_ip.to_string()),
            ("senderMAC", sender_mac.to_string()),
        ],
    };
    // No value has a character that JSON would escape: they are names and addresses.
    let fields =
        pairs.into_iter().chain([("ts", stamp(record.time))]).map(|(key, value)| format!("\"{key}\":\"{value}\""));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// RFC 3339 with as many digits behind the point as are not zero (Go's `RFC3339Nano`). Nobody's world lives longer than a
/// month: the day of January is as far as it counts.
fn stamp(time: Time) -> String {
    let since = Duration::from_nanos(time.as_nanos());
    let seconds = since.as_secs();
    let (day, hour, minute, second) = (seconds / 86_400 % 31 + 1, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = format!(".{:09}", since.subsec_nanos());
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("1970-01-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}
