//! Lenient decoding of what Envoy says of itself, in Envoy's spelling (`snake_case`) and in istiod's (`camelCase`), today's
//! documents and those of 2020. Unknown fields never break anything.

// First, because it is a macro's.
#[macro_use]
mod wire;

mod access_config;
mod access_format;
mod access_json;
#[cfg(test)]
mod access_laws;
mod access_log;
mod access_reader;
mod access_text;
mod access_ztunnel;
mod address;
mod assignments;
mod bootstrap;
mod certs;
mod clusters;
mod diff;
mod diff_pairs;
mod diff_resources;
mod diff_rules;
mod dump;
mod ecds;
mod endpoints;
pub mod foreign;
mod groups;
mod health;
mod host_stats;
mod http_filters;
mod inline_routes;
mod intern;
mod jwt_authn;
mod kept;
mod listener_read;
mod listener_text;
mod listener_wire;
mod listeners;
mod log_levels;
mod matcher;
mod memory;
mod names;
mod node;
mod page;
mod response_flags;
mod route_action;
mod route_match;
mod route_read;
mod route_wire;
mod routes;
mod secret_facts;
mod secrets;
mod server_info;
mod shared;
mod stat_tags;
mod stats;
mod tls_context;
mod trail;
mod update;
mod wire_take;
mod ztunnel;
mod ztunnel_certificates;
mod ztunnel_connections;
mod ztunnel_dump;
#[cfg(test)]
mod ztunnel_tests;

pub use access_config::{AccessFormats, Configured, access_formats};
pub use access_format::Format;
pub use access_log::{Access, AccessLine, LogSource};
pub use access_reader::{AccessLog, AccessReader, AccessWanted, Fits};
pub use address::Address;
pub use bootstrap::{Bootstrap, bootstrap};
pub use certs::{LoadedCertificate, certs};
pub use clusters::{Cluster, clusters};
pub use diff::{Care, Comparison, Difference, Told, diff, diff_answers, diff_values, sections};
pub use dump::{Dump, Section};
pub use ecds::{Extension, ecds, with_extensions};
pub use endpoints::{Endpoint, endpoints};
pub use health::Status;
pub use http_filters::{Filter, filters};
pub use inline_routes::{ChainKey, inline_routes};
pub use jwt_authn::Provider;
pub use kept::Kept;
pub use listener_read::listeners;
pub use listeners::Listener;
pub use log_levels::{LogLevel, log_levels};
pub use memory::{Memory, memory};
pub use names::ClusterName;
pub use response_flags::{
    long as flag_long, meaning as flag_meaning, meanings as flag_meanings, names as flag_names, short as flag_short,
};
pub use route_read::routes;
pub use routes::{
    Domains, Route, RouteDomains, RouteHost, RouteMore, RouteRetry, RouteRule, RouteShared, RouteUpdate, ShownDomains,
    WeightedCluster,
};
pub use secrets::{Secret, secrets};
pub use server_info::{ServerInfo, server_info};
pub use shared::Shared;
pub use stat_tags::Tags;
pub use stats::{Reading, Stat, StatType, stats};
pub use ztunnel::{Workload, ZtunnelPolicy, ZtunnelService, workloads, ztunnel_policies, ztunnel_services};
pub use ztunnel_certificates::{ZtunnelCertificate, ztunnel_certificates};
pub use ztunnel_connections::{Connection, connections};
