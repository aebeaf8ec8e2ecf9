//! Zones of names outside the cluster, which somebody serves.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::validate::{dns_subdomain, fault};
use crate::world::OpError;

/// A zone: the names below a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Zone {
    /// The domain, without a dot at its end.
    pub name: String,
    /// What it has.
    pub records: Vec<ZoneRecord>,
}

/// A record of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneRecord {
    /// Whose it is: a name of the zone, `@` for the domain itself; a first label `*` stands for what no other record is
    /// for (RFC 4592).
    pub name: String,
    /// What it says.
    pub data: ZoneData,
}

/// What a record of a zone says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE", tag = "type", content = "value")]
pub enum ZoneData {
    /// An address.
    A(Ipv4Addr),
    /// Another name: of the zone, or a whole one with a dot at its end.
    Cname(String),
    /// Text.
    Txt(String),
}

impl ZoneData {
    /// The most bytes that a text has (`character-string` of RFC 1035, 3.3).
    pub const LONGEST_TEXT: usize = 255;
}

impl ZoneRecord {
    /// The whole name, without a dot at its end.
    pub fn owner(&self, zone: &str) -> String {
        if self.name == "@" { zone.to_owned() } else { format!("{}.{zone}", self.name) }
    }
}

impl Zone {
    /// What holds for a zone by itself.
    pub(super) fn check(&self) -> Result<(), OpError> {
        dns_subdomain("the name of a zone", &self.name)?;
        for record in &self.records {
            let alone = |other: &ZoneRecord| std::ptr::eq(other, record) || other.name != record.name;
            if let ZoneData::Txt(text) = &record.data
                && text.len() > ZoneData::LONGEST_TEXT
            {
                let owner = record.owner(&self.name);
                let problem = format!("the text of {owner} has {} bytes", text.len());
                return Err(fault(problem, "a text of DNS has 255 bytes at most"));
            }
            // RFC 1034, 3.6.2.
            if matches!(record.data, ZoneData::Cname(_)) && !self.records.iter().all(alone) {
                let problem = format!("{} is another name, and has more records", record.owner(&self.name));
                return Err(fault(problem, "leave the others out: a CNAME stands alone"));
            }
        }
        Ok(())
    }
}
