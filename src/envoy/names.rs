//! The names that Istio gives to Envoy's clusters, and where it says which object made a resource.

use super::wire::{Pairs, Raw, Text};

/// A cluster's name, taken apart: `outbound|8080|v1|reviews.shop.svc.cluster.local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterName<'a> {
    /// `inbound` or `outbound`.
    pub direction: &'a str,
    /// The service's port.
    pub port: &'a str,
    /// The subset of its DestinationRule; empty for all.
    pub subset: &'a str,
    /// The service's host; empty for inbound clusters.
    pub host: &'a str,
}

impl<'a> ClusterName<'a> {
    /// Take a name apart; nothing when it is not made by this rule (`BlackHoleCluster`, `xds-grpc`).
    pub fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.splitn(4, '|');
        let (direction, port, subset, host) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { direction, port, subset, host })
    }

    /// The same for the form without `|` that gateways use as SNI: `outbound_.8080_.v1_.reviews.shop.svc.cluster.local`.
    pub fn parse_sni(name: &'a str) -> Option<Self> {
        let mut parts = name.splitn(4, "_.");
        let (direction, port, subset, host) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { direction, port, subset, host })
    }
}

wire! {
    /// What Istio says of a resource.
    pub(super) struct Metadata<'de> {
        filter_metadata: Pairs<'de, Raw<'de>>,
    }
}

wire! {
    /// The part under `istio`.
    pub(super) struct IstioMetadata<'de> {
        config: Text<'de>,
        subset: Text<'de>,
        services: Vec<ServiceMetadata<'de>>,
        workload: Text<'de>,
    }
}

wire! {
    /// A service that a cluster stands for.
    pub(super) struct ServiceMetadata<'de> {
        name: Text<'de>,
        namespace: Text<'de>,
        host: Text<'de>,
    }
}

impl<'de> Metadata<'de> {
    /// What Istio says.
    pub fn istio(&self) -> IstioMetadata<'de> {
        self.filter_metadata.get("istio").map(|raw| raw.read(&super::wire::Flaws::default())).unwrap_or_default()
    }
}

/// The object that made a resource, as `name.namespace`, from its path
/// `/apis/networking.istio.io/v1/namespaces/NS/virtual-service/NAME`; as istioctl has it.
pub fn owner(config: &str) -> Option<String> {
    if config.is_empty() {
        return None;
    }
    if !config.starts_with("/apis/networking.istio.io/") {
        return Some("<unknown>".into());
    }
    let parts: Vec<&str> = config.split('/').collect();
    match parts.as_slice() {
        ["", _, _, _, _, namespace, _, name] => Some(format!("{name}.{namespace}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_taken_apart() {
        let name = ClusterName::parse("outbound|8080|v1|reviews.shop.svc.cluster.local").unwrap();
        assert_eq!(
            (name.direction, name.port, name.subset, name.host),
            ("outbound", "8080", "v1", "reviews.shop.svc.cluster.local")
        );
        let inbound = ClusterName::parse("inbound|8080||").unwrap();
        assert_eq!((inbound.port, inbound.subset, inbound.host), ("8080", "", ""));
        assert_eq!(ClusterName::parse("BlackHoleCluster"), None);
        assert_eq!(ClusterName::parse_sni("outbound_.80_._.a.b.svc").unwrap().host, "a.b.svc");
        assert_eq!(ClusterName::parse("outbound_.80_._.a.b.svc"), None);
    }

    #[test]
    fn owners_are_named_as_istioctl_names_them() {
        let path = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews";
        assert_eq!(owner(path).as_deref(), Some("reviews.shop"));
        assert_eq!(owner("/apis/networking.istio.io/v1/reviews"), None);
        assert_eq!(owner("/apis/other/v1").as_deref(), Some("<unknown>"));
        assert_eq!(owner(""), None);
    }

    proptest! {
        #[test]
        fn a_name_put_together_again_is_the_same(name in "\\PC{0,40}|(in|out)bound\\|[0-9]{0,5}\\|[a-z|]{0,5}\\|[a-z.|]{0,20}") {
            if let Some(ClusterName { direction, port, subset, host }) = ClusterName::parse(&name) {
                prop_assert_eq!(format!("{direction}|{port}|{subset}|{host}"), name);
            }
        }
    }
}
