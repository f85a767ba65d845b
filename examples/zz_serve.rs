//! tmp
#[path = "../tests/support/mod.rs"]
mod support;
use support::cluster::{Cluster, ClusterOptions, Recording};
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let out = std::env::args().nth(2).unwrap();
    let user = std::env::args().nth(3).unwrap_or("admin".into());
    let c = Cluster::start(ClusterOptions::new(Recording::open(std::path::Path::new(&dir)).unwrap()).user(&user)).unwrap();
    c.kubeconfig(std::path::Path::new(&out)).unwrap();
    println!("{}", c.resolve().join(" "));
    std::thread::sleep(std::time::Duration::from_secs(600));
}
