//! Where an endpoint is: in a few bytes, since tables hold 200,000 of them.

use super::wire::{Flaws, Text};
use serde::{Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::net::Ipv4Addr;

wire! {
    /// An address as Envoy writes it: one of three sorts.
    pub(super) struct AddressWire<'de> {
        socket_address: Option<SocketWire<'de>>,
        pipe: Option<PipeWire<'de>>,
        envoy_internal_address: Option<InternalWire<'de>>,
    }
}

wire! {
    pub(super) struct SocketWire<'de> {
        address: Text<'de>,
        port_value: u64,
    }
}

wire! {
    pub(super) struct PipeWire<'de> {
        path: Text<'de>,
    }
}

wire! {
    pub(super) struct InternalWire<'de> {
        server_listener_name: Text<'de>,
        endpoint_id: Text<'de>,
    }
}

/// The address of an endpoint: `10.1.0.7:8080`, `[fd00::7]:8080`, `unix:///run/x.sock`, `envoy://listener/id`, or `unknown`.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Address {
    /// By far the most common.
    V4(Ipv4Addr, u16),
    /// Anything else that has a name.
    Named(Box<Named>),
    /// None was told.
    #[default]
    Unknown,
}

/// An address that is not IPv4.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Without its port.
    pub address: String,
    /// Zero when it has none.
    pub port: u16,
}

impl Address {
    pub(super) fn of(wire: &AddressWire<'_>, flaws: &Flaws) -> Self {
        if let Some(socket) = &wire.socket_address {
            let port = u16::try_from(socket.port_value).unwrap_or_else(|_| {
                flaws.add(format!("port_value is {}, which is no port", socket.port_value));
                0
            });
            return match socket.address.parse() {
                Ok(ip) => Self::V4(ip, port),
                Err(_) => Self::named(socket.address.to_string(), port),
            };
        }
        if let Some(pipe) = &wire.pipe {
            return Self::named(format!("unix://{}", pipe.path), 0);
        }
        match &wire.envoy_internal_address {
            Some(internal) => Self::named(format!("envoy://{}/{}", internal.server_listener_name, internal.endpoint_id), 0),
            None => Self::Unknown,
        }
    }

    fn named(address: String, port: u16) -> Self {
        Self::Named(Box::new(Named { address, port }))
    }

    /// Its port; zero when it has none.
    pub fn port(&self) -> u16 {
        match self {
            Self::V4(_, port) => *port,
            Self::Named(named) => named.port,
            Self::Unknown => 0,
        }
    }

    /// Whether a text means it, in any case: with its port or without.
    pub fn is(&self, text: &str) -> bool {
        let bare = match self {
            Self::V4(ip, _) => ip.to_string().eq_ignore_ascii_case(text),
            Self::Named(named) => named.address.eq_ignore_ascii_case(text),
            Self::Unknown => false,
        };
        bare || (text.contains(':') && self.to_string().eq_ignore_ascii_case(text))
    }

    /// The order of istioctl's rows: by the address as text, then by port as a number.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let by_text = match (self, other) {
            (Self::V4(a, _), Self::V4(b, _)) => as_text(*a).cmp(&as_text(*b)),
            _ => self.host().cmp(&other.host()),
        };
        by_text.then_with(|| self.port().cmp(&other.port()))
    }

    fn host(&self) -> String {
        match self {
            Self::V4(ip, _) => ip.to_string(),
            Self::Named(named) => named.address.clone(),
            Self::Unknown => UNKNOWN.into(),
        }
    }
}

/// istioctl's word.
const UNKNOWN: &str = "unknown";

/// A key that sorts IPv4 addresses as their texts do, without writing them: a dot comes before every digit, so that octets
/// compare one by one, each by its digits.
fn as_text(ip: Ipv4Addr) -> [u8; 4] {
    ip.octets().map(|octet| RANKS[octet as usize])
}

/// The place of each octet among all when they are sorted as text.
const RANKS: [u8; 256] = {
    let mut ranks = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let (mut other, mut rank) = (0, 0);
        while other < 256 {
            if digits(other) < digits(octet) || (digits(other) == digits(octet) && other < octet) {
                rank += 1;
            }
            other += 1;
        }
        ranks[octet] = rank;
        octet += 1;
    }
    ranks
};

/// The digits of an octet filled up at the end; what is shorter comes first.
const fn digits(octet: usize) -> usize {
    match octet {
        0..10 => octet * 100,
        10..100 => octet * 10,
        _ => octet,
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip, 0) => ip.fmt(f),
            Self::V4(ip, port) => write!(f, "{ip}:{port}"),
            Self::Named(named) => match (named.address.as_str(), named.port) {
                (address, 0) => f.write_str(address),
                (address, port) if address.contains(':') => write!(f, "[{address}]:{port}"),
                (address, port) => write!(f, "{address}:{port}"),
            },
            Self::Unknown => f.write_str(UNKNOWN),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read;
    use super::*;
    use proptest::prelude::*;

    fn address(json: &str) -> (Address, Option<String>) {
        let flaws = Flaws::default();
        let (wire, _) = read::<AddressWire<'_>>(json.as_bytes(), &flaws);
        (Address::of(&wire, &flaws), flaws.line())
    }

    #[test]
    fn every_sort_is_written_as_istioctl_does() {
        for (json, text) in [
            (r#"{"socket_address":{"address":"10.1.0.7","port_value":8080}}"#, "10.1.0.7:8080"),
            (r#"{"socketAddress":{"address":"10.1.0.7"}}"#, "10.1.0.7"),
            (r#"{"socket_address":{"address":"fd00::7","port_value":80}}"#, "[fd00::7]:80"),
            (r#"{"socket_address":{"address":"a.example","port_value":80}}"#, "a.example:80"),
            (r#"{"pipe":{"path":"./etc/istio/proxy/XDS"}}"#, "unix://./etc/istio/proxy/XDS"),
            (
                r#"{"envoy_internal_address":{"server_listener_name":"inner","endpoint_id":"10.1.0.7:80"}}"#,
                "envoy://inner/10.1.0.7:80",
            ),
            (r#"{"new_sort":{}}"#, "unknown"),
        ] {
            assert_eq!((address(json).0.to_string().as_str(), address(json).1), (text, None));
        }
        assert!(size_of::<Address>() <= 16);
    }

    #[test]
    fn a_port_that_is_none_is_told() {
        let (found, flaws) = address(r#"{"socket_address":{"address":"10.1.0.7","port_value":70000}}"#);
        assert_eq!((found.to_string().as_str(), flaws.as_deref()), ("10.1.0.7", Some("port_value is 70000, which is no port")));
    }

    #[test]
    fn it_is_known_by_its_address_with_or_without_port() {
        let v4 = Address::V4(Ipv4Addr::new(10, 1, 0, 7), 80);
        assert!(v4.is("10.1.0.7") && v4.is("10.1.0.7:80") && !v4.is("10.1.0.7:8") && !v4.is("10.1.0"));
        let pipe = Address::named("unix://./etc/XDS".into(), 0);
        assert!(pipe.is("UNIX://./etc/xds") && !Address::Unknown.is("unknown"));
    }

    proptest! {
        #[test]
        fn addresses_sort_as_their_texts(a in any::<[u8; 4]>(), b in any::<[u8; 4]>()) {
            let (a, b) = (Ipv4Addr::from(a), Ipv4Addr::from(b));
            let order = Address::V4(a, 1).order(&Address::V4(b, 1));
            prop_assert_eq!(order, a.to_string().cmp(&b.to_string()));
        }
    }
}
