//! The functions that scripts call, one file a family. Thin: arguments in, one domain call, rows out.

mod access_log;
mod clean;
mod clusters;
mod diff;
mod ecds;
mod endpoints;
mod envoy;
mod filter;
mod filters;
mod forwards;
mod help;
mod istiod;
mod istiod_debug;
mod joins;
mod jwt;
mod kube;
mod listeners;
mod logs;
mod pod_arg;
mod read_parts;
mod related;
mod report;
mod routes;
mod scopes;
mod secrets;
mod server;
mod source;
mod stats;
mod subject;
mod tape;
mod tls;
mod tune;
mod unpack;
mod values;
mod wait;
mod ztunnel;

use crate::envoy::{
    Access, Bootstrap, Cluster, Difference, Endpoint, Extension, Filter, Listener, LoadedCertificate, LogLevel, Memory, Provider,
    Route, Secret, ServerInfo, Stat,
};
use crate::host;
use crate::istio::rbac_log::Denial;
use crate::istio::request_auth::JwtRule;
use crate::mesh::access::AccessReview;
use crate::mesh::deployments::Deployment;
use crate::mesh::distribution::Distribution;
use crate::mesh::events::{Event, EventOptions};
use crate::mesh::forwards::{ForwardOptions, ForwardRow};
use crate::mesh::istiod_choice::IstiodOptions;
use crate::mesh::istiod_logs::{IstiodLog, IstiodLogOptions};
use crate::mesh::istiods::Istiod;
use crate::mesh::log_tune::{LogChange, TuneOptions};
use crate::mesh::logs::{LogLine, LogOptions};
use crate::mesh::namespaces::{Namespace, Node};
use crate::mesh::platform::Platform;
use crate::mesh::pods::{Pod, PodOptions};
use crate::mesh::proxy_status::{ProxyStatus, ProxyStatusOptions};
use crate::mesh::scopes::{Scope, ScopeChange, ScopeOptions};
use crate::mesh::services::Service;
use crate::mesh::trust::{FetchOptions, JwksFetch, TlsOptions, VerifyOptions};
use crate::mesh::versions::Version;
use crate::record::{Options, Record, Schema};
use crate::tls::{Certificate, Check, Expect, Key, Verdict};
use rhai::{Module, exported_module};

/// All families of native functions, in the order of the reference.
pub fn families() -> Vec<(&'static str, Module)> {
    vec![
        ("kube", exported_module!(kube::functions)),
        ("kube", exported_module!(logs::functions)),
        ("kube", exported_module!(access_log::functions)),
        ("kube", exported_module!(forwards::functions)),
        ("envoy", exported_module!(envoy::functions)),
        ("envoy", exported_module!(clusters::functions)),
        ("envoy", exported_module!(endpoints::functions)),
        ("envoy", exported_module!(listeners::functions)),
        ("envoy", exported_module!(routes::functions)),
        ("envoy", exported_module!(ecds::functions)),
        ("envoy", exported_module!(filters::functions)),
        ("envoy", exported_module!(server::functions)),
        ("envoy", exported_module!(tune::functions)),
        ("envoy", exported_module!(joins::functions)),
        ("envoy", exported_module!(secrets::functions)),
        ("envoy", exported_module!(stats::functions)),
        ("ztunnel", exported_module!(ztunnel::functions)),
        ("tape", tape::functions()),
        ("istiod", exported_module!(istiod::functions)),
        ("istiod", exported_module!(scopes::functions)),
        ("istiod", exported_module!(istiod_debug::functions)),
        ("tls", exported_module!(tls::functions)),
        ("jwt", exported_module!(jwt::functions)),
        ("values", exported_module!(values::functions)),
        ("values", exported_module!(diff::functions)),
        ("values", exported_module!(wait::functions)),
        ("rows", host::row_functions()),
        ("json", host::json_functions()),
        ("report", exported_module!(report::functions)),
        ("help", exported_module!(help::functions)),
    ]
}

/// The shapes of rows and options that the descriptions of functions name.
pub fn schemas() -> Vec<&'static Schema> {
    let mut all = vec![
        Pod::schema(),
        PodOptions::schema(),
        AccessReview::schema(),
        JwtRule::schema(),
        Service::schema(),
        Deployment::schema(),
        Namespace::schema(),
        Node::schema(),
        Event::schema(),
        EventOptions::schema(),
        Platform::schema(),
        LogLine::schema(),
        LogOptions::schema(),
        Access::schema(),
        access_log::AccessLogOptions::schema(),
        ForwardRow::schema(),
        ForwardOptions::schema(),
        envoy::DumpOptions::schema(),
        Cluster::schema(),
        clusters::ClusterOptions::schema(),
        Endpoint::schema(),
        endpoints::EndpointOptions::schema(),
        Secret::schema(),
        secrets::SecretOptions::schema(),
        LoadedCertificate::schema(),
        Bootstrap::schema(),
        ServerInfo::schema(),
        Memory::schema(),
        Stat::schema(),
        stats::StatOptions::schema(),
        LogLevel::schema(),
        LogChange::schema(),
        TuneOptions::schema(),
        Denial::schema(),
        Listener::schema(),
        listeners::ListenerOptions::schema(),
        Route::schema(),
        routes::RouteOptions::schema(),
        Extension::schema(),
        ecds::EcdsOptions::schema(),
        Filter::schema(),
        filters::FilterOptions::schema(),
        Provider::schema(),
        Difference::schema(),
        diff::DiffOptions::schema(),
        crate::envoy::Workload::schema(),
        ztunnel::WorkloadOptions::schema(),
        crate::envoy::ZtunnelService::schema(),
        ztunnel::ServiceOptions::schema(),
        crate::envoy::ZtunnelPolicy::schema(),
        ztunnel::PolicyOptions::schema(),
        crate::envoy::ZtunnelCertificate::schema(),
        ztunnel::CertificateOptions::schema(),
        crate::envoy::Connection::schema(),
        ztunnel::ConnectionOptions::schema(),
    ];
    all.extend(more_schemas());
    all
}

/// Those of control planes, of what is judged here, and of reports.
fn more_schemas() -> Vec<&'static Schema> {
    vec![
        Istiod::schema(),
        IstiodLog::schema(),
        IstiodLogOptions::schema(),
        Scope::schema(),
        ScopeChange::schema(),
        ScopeOptions::schema(),
        ProxyStatus::schema(),
        Distribution::schema(),
        ProxyStatusOptions::schema(),
        IstiodOptions::schema(),
        Version::schema(),
        Certificate::schema(),
        Verdict::schema(),
        Key::schema(),
        Check::schema(),
        Expect::schema(),
        JwksFetch::schema(),
        FetchOptions::schema(),
        TlsOptions::schema(),
        VerifyOptions::schema(),
        report::FindingOptions::schema(),
        host::PathOptions::schema(),
    ]
}
