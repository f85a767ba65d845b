//! Integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod bad_days;
mod bad_days_access;
mod bad_days_dumps;
mod bad_days_istiod;
mod bad_days_keys;
mod bad_days_proxies;
mod bad_days_reach;
mod bad_days_scripts;
mod bad_days_tapes;
mod bad_days_tokens;
mod catalog;
mod cli;
mod cluster;
mod cluster_servers;
mod diff;
mod embed;
mod endpoints;
mod follow;
mod forwards;
mod goldens;
mod istiod_pages;
mod json;
mod ledger;
mod ledger_fleet;
mod ledger_istiod;
mod ledger_sessions;
mod ledger_terminal;
mod ledger_trust;
mod ledger_watch;
mod live;
mod near_names;
mod options;
mod parity;
mod playbook;
mod playbook_twists;
mod properties;
mod proxy_sync;
mod readme;
mod real_envoy;
mod real_envoy_certs;
mod real_envoy_clusters;
mod real_envoy_process;
mod real_envoy_routes;
mod secrets;
mod stdlib;
mod tape_values;
mod tapes;
mod terminal;
mod tidy;
mod wait_until;
mod ztunnel;
