//! Routes of every sort, in every form of a dump, and broken ones.

use super::*;
use crate::json::Doc;
use crate::record::Record;
use proptest::prelude::*;
use serde_json::{Value, json};

fn open(dump: &Value) -> Vec<Found<Route>> {
    let doc = Doc::parse(dump.to_string().into()).unwrap();
    let found = routes(&Dump::open(&doc).unwrap()).unwrap();
    for row in &found {
        assert!(row.at.node(&doc).is_some(), "{row:?}");
    }
    found
}

fn dump(configs: Value) -> Value {
    json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump", "dynamic_route_configs": configs}]})
}

fn config(name: &str, hosts: Value) -> Value {
    json!({"version_info": "v1", "last_updated": "2026-11-22T13:05:41Z", "route_config": {"name": name, "virtual_hosts": hosts}})
}

/// The fields of one route, as a script sees them.
fn one(route: Value) -> Value {
    let found = open(&dump(json!([config("80", json!([{"name": "h", "domains": ["a", "a.svc"], "routes": [route]}]))])));
    fields(&found[0].record)
}

fn fields(route: &Route) -> Value {
    let schema = Route::schema();
    schema.columns.iter().enumerate().map(|(index, column)| (column.name.to_owned(), route.value(index))).collect()
}

fn has(row: &Value, wanted: Value) {
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(row.get(name), Some(value), "{name} of {row:#}");
    }
}

#[test]
fn istioctls_columns_come_first() {
    let names: Vec<_> = Route::schema().names().take(5).collect();
    assert_eq!(names, ["name", "vhost_name", "domains", "matches", "virtual_service"]);
    assert!(Route::schema().columns.iter().filter(|column| !column.wide).count() <= 8);
    assert!(size_of::<Found<Route>>() <= 150, "{}", size_of::<Found<Route>>());
}

#[test]
fn a_route_of_a_virtual_service_tells_all_of_it() {
    let row = one(json!({
        "name": "api", "match": {"prefix": "/api", "headers": [{"name": ":method", "string_match": {"exact": "GET"}}],
            "query_parameters": [{"name": "q", "string_match": {"exact": "1"}}]},
        "metadata": {"filter_metadata": {"istio": {"config": "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews"}}},
        "route": {"weighted_clusters": {"clusters": [{"name": "v1", "weight": 90}, {"name": "v2", "weight": "10"}]},
            "timeout": "7.500s", "prefix_rewrite": "/v2", "host_rewrite_literal": "r.example.com",
            "request_mirror_policies": [{"cluster": "m", "runtime_fraction": {"default_value": {"numerator": 5000, "denominator": "TEN_THOUSAND"}}},
                {"cluster": "all", "runtime_fraction": {"default_value": {"numerator": 100}}}],
            "hash_policy": [{"header": {"header_name": "x-user"}}],
            "retry_policy": {"retry_on": "5xx,reset", "num_retries": 4, "per_try_timeout": "2s"}},
        "typed_per_filter_config": {"envoy.filters.http.fault": {"@type": "x/a.HTTPFault", "abort": {"http_status": 503}},
            "envoy.filters.http.cors": {"@type": "x/a.CorsPolicy"}}}));
    has(
        &row,
        json!({"name": "80", "vhost_name": "h", "domains": "a", "all_domains": ["a", "a.svc"], "matches": "/api*",
        "virtual_service": "reviews.shop", "route_name": "api", "cluster": null, "timeout": "7.500s", "methods": ["GET"],
        "weighted_clusters": [{"name": "v1", "weight": 90}, {"name": "v2", "weight": 10}], "query_parameters": ["q=1"],
        "retry_on": "5xx,reset", "num_retries": 4, "per_try_timeout": "2s", "prefix_rewrite": "/v2", "host_rewrite": "r.example.com",
        "mirrors": ["m 50%", "all"], "hash_policy": [{"header": {"header_name": "x-user"}}], "http_route": null,
        "filters": ["envoy.filters.http.fault", "envoy.filters.http.cors"], "cors": {"@type": "x/a.CorsPolicy"},
        "state": "dynamic", "version": "v1", "last_updated": "2026-11-22T13:05:41Z", "error_state": null, "broken": null}),
    );
    assert_eq!(row["fault"]["abort"]["http_status"], 503);
}

#[test]
fn redirects_and_answers_of_the_proxys_own() {
    for (redirect, text) in [
        (json!({"https_redirect": true}), "301 https://*"),
        (json!({"path_redirect": "/new", "response_code": "FOUND"}), "302 /new"),
        (
            json!({"hostRedirect": "b", "portRedirect": 8443, "prefixRewrite": "/x", "responseCode": "PERMANENT_REDIRECT"}),
            "308 *://b:8443/x*",
        ),
        (
            json!({"scheme_redirect": "http", "regex_rewrite": {"pattern": {"regex": "a"}, "substitution": "b"}}),
            "301 http://* a -> b",
        ),
    ] {
        has(&one(json!({"redirect": redirect})), json!({"redirect": text, "cluster": null, "matches": null}));
    }
    has(&one(json!({"direct_response": {"status": 404}})), json!({"direct_response": 404}));
}

#[test]
fn routes_of_the_gateway_api_name_their_http_route() {
    let made = |name: &str| {
        let config = format!("/apis/networking.istio.io/v1/namespaces/shop/virtual-service/{name}");
        one(json!({"metadata": {"filter_metadata": {"istio": {"config": config}}}}))
    };
    has(
        &made("web-api-12-istio-autogenerated-k8s-gateway"),
        json!({"http_route": "web-api.shop", "virtual_service": "web-api-12-istio-autogenerated-k8s-gateway.shop"}),
    );
    has(&made("web-api-12"), json!({"http_route": null}));
    has(&made("web-x-istio-autogenerated-k8s-gateway"), json!({"http_route": null}));
}

#[test]
fn a_virtual_host_says_some_things_for_its_routes() {
    let host = json!({"name": "h", "domains": ["*"], "retry_policy": {"num_retries": 1}, "cors": {"max_age": "1"},
        "request_mirror_policies": [{"cluster": "m"}], "routes": [{"route": {"cluster": "c"}}, {"route": {"cluster": "d", "retry_policy": {}}}]});
    let rows = open(&dump(json!([config("x", json!([host]))])));
    let (first, second) = (fields(&rows[0].record), fields(&rows[1].record));
    has(&first, json!({"num_retries": 1, "mirrors": ["m"], "cors": {"max_age": "1"}, "cluster": "c"}));
    has(&second, json!({"num_retries": null, "cluster": "d"}));
    assert!(Arc::ptr_eq(&rows[0].record.shared, &rows[1].record.shared));
}

#[test]
fn a_virtual_host_without_routes_is_shown_as_istioctl_shows_it() {
    let rows = open(&dump(json!([config("80", json!([{"name": "block_all", "domains": ["*"]}]))])));
    has(&fields(&rows[0].record), json!({"matches": "/*", "virtual_service": "404", "vhost_name": "block_all", "domains": "*"}));
}

#[test]
fn ports_come_by_number_and_the_rest_as_it_stands_there() {
    let hosts = json!([{"routes": [{}]}]);
    let configs: Vec<Value> =
        ["15010", "inbound|80||", "80", "a", "9080"].iter().map(|name| config(name, hosts.clone())).collect();
    let rows = open(&dump(json!(configs)));
    let names: Vec<&str> = rows.iter().map(|row| row.record.shared.host.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["80", "9080", "15010", "inbound|80||", "a"]);
}

#[test]
fn every_form_of_a_dump_gives_the_same() {
    let hosts = json!([{"name": "h", "domains": ["d"], "routes": [{"match": {"path_separated_prefix": "/a"}, "route": {"cluster": "c"}}]}]);
    let camel =
        json!([{"name": "h", "domains": ["d"], "routes": [{"match": {"pathSeparatedPrefix": "/a"}, "route": {"cluster": "c"}}]}]);
    let kind = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump";
    for (dump, state) in [
        (dump(json!([{"route_config": {"name": "80", "virtual_hosts": hosts}}])), json!("dynamic")),
        (json!({"@type": kind, "staticRouteConfigs": [{"routeConfig": {"name": "80", "virtualHosts": camel}}]}), json!("static")),
        (
            json!({"configs": [{"@type": format!("{kind}.DynamicRouteConfig"), "route_config": {"name": "80", "virtual_hosts": hosts}}]}),
            json!("dynamic"),
        ),
        (json!([{"name": "80", "virtualHosts": camel}]), json!(null)),
    ] {
        let rows = open(&dump);
        has(
            &fields(&rows[0].record),
            json!({"name": "80", "matches": "PathPrefix:/a", "cluster": "c", "state": state, "broken": null}),
        );
        assert!(rows[0].record.is_shown());
    }
}

#[test]
fn one_big_configuration_is_read_by_all_cores_and_gives_the_same() {
    let host = |number: usize| {
        let route =
            json!({"name": "default", "match": {"prefix": "/"}, "route": {"cluster": format!("c{number}"), "timeout": "0s"}});
        json!({"name": format!("h{number}"), "domains": [format!("d{number}")], "routes": [route.clone(), route]})
    };
    let big: Vec<Value> = (0..300).map(host).collect();
    let small: Vec<Vec<Found<Route>>> =
        (0..300).map(|number| open(&dump(json!([config("80", json!([host(number)]))])))).collect();
    let doc = dump(json!([config("80", json!(big))]));
    let rows = open(&doc);
    let alone: Vec<Value> = small.iter().flatten().map(|row| fields(&row.record)).collect();
    assert_eq!(rows.iter().map(|row| fields(&row.record)).collect::<Vec<_>>(), alone);
    let doc = Doc::parse(doc.to_string().into()).unwrap();
    let rows = routes(&Dump::open(&doc).unwrap()).unwrap();
    assert_eq!(rows[417].at.node(&doc).unwrap().get("route").unwrap().get("cluster").unwrap().as_str().unwrap(), "c208");
    let bare = open(&json!([{"name": "80", "virtual_hosts": big}]));
    assert_eq!((bare.len(), fields(&bare[599].record)["cluster"].clone()), (600, json!("c299")));
}

#[test]
fn rejected_updates_are_told() {
    let failure = json!({"details": "no such cluster", "last_update_attempt": "2026-11-22T13:05:41Z",
        "failed_configuration": {"@type": "x/a.RouteConfiguration", "name": "9", "virtual_hosts": [{"name": "new", "routes": [{}]}]}});
    let mut beside = config("80", json!([{"name": "h", "routes": [{}]}]));
    beside["error_state"] = failure.clone();
    let rows = open(&dump(json!([beside, {"error_state": failure}, {"error_state": {"details": "x"}}])));
    has(&fields(&rows[0].record), json!({"name": "9", "vhost_name": "new", "state": "rejected"}));
    has(
        &fields(&rows[1].record),
        json!({"name": "80", "state": "dynamic", "error_state": "2026-11-22T13:05:41Z no such cluster"}),
    );
    has(&fields(&rows[2].record), json!({"name": null, "state": "rejected", "error_state": "x"}));
    assert_eq!(rows.iter().map(|row| row.record.is_shown()).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn what_is_of_the_wrong_type_marks_only_its_own_row() {
    let routes = json!([{"match": {"prefix": "/a"}}, {"match": 7, "route": {"cluster": []}}]);
    let rows = open(&dump(json!([config("80", json!([{"name": "h", "routes": routes}, {"name": 5, "routes": [{}]}]))])));
    let broken: Vec<Value> = rows.iter().map(|row| fields(&row.record)["broken"].clone()).collect();
    assert_eq!(broken, [json!(null), json!("match is not an object, cluster is not text"), json!("name is not text")]);
    let rows = open(&dump(json!([config("80", json!({"a": 1})), 7])));
    let broken: Vec<Value> = rows.iter().map(|row| fields(&row.record)["broken"].clone()).collect();
    assert!(broken[0].as_str().unwrap().contains("virtual_hosts is not a list") && broken[1].is_string(), "{broken:?}");
}

#[test]
fn what_passes_through_is_not_shown() {
    let hosts =
        json!([{"routes": [{"route": {"cluster": "PassthroughCluster"}}, {"route": {"cluster": "InboundPassthroughCluster"}}]}]);
    let rows = open(&dump(json!([config("80", hosts)])));
    assert_eq!(rows.iter().map(|row| row.record.is_shown()).collect::<Vec<_>>(), [false, true]);
}

const RECORDED: &str = include_str!("../../tests/data/dump_stand_in.json");

proptest! {
    #[test]
    fn nothing_makes_it_panic(at in 0usize..60_000, byte in any::<u8>(), cut in 0usize..60_000) {
        let mut bytes = RECORDED.as_bytes().to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        for text in [bytes.clone(), bytes[..cut % bytes.len()].to_vec()] {
            if let Ok(dump) = Doc::parse(text.into()).and_then(|doc| Dump::open(&doc)) {
                let _ = routes(&dump);
            }
        }
    }

    /// Any value of another type in place of one: the rows are fewer or marked, never wrong in silence, and nothing panics.
    #[test]
    fn a_type_swap_is_told(which in 0usize..40, swap in prop_oneof![Just(json!(7.5)), Just(json!([[]])), Just(json!({"a": []})), Just(json!(true)), Just(json!("x"))]) {
        let mut config = config("80", json!([{"name": "h", "domains": ["d"], "routes": [{"name": "r", "match": {"prefix": "/"},
            "route": {"cluster": "c", "timeout": "1s", "retry_policy": {"retry_on": "x", "num_retries": 3}}}]}]));
        let before = fields(&open(&dump(json!([config])))[0].record);
        let pointers = pointers(&config);
        let pointer = &pointers[which % pointers.len()];
        let old = config.pointer(pointer).unwrap().clone();
        prop_assume!(std::mem::discriminant(&old) != std::mem::discriminant(&swap));
        *config.pointer_mut(pointer).unwrap() = swap;
        let rows = open(&dump(json!([config])));
        let row = fields(&rows[0].record);
        prop_assert!(row["broken"].is_string() || row == before, "{pointer}: {row:#}");
    }
}

/// Pointers to all that is inside of a value.
fn pointers(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let deeper = |(key, value): (String, &Value)| {
        let own = format!("/{key}");
        let more: Vec<String> = pointers(value).into_iter().map(|rest| format!("{own}{rest}")).collect();
        std::iter::once(own).chain(more)
    };
    inside.into_iter().flat_map(deeper).collect()
}

#[test]
fn a_share_whose_cluster_a_header_names_has_no_name() {
    let shares = json!([{"name": "v1", "weight": 90}, {"cluster_header": "x-cluster", "weight": 10}]);
    let row = one(json!({"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": shares}}}));
    let wanted = json!([{"name": "v1", "weight": 90}, {"name": null, "cluster_header": "x-cluster", "weight": 10}]);
    has(&row, json!({"weighted_clusters": wanted}));
}
