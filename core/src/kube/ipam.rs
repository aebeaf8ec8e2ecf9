//! Calico's IPAM: which block of the pool a node takes, and which address of it a pod gets.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::go_rand::GoRand;
use super::{Cluster, Overlay};
use crate::map::IndexMap;

/// The block that Calico tries first for a node: drawn from a generator that the node's name seeds (libcalico-go v3.16,
/// `ipam_block_reader_writer.go`).
///
/// ```
/// use netscene_core::kube::ipam::first_choice;
/// let pool = "192.168.0.0/16".parse()?;
/// let block = first_choice(pool, 26, "iks-networking-example-cl-iks-networ-ac625d72ba");
/// assert_eq!(block, "192.168.8.192/26".parse()?);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
pub fn first_choice(pool: Ipv4Net, block_size: u8, hostname: &str) -> Ipv4Net {
    let index = GoRand::new(fnv1(hostname.as_bytes())).below(block_count(pool, block_size));
    nth_block(pool, block_size, index)
}

/// FNV-1 of 32 bits: multiplies before it adds, other than FNV-1a.
fn fnv1(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, &byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
}

fn block_count(pool: Ipv4Net, block_size: u8) -> u64 {
    1 << block_size.saturating_sub(pool.prefix_len())
}

fn nth_block(pool: Ipv4Net, block_size: u8, index: u64) -> Ipv4Net {
    let size = 1_u64 << (32 - u32::from(block_size));
    let base = u64::from(pool.network().to_bits()) + index * size;
    Ipv4Net::new_assert(Ipv4Addr::from_bits(base as u32), block_size)
}

/// A block: the queue of its free addresses. A fresh one hands them out in ascending order.
#[derive(Clone, Debug)]
struct Block {
    network: Ipv4Net,
    free: VecDeque<u32>,
}

impl Block {
    fn new(network: Ipv4Net) -> Self {
        let first = network.network().to_bits();
        let last = network.broadcast().to_bits();
        Self { network, free: (first..=last).collect() }
    }

    fn pop(&mut self) -> Option<Ipv4Addr> {
        self.free.pop_front().map(Ipv4Addr::from_bits)
    }
}

/// A node's share of the pool.
#[derive(Clone, Debug)]
struct Share {
    hostname: Arc<str>,
    blocks: Vec<Block>,
    tunnel: Option<Ipv4Addr>,
    /// Addresses out of other nodes' blocks.
    borrowed: Vec<Ipv4Addr>,
}

/// Why an address could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IpamError {
    /// No block is left, and the node's own are used up.
    Exhausted,
    /// The address is in none of the node's blocks.
    Outside,
    /// The address is that of the node's own `tunl0`.
    Tunnel,
    /// Somebody has it.
    Taken,
}

/// The blocks of all nodes. A copy shares what neither changes.
#[derive(Clone, Debug)]
pub(super) struct Ipam {
    pool: Ipv4Net,
    block_size: u8,
    /// Nodes have an address for `tunl0` only if a pool is tunnelled (calico-node, allocate-tunnel-addrs).
    tunnelled: bool,
    shares: IndexMap<Arc<str>, Arc<Share>>,
    /// Every block there is, by its lowest address, and the node that holds it.
    owners: Arc<BTreeMap<u32, Arc<str>>>,
}

impl Ipam {
    pub(super) fn new(cluster: &Cluster) -> Self {
        Self {
            pool: cluster.pod_cidr.trunc(),
            block_size: cluster.block_size,
            tunnelled: cluster.overlay != Overlay::Never,
            shares: IndexMap::default(),
            owners: Arc::default(),
        }
    }

    /// Gives a new node its first block, and `tunl0` its address. Calico claims the block with the first address that is
    /// asked for; here that is always the node's start, which only a cluster without overlay could tell apart.
    pub(super) fn add_node(
        &mut self,
        name: &Arc<str>,
        hostname: &str,
        block: Option<Ipv4Net>,
    ) -> Result<(), IpamError> {
        let network = match block {
            Some(block) => block.trunc(),
            None => self.free_block(hostname)?,
        };
        let mut block = Block::new(network);
        let tunnel = if self.tunnelled { block.pop() } else { None };
        Arc::make_mut(&mut self.owners).insert(network.network().to_bits(), name.clone());
        self.shares.insert(
            name.clone(),
            Arc::new(Share { hostname: hostname.into(), blocks: vec![block], tunnel, borrowed: Vec::new() }),
        );
        Ok(())
    }

    /// Gives the blocks of a node back, with whatever is taken in them.
    pub(super) fn remove_node(&mut self, name: &str) {
        self.shares.shift_remove(name);
        Arc::make_mut(&mut self.owners).retain(|_, owner| **owner != *name);
    }

    /// The first block that nobody has, from the node's first choice upwards and around.
    fn free_block(&self, hostname: &str) -> Result<Ipv4Net, IpamError> {
        let count = block_count(self.pool, self.block_size);
        if self.owners.len() as u64 >= count {
            return Err(IpamError::Exhausted);
        }
        let first = GoRand::new(fnv1(hostname.as_bytes())).below(count);
        (0..count)
            .map(|step| nth_block(self.pool, self.block_size, (first + step) % count))
            .find(|block| !self.owners.contains_key(&block.network().to_bits()))
            .ok_or(IpamError::Exhausted)
    }

    /// The next address for a pod of `node`: from the front of the first block that has one, else from a new block, else
    /// borrowed from the block of another node (`StrictAffinity` is off).
    pub(super) fn assign(&mut self, node: &str) -> Result<Ipv4Addr, IpamError> {
        let Some(share) = self.shares.get_mut(node) else { return Err(IpamError::Outside) };
        if let Some(address) = Arc::make_mut(share).blocks.iter_mut().find_map(Block::pop) {
            return Ok(address);
        }
        let hostname = share.hostname.clone();
        let Ok(free) = self.free_block(&hostname) else { return self.borrow(node, &hostname) };
        let mut block = Block::new(free);
        let address = block.pop().ok_or(IpamError::Exhausted)?;
        Arc::make_mut(&mut self.owners).insert(block.network.network().to_bits(), node.into());
        if let Some(share) = self.shares.get_mut(node) {
            let blocks = &mut Arc::make_mut(share).blocks;
            blocks.push(block);
            blocks.sort_by_key(|block| block.network);
        }
        Ok(address)
    }

    /// One address of the first block that has any, in the order in which the node would claim blocks (libcalico-go v3.16,
    /// `autoAssign`, "borrowing").
    fn borrow(&mut self, node: &str, hostname: &str) -> Result<Ipv4Addr, IpamError> {
        let count = block_count(self.pool, self.block_size);
        let first = GoRand::new(fnv1(hostname.as_bytes())).below(count);
        for step in 0..count {
            let network = nth_block(self.pool, self.block_size, (first + step) % count);
            let Some(owner) = self.owners.get(&network.network().to_bits()) else { continue };
            let Some(share) = self.shares.get_mut(owner) else { continue };
            let has = |block: &Block| block.network == network && !block.free.is_empty();
            if !share.blocks.iter().any(has) {
                continue;
            }
            let lender = Arc::make_mut(share).blocks.iter_mut().find(|block| block.network == network);
            if let Some(address) = lender.and_then(Block::pop) {
                if let Some(share) = self.shares.get_mut(node) {
                    Arc::make_mut(share).borrowed.push(address);
                }
                return Ok(address);
            }
        }
        Err(IpamError::Exhausted)
    }

    /// The addresses that pods of `node` have out of other nodes' blocks.
    pub(super) fn borrowed(&self, node: &str) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.shares.get(node).into_iter().flat_map(|share| share.borrowed.iter().copied())
    }

    /// Takes the one address `address` out of its queue, for a pod of `node`.
    pub(super) fn take(&mut self, node: &str, address: Ipv4Addr) -> Result<(), IpamError> {
        let Some(share) = self.shares.get_mut(node) else { return Err(IpamError::Outside) };
        if share.tunnel == Some(address) {
            return Err(IpamError::Tunnel);
        }
        let block = Arc::make_mut(share).blocks.iter_mut().find(|block| block.network.contains(&address));
        let block = block.ok_or(IpamError::Outside)?;
        let at = block.free.iter().position(|&free| free == address.to_bits()).ok_or(IpamError::Taken)?;
        block.free.remove(at);
        Ok(())
    }

    /// Gives an address back. It is the last of its block to be handed out again (libcalico-go v3.16, `ipam_block.go`:
    /// released ordinals are appended). The block stays its node's, even if it is empty.
    pub(super) fn release(&mut self, address: Ipv4Addr) {
        for share in self.shares.values_mut().filter(|share| share.borrowed.contains(&address)) {
            Arc::make_mut(share).borrowed.retain(|own| *own != address);
        }
        let holds = |share: &Share| share.blocks.iter().any(|block| block.network.contains(&address));
        let Some(share) = self.shares.values_mut().find(|share| holds(share)) else { return };
        let blocks = &mut Arc::make_mut(share).blocks;
        if let Some(block) = blocks.iter_mut().find(|block| block.network.contains(&address)) {
            block.free.push_back(address.to_bits());
        }
    }

    /// The blocks of `node`, ascending.
    pub(super) fn blocks(&self, node: &str) -> impl Iterator<Item = Ipv4Net> + '_ {
        self.shares.get(node).into_iter().flat_map(|share| share.blocks.iter().map(|block| block.network))
    }

    /// The address of `tunl0` on `node`.
    pub(super) fn tunnel_address(&self, node: &str) -> Option<Ipv4Addr> {
        self.shares.get(node)?.tunnel
    }

    /// The node that holds a block in common with `network`, and that block.
    pub(super) fn overlap(&self, network: Ipv4Net) -> Option<(&Arc<str>, Ipv4Net)> {
        let mask = u32::MAX << (32 - u32::from(self.block_size));
        let first = network.network().to_bits() & mask;
        let (base, node) = self.owners.range(first..=network.broadcast().to_bits()).next()?;
        Some((node, Ipv4Net::new_assert(Ipv4Addr::from_bits(*base), self.block_size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_white_papers_blocks_follow_from_the_names_of_its_nodes() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/reference/calico.json")).unwrap();
        for vector in vectors["ipam_vectors"].as_array().unwrap() {
            let pool: Ipv4Net = vector["pool"].as_str().unwrap().parse().unwrap();
            let name = vector["node"].as_str().unwrap();
            assert_eq!(u64::from(fnv1(name.as_bytes())), vector["fnv1_32"].as_u64().unwrap());
            assert_eq!(first_choice(pool, 26, name).to_string(), vector["block"].as_str().unwrap());
        }
    }

    #[test]
    fn a_full_block_is_followed_by_another_until_the_pool_is_empty() {
        let cluster = Cluster {
            pod_cidr: "10.0.0.0/28".parse().unwrap(),
            block_size: 30,
            overlay: Overlay::Never,
            ..Cluster::default()
        };
        let mut ipam = Ipam::new(&cluster);
        ipam.add_node(&"a".into(), "a", None).unwrap();
        let mut all: Vec<_> = (0..16).map(|_| ipam.assign("a").unwrap()).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 16);
        assert_eq!(ipam.assign("a"), Err(IpamError::Exhausted));
        assert_eq!(ipam.blocks("a").count(), 4);
    }

    #[test]
    fn a_node_without_a_block_to_claim_borrows_and_gives_back() {
        let pod_cidr = "10.0.0.0/29".parse().unwrap();
        let cluster = Cluster { pod_cidr, block_size: 30, overlay: Overlay::Never, ..Cluster::default() };
        let mut ipam = Ipam::new(&cluster);
        ipam.add_node(&"a".into(), "a", None).unwrap();
        ipam.add_node(&"b".into(), "b", None).unwrap();
        let lent = ipam.blocks("b").next().unwrap();
        let own: Vec<_> = (0..4).map(|_| ipam.assign("a").unwrap()).collect();
        assert!(own.iter().all(|address| !lent.contains(address)));
        let borrowed = ipam.assign("a").unwrap();
        assert_eq!((borrowed, ipam.borrowed("a").collect::<Vec<_>>()), (lent.network(), vec![borrowed]));
        assert_eq!(ipam.blocks("a").count(), 1, "the block stays b's");
        ipam.release(borrowed);
        assert_eq!(ipam.borrowed("a").count(), 0);
        let rest: Vec<_> = (0..4).map(|_| ipam.assign("b").unwrap()).collect();
        assert_eq!(rest.last(), Some(&borrowed), "what was given back comes last");
        assert_eq!(ipam.assign("b"), Err(IpamError::Exhausted));
    }

    proptest::proptest! {
        /// However nodes are called, no two hold one block, and all blocks are cut from the pool.
        #[test]
        fn every_node_has_a_block_of_its_own(names in proptest::collection::btree_set("[a-z]{1,8}", 1..16)) {
            let cluster = Cluster { pod_cidr: "192.168.0.0/22".parse().unwrap(), ..Cluster::default() };
            let mut ipam = Ipam::new(&cluster);
            for name in &names {
                ipam.add_node(&name.as_str().into(), name, None).unwrap();
            }
            let mut blocks: Vec<_> = names.iter().flat_map(|name| ipam.blocks(name).collect::<Vec<_>>()).collect();
            assert!(blocks.iter().all(|block| cluster.pod_cidr.contains(block) && block.prefix_len() == 26));
            blocks.sort_unstable();
            blocks.dedup();
            assert_eq!(blocks.len(), names.len());
        }
    }

    #[test]
    fn the_tunnel_has_the_first_address_and_a_taken_one_leaves_the_queue() {
        let mut ipam = Ipam::new(&Cluster::default());
        ipam.add_node(&"a".into(), "a", Some("192.168.8.192/26".parse().unwrap())).unwrap();
        assert_eq!(ipam.tunnel_address("a"), Some(Ipv4Addr::new(192, 168, 8, 192)));
        ipam.take("a", Ipv4Addr::new(192, 168, 8, 193)).unwrap();
        assert_eq!(ipam.assign("a"), Ok(Ipv4Addr::new(192, 168, 8, 194)));
        assert_eq!(ipam.take("a", Ipv4Addr::new(192, 168, 8, 194)), Err(IpamError::Taken));
        assert_eq!(ipam.take("a", Ipv4Addr::new(192, 168, 8, 192)), Err(IpamError::Tunnel));
        assert_eq!(ipam.take("a", Ipv4Addr::new(192, 168, 9, 1)), Err(IpamError::Outside));
    }
}
