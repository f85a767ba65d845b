//! Route configurations as Envoy writes them.

use super::names::Metadata;
use super::tls_context::{Regex, StringMatch};
use super::update::Failure;
use super::wire::{Own, Pairs, Raw, Text};

wire! {
    /// A route configuration with what Envoy says about it.
    pub(super) struct RouteEntry<'de> {
        version_info: Option<Text<'de>>,
        route_config: RouteConfig<'de>,
        last_updated: Option<Text<'de>>,
        error_state: Option<Failure<'de>>,
    }
}

wire! {
    /// `RouteConfiguration`.
    pub(super) struct RouteConfig<'de> {
        name: Text<'de>,
        virtual_hosts: Vec<Own<VirtualHost<'de>>>,
    }
}

wire! {
    /// The routes of some hosts.
    pub(super) struct VirtualHost<'de> {
        name: Text<'de>,
        domains: Vec<Text<'de>>,
        routes: Vec<Own<RouteWire<'de>>>,
        retry_policy: Option<RetryPolicy<'de>>,
        request_mirror_policies: Vec<Mirror<'de>>,
        cors: Raw<'de>,
    }
}

wire! {
    /// One route.
    pub(super) struct RouteWire<'de> {
        name: Text<'de>,
        matches = "match": RouteMatch<'de>,
        route: Option<RouteAction<'de>>,
        redirect: Option<Redirect<'de>>,
        direct_response: Option<DirectResponse<'de>>,
        metadata: Metadata<'de>,
        typed_per_filter_config: Pairs<'de, Raw<'de>>,
        per_filter_config: Pairs<'de, Raw<'de>>,
    }
}

wire! {
    /// What requests a route takes.
    pub(super) struct RouteMatch<'de> {
        prefix: Text<'de>,
        path_separated_prefix: Text<'de>,
        path: Text<'de>,
        safe_regex: Option<Regex<'de>>,
        regex: Text<'de>,
        connect_matcher: Raw<'de>,
        headers: Vec<HeaderMatch<'de>>,
        query_parameters: Vec<QueryMatch<'de>>,
    }
}

wire! {
    /// What a header must be; until 2021 without `string_match`.
    pub(super) struct HeaderMatch<'de> {
        name: Text<'de>,
        string_match: Option<StringMatch<'de>>,
        exact_match: Option<Text<'de>>,
        prefix_match: Option<Text<'de>>,
        suffix_match: Option<Text<'de>>,
        contains_match: Option<Text<'de>>,
        safe_regex_match: Option<Regex<'de>>,
        regex_match: Option<Text<'de>>,
        range_match: Option<Range<'de>>,
        present_match: Option<bool>,
        invert_match: bool,
    }
}

wire! {
    /// Numbers from `start` up to and without `end`.
    pub(super) struct Range<'de> {
        start: f64,
        end: f64,
    }
}

wire! {
    /// What a parameter of the query must be.
    pub(super) struct QueryMatch<'de> {
        name: Text<'de>,
        string_match: Option<StringMatch<'de>>,
        present_match: Option<bool>,
    }
}

wire! {
    /// Where a route sends requests, and how.
    pub(super) struct RouteAction<'de> {
        cluster: Option<Text<'de>>,
        cluster_header: Option<Text<'de>>,
        weighted_clusters: Option<WeightedClusters<'de>>,
        cluster_specifier_plugin: Option<Text<'de>>,
        timeout: Option<Text<'de>>,
        retry_policy: Option<RetryPolicy<'de>>,
        prefix_rewrite: Option<Text<'de>>,
        regex_rewrite: Option<Rewrite<'de>>,
        host_rewrite_literal: Option<Text<'de>>,
        host_rewrite: Option<Text<'de>>,
        auto_host_rewrite: Option<bool>,
        host_rewrite_header: Option<Text<'de>>,
        host_rewrite_path_regex: Option<Rewrite<'de>>,
        request_mirror_policies: Vec<Mirror<'de>>,
        request_mirror_policy: Option<Mirror<'de>>,
        hash_policy: Raw<'de>,
        cors: Raw<'de>,
    }
}

wire! {
    /// Clusters that share the requests.
    pub(super) struct WeightedClusters<'de> {
        clusters: Vec<Weighted<'de>>,
    }
}

wire! {
    /// One of them.
    pub(super) struct Weighted<'de> {
        name: Text<'de>,
        cluster_header: Text<'de>,
        weight: Option<u64>,
    }
}

wire! {
    /// When a request is sent again.
    pub(super) struct RetryPolicy<'de> {
        retry_on: Option<Text<'de>>,
        num_retries: Option<u64>,
        per_try_timeout: Option<Text<'de>>,
    }
}

wire! {
    /// A pattern, and what takes its place.
    pub(super) struct Rewrite<'de> {
        pattern: Regex<'de>,
        substitution: Text<'de>,
    }
}

wire! {
    /// Where copies of requests go.
    pub(super) struct Mirror<'de> {
        cluster: Text<'de>,
        runtime_fraction: Option<RuntimeFraction<'de>>,
    }
}

wire! {
    /// How many of them.
    pub(super) struct RuntimeFraction<'de> {
        default_value: Fraction<'de>,
    }
}

wire! {
    /// So many of a hundred, of ten thousand, or of a million.
    pub(super) struct Fraction<'de> {
        numerator: f64,
        denominator: Text<'de>,
    }
}

wire! {
    /// Another address.
    pub(super) struct Redirect<'de> {
        https_redirect: bool,
        scheme_redirect: Text<'de>,
        host_redirect: Text<'de>,
        port_redirect: Option<u64>,
        path_redirect: Text<'de>,
        prefix_rewrite: Option<Text<'de>>,
        regex_rewrite: Option<Rewrite<'de>>,
        response_code: Text<'de>,
        strip_query: bool,
    }
}

wire! {
    /// An answer of the proxy's own.
    pub(super) struct DirectResponse<'de> {
        status: Option<u64>,
    }
}
