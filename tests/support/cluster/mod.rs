//! A recorded mesh, served as a cluster: a Kubernetes API over real HTTP on loopback, with port-forward and exec into the
//! recorded proxies, and the recorded HTTPS servers outside of the mesh over real TLS.
//!
//! [`Recording::open`] reads a recording's folder, [`Recording::from_tape`] a tape. [`ClusterOptions`] says to whom it is
//! served and what goes wrong on purpose; [`Cluster::start`] serves it until it is dropped; [`Cluster::kubeconfig`] writes
//! the kubeconfig that leads there.
//!
//! Faithful where it was recorded: such an answer is served byte for byte. From whole lists come narrower ones, pages and
//! single objects; from whole logs come ranges; from a whole Envoy dump come its sections. Nothing can be changed: writes
//! are refused. See `certificates.rs` for what is made anew, and why.

mod access;
mod api;
mod book;
mod certificates;
mod discovery;
mod envoy;
mod exec;
mod http1;
mod live_log;
mod logs;
mod objects;
mod options;
mod outside;
mod paging;
mod path;
mod portforward;
mod proxy;
mod question;
mod recording;
mod selectors;
mod server;
mod status;
mod tape;

pub use access::User;
pub use live_log::{Break, LiveLog};
pub use options::{At, ClusterOptions, Handshake, PodTarget, Trouble};
pub use outside::Server;
pub use proxy::FakeProxy;
pub use question::Question;
pub use recording::{Entry, Recording, Via};
pub use server::Cluster;
