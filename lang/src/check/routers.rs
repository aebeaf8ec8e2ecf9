//! Routers, and the devices and routes of machines.

use ipnet::Ipv4Net;
use netscene_core::kube::{NetworkDevice, Object, Router, StaticRoute};
use netscene_core::packet::DeviceName;

use super::declare::Field;
use super::{Checker, values};
use crate::ast::{Block, Clause, Statement, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Word};

/// What machines have between their braces.
#[derive(Default)]
pub(super) struct Links {
    pub(super) devices: Vec<NetworkDevice>,
    pub(super) routes: Vec<StaticRoute>,
    /// The device that the machine's own address is on; a router's are all alike.
    pub(super) own: Option<DeviceName>,
    /// The MTU of that.
    pub(super) mtu: Field<u16>,
}

impl Links {
    /// Of a machine with an address of its own, on this device.
    pub(super) fn of(own: DeviceName) -> Self {
        Self { own: Some(own), ..Self::default() }
    }
}

impl Checker<'_> {
    pub(super) fn router(&mut self, name: &Text, body: &Block) -> Object {
        self.machine_name("router", name);
        let mut router = Router { name: name.text.clone(), ..Router::default() };
        let mut links = Links::default();
        for field in &body.statements {
            let taken = self.link(&mut links, field)
                || self.sysctl(&mut router.sysctls, field)
                || self.machine_rule(name, field);
            if !taken {
                self.misplaced(field, BlockKind::Router);
            }
        }
        let is_device =
            |field: &Statement| matches!(field.kind, StatementKind::Device { .. } | StatementKind::Faulty(_));
        if !body.statements.iter().any(is_device) {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the router `{}` has no device", name.text));
            self.report(diagnostic.at(body.span, "expected one such as `device eth0 at 10.0.0.1/24`"));
        }
        (router.devices, router.routes) = (links.devices, links.routes);
        Object::Router(router)
    }

    /// Takes a device or a route. It says whether the sentence is one.
    pub(super) fn link(&mut self, links: &mut Links, field: &Statement) -> bool {
        match &field.kind {
            StatementKind::Device { name, .. } if links.own.is_some_and(|own| own.as_str() == name.text) => {
                let diagnostic =
                    Diagnostic::error(Code::Duplicate, format!("there is a device `{}` already", name.text));
                let diagnostic = diagnostic.at(name.span, "the machine's own address is on it");
                self.report(
                    diagnostic.hint(format!("its MTU is said without an address: `device {} mtu BYTES`", name.text)),
                );
            }
            StatementKind::Device { name, address, clauses } => {
                if let Some(device) = self.device(name, address, clauses) {
                    if links.devices.iter().any(|other| other.name == device.name) {
                        let title = format!("there is a device `{}` already", name.text);
                        self.report(Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here"));
                    }
                    links.devices.push(device);
                }
            }
            StatementKind::OwnDevice { name, mtu } => {
                let bytes = self.ok(values::mtu(mtu));
                match links.own {
                    Some(own) if own.as_str() == name.text => links.mtu.set(self, "device", field.span, bytes),
                    own => {
                        let title = format!("the device `{}` has no address", name.text);
                        let diagnostic = Diagnostic::error(Code::Missing, title);
                        let diagnostic = diagnostic.at(name.span, "expected `at ADDRESS/LENGTH` behind the name");
                        let hint =
                            own.map(|own| format!("only `{own}` goes without: the machine's own address is on it"));
                        self.report(diagnostic.hint(hint));
                    }
                }
            }
            StatementKind::Route { to, via } => {
                let destination = match to.text.as_str() {
                    "default" => Some(Ipv4Net::default()),
                    _ => self.ok(values::cidr(to).map_err(|fault| fault.hint("or write `default`".to_owned()))),
                };
                let via = self.ok(values::address(&via.text, via.span));
                if let (Some(destination), Some(via)) = (destination, via) {
                    if links.routes.iter().any(|other| other.destination == destination) {
                        let title = format!("there is a route to {destination} already");
                        self.report(Diagnostic::error(Code::Duplicate, title).at(to.span, "given again here"));
                    }
                    links.routes.push(StaticRoute { destination, via });
                }
            }
            _ => return false,
        }
        true
    }

    fn device(&mut self, name: &Text, address: &Text, clauses: &[Clause]) -> Option<NetworkDevice> {
        let mut clauses = self.clauses("device", clauses, &[Word::Mac, Word::Mtu]);
        let mac = clauses.take(Word::Mac).and_then(|text| self.machine_mac(text));
        let mtu = clauses.take(Word::Mtu).and_then(|text| self.ok(values::mtu(text)));
        let device = self.ok(values::parsed("device", name));
        let Ok(net) = address.text.parse::<Ipv4Net>() else {
            let diagnostic =
                Diagnostic::error(Code::BadValue, format!("`{}` is no address with its prefix", address.text));
            self.report(diagnostic.at(address.span, "expected one such as 10.0.0.1/24"));
            return None;
        };
        let is_gateway = self.ranges.pools.iter().any(|(pool, _)| pool.gateway == Some(net.addr()));
        if !is_gateway {
            self.take_address(net.addr(), address.span);
        }
        Some(NetworkDevice { name: device?, address: net, mac, mtu })
    }
}
