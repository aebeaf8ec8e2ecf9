//! A chain in Felix' own words, the hashes of its rules, and names that are not too long.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha224, Sha256};

use crate::netfilter::Provenance;

/// The longest name of a chain, in bytes (felix, iptables/table.go).
const MAX_CHAIN_NAME: usize = 28;
/// How much of a hash stands in a rule's comment, in characters.
const HASH_LENGTH: usize = 16;

/// A chain and its rules, each as Felix words it: comments, then matches, then the target.
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) provenance: Arc<Provenance>,
    rules: Vec<(String, Arc<Provenance>)>,
}

impl Chain {
    pub(super) fn new(name: impl Into<String>, provenance: &Arc<Provenance>) -> Self {
        Self { name: name.into(), provenance: provenance.clone(), rules: Vec::new() }
    }

    /// Adds a rule that has the chain's own provenance.
    pub(super) fn rule(self, text: impl Into<String>) -> Self {
        let why = self.provenance.clone();
        self.rule_for(text, &why)
    }

    /// Adds a rule.
    pub(super) fn rule_for(mut self, text: impl Into<String>, why: &Arc<Provenance>) -> Self {
        self.rules.push((text.into(), why.clone()));
        self
    }

    /// The rules as `iptables` takes them: the hash comes first, in a comment.
    ///
    /// The very text that follows is what is hashed, together with the hash of the rule before; the first rule's goes
    /// over that of the chain's name (felix, iptables/rules.go, `RuleHashes`).
    pub(super) fn rendered(&self) -> impl Iterator<Item = (String, &Arc<Provenance>)> {
        let mut hash = Sha224::digest(&self.name);
        self.rules.iter().map(move |(text, why)| {
            let next = Sha224::new().chain_update(hash);
            hash =
                next.chain_update("-A ").chain_update(&self.name).chain_update(" HASH ").chain_update(text).finalize();
            let encoded = BASE64URL_NOPAD.encode(&hash);
            (["-m comment --comment \"cali:", &encoded[..HASH_LENGTH], "\" ", text].concat(), why)
        })
    }
}

/// A rule with a comment: it stands before everything else.
pub(super) fn commented(comment: &str, rule: impl std::fmt::Display) -> String {
    format!("-m comment --comment \"{comment}\" {rule}")
}

/// The name of the chain of something whose own name may be too long for one: then a hash stands for it.
///
/// ```
/// use netscene_core::agents::felix::chain_name;
/// assert_eq!(chain_name("cali-pri-", "kns.iks"), "cali-pri-kns.iks");
/// let account = "ksa.iks.essential-nginx-ingress-ingress-nginx";
/// assert_eq!(chain_name("cali-pri-", account), "cali-pri-_qhvtEkBt11p8TGLQ38");
/// ```
pub fn chain_name(prefix: &str, id: &str) -> String {
    let room = MAX_CHAIN_NAME - prefix.len();
    // What looks like a hash is hashed itself, lest it meet one.
    let looks_hashed = id.starts_with('_') && id.len() == room;
    if id.len() <= room && !looks_hashed {
        return format!("{prefix}{id}");
    }
    let encoded = BASE64URL_NOPAD.encode(&Sha256::digest(id));
    format!("{prefix}_{}", &encoded[..room - 1])
}
