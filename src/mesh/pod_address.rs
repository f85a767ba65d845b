//! Which pod is behind an address.

use super::Mesh;
use super::dig::Dig;
use super::pods::{Pod, raw};
use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::net::IpAddr;

/// The pods of a mesh by their addresses, asked once.
pub struct PodAddresses {
    pods: Vec<Listed>,
    by_ip: HashMap<IpAddr, Vec<usize>>,
}

struct Listed {
    pod: Pod,
    ports: Vec<u16>,
    on_host: bool,
}

/// Who is behind an address.
#[derive(Debug)]
pub enum Behind<'a> {
    /// This pod.
    Pod(&'a Pod),
    /// No pod that can be seen.
    Nobody,
    /// Pods that share their node's address; none of them, or several, declare the port.
    Unclear(Vec<&'a Pod>),
}

/// List the pods with their addresses. Those that have ended are left out: their addresses are given to others.
///
/// # Errors
/// When the API server refuses.
pub async fn pod_addresses(mesh: &Mesh) -> Result<PodAddresses> {
    let now = mesh.now();
    let objects = raw(mesh, None, "").await?;
    let mut all = PodAddresses { pods: Vec::new(), by_ip: HashMap::new() };
    for object in objects.iter().filter(|pod| !matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed"))) {
        for ip in addresses(object) {
            all.by_ip.entry(ip).or_default().push(all.pods.len());
        }
        all.pods.push(Listed { pod: Pod::read(object, now), ports: ports(object), on_host: is_on_host(object) });
    }
    Ok(all)
}

/// Both IP families.
fn addresses(pod: &Value) -> Vec<IpAddr> {
    let listed = pod.list("/status/podIPs").iter().filter_map(|entry| entry.text("/ip"));
    let mut all: Vec<IpAddr> = listed.chain(pod.text("/status/podIP")).filter_map(|ip| ip.parse().ok()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn ports(pod: &Value) -> Vec<u16> {
    let containers = pod.list("/spec/containers").iter().chain(pod.list("/spec/initContainers"));
    let ports = containers.flat_map(|container| container.list("/ports"));
    ports.filter_map(|port| port.int("/containerPort").and_then(|port| u16::try_from(port).ok())).collect()
}

fn is_on_host(pod: &Value) -> bool {
    let host = pod.text("/status/hostIP");
    pod.flag("/spec/hostNetwork") || (host.is_some() && host == pod.text("/status/podIP"))
}

impl PodAddresses {
    /// The pod that listens there.
    pub fn behind(&self, ip: IpAddr, port: Option<u16>) -> Behind<'_> {
        let all: Vec<&Listed> = self.by_ip.get(&ip).into_iter().flatten().filter_map(|index| self.pods.get(*index)).collect();
        if let Some(own) = all.iter().find(|listed| !listed.on_host) {
            return Behind::Pod(&own.pod);
        }
        if all.is_empty() {
            return Behind::Nobody;
        }
        // What runs on its node's network shares the address with the node and with others there.
        let mut declare = all.iter().filter(|listed| port.is_some_and(|port| listed.ports.contains(&port)));
        match (declare.next(), declare.next()) {
            (Some(one), None) => Behind::Pod(&one.pod),
            (None, _) => Behind::Unclear(all.iter().map(|listed| &listed.pod).collect()),
            (Some(first), Some(second)) => {
                Behind::Unclear([first, second].into_iter().chain(declare).map(|listed| &listed.pod).collect())
            }
        }
    }

    /// The pod of this name.
    pub fn named(&self, namespace: &str, name: &str) -> Option<&Pod> {
        self.pods.iter().map(|listed| &listed.pod).find(|pod| pod.namespace == namespace && pod.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    fn pod(name: &str, ips: &[&str], phase: &str, port: u16, on_host: bool) -> Value {
        let ips: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip})).collect();
        json!({"metadata": {"namespace": "n", "name": name}, "status": {"phase": phase, "podIP": ips[0]["ip"], "podIPs": ips, "hostIP": "10.0.0.1"},
            "spec": {"hostNetwork": on_host, "containers": [{"name": "c", "ports": [{"containerPort": port}]}]}})
    }

    fn behind(ip: &str, port: Option<u16>) -> String {
        let pods = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [
            pod("ended", &["10.1.0.7"], "Succeeded", 80, false),
            pod("web", &["10.1.0.7", "fd00::7"], "Running", 80, false),
            pod("agent", &["10.0.0.1"], "Running", 9100, true),
            pod("dns", &["10.0.0.1"], "Running", 53, true),
            pod("dns-too", &["10.0.0.1"], "Running", 53, true),
        ]});
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", pods.to_string()).mesh();
        let all = wait(pod_addresses(&mesh)).unwrap();
        match all.behind(ip.parse().unwrap(), port) {
            Behind::Pod(pod) => pod.name.clone(),
            Behind::Nobody => "nobody".into(),
            Behind::Unclear(pods) => pods.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>().join("|"),
        }
    }

    #[test]
    fn a_pod_is_known_by_both_its_addresses_and_not_by_one_it_had() {
        assert_eq!((behind("10.1.0.7", Some(8080)), behind("fd00::7", None)), ("web".into(), "web".into()));
        assert_eq!(behind("10.9.9.9", Some(80)), "nobody");
    }

    #[test]
    fn on_a_nodes_network_the_port_decides() {
        assert_eq!(behind("10.0.0.1", Some(9100)), "agent");
        assert_eq!(behind("10.0.0.1", Some(53)), "dns|dns-too");
        assert_eq!(behind("10.0.0.1", Some(6443)), "agent|dns|dns-too");
        assert_eq!(behind("10.0.0.1", None), "agent|dns|dns-too");
    }
}
