//! The names Kubernetes and Calico make up: generated pod names, and the host's end of a pod's veth.

use data_encoding::HEXLOWER;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::packet::DeviceName;

/// What Kubernetes makes random names of: no vowels and no digit that looks like one (apimachinery, util/rand).
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// The random end of a generated name, in characters.
const SUFFIX: usize = 5;
/// What a name may have before its random end: 63 characters less those five (apiserver, storage/names).
const BASE: usize = 58;

/// The device of a pod on its node: `cali` and eleven digits of a SHA-1 (libcalico-go, names/workloadendpoint).
pub fn interface_name(namespace: &str, pod: &str) -> DeviceName {
    let digest = HEXLOWER.encode(&Sha1::digest(format!("{namespace}.{pod}")));
    // "cali" and eleven hexadecimal digits are fifteen characters of ASCII, which is what a device's name can hold.
    format!("cali{}", &digest[..11]).parse().unwrap_or(DeviceName::ETH0)
}

/// Names for the pods of one deployment or daemon set. They depend on nothing but what is given here, so that an object
/// declared elsewhere changes none of them.
#[derive(Clone, Debug)]
pub(super) struct PodNames<'a> {
    pub(super) seed: u64,
    pub(super) namespace: &'a str,
    pub(super) owner: &'a str,
    /// A deployment's pods carry the hash of its replica set in between; a daemon set's do not.
    pub(super) replica_set: bool,
}

impl PodNames<'_> {
    /// The name of pod `index`, or another one for it when `attempt` is higher because that name is taken.
    pub(super) fn name(&self, index: usize, attempt: u32) -> String {
        let mut base = self.owner.to_owned();
        if self.replica_set {
            base.push('-');
            base.push_str(&self.template_hash());
        }
        base.push('-');
        base.truncate(BASE);
        let mut draw = self.digest(&format!("pod {index} {attempt}"));
        for _ in 0..SUFFIX {
            base.push(char::from(ALPHABET[(draw % 27) as usize]));
            draw /= 27;
        }
        base
    }

    /// `pod-template-hash`: a 32-bit number in decimal, each digit encoded in the alphabet, which leaves ten characters.
    fn template_hash(&self) -> String {
        let number = (self.digest("template") as u32).to_string();
        number.bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % 27])).collect()
    }

    fn digest(&self, what: &str) -> u64 {
        let text = format!("{} {}/{} {what}", self.seed, self.namespace, self.owner);
        Sha256::digest(text).iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_in_the_white_paper() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/reference/calico.json")).unwrap();
        for vector in vectors["veth_vectors"].as_array().unwrap() {
            let name = interface_name(vector["namespace"].as_str().unwrap(), vector["pod"].as_str().unwrap());
            assert_eq!(name.as_str(), vector["iface"].as_str().unwrap());
        }
    }

    #[test]
    fn generated_names_have_the_shape_and_the_letters_of_kubernetes() {
        let names = PodNames { seed: 1, namespace: "default", owner: "frontend", replica_set: true };
        let name = names.name(0, 0);
        let parts: Vec<_> = name.split('-').collect();
        assert_eq!(parts[0], "frontend");
        assert!(parts[1].bytes().all(|c| b"456789bcdf".contains(&c)), "{name}");
        assert!(parts[2].len() == 5 && parts[2].bytes().all(|c| ALPHABET.contains(&c)), "{name}");
        assert_ne!(names.name(0, 0), names.name(1, 0));
        assert_ne!(names.name(0, 0), names.name(0, 1));

        let owner = "essential-nginx-ingress-ingress-nginx-defaultbackend";
        let long = PodNames { seed: 1, namespace: "iks", owner, replica_set: true }.name(0, 0);
        assert_eq!(long.len(), 63);
    }
}
