//! What the cluster holds: pods, services and the rest, as rows.

use super::pod_arg::Home;
use super::ztunnel;
use crate::host::{Call, Fallible, Row, convert, options};
use crate::mesh::events::{self, EventOptions};
use crate::mesh::pods::{self, PodOptions};
use crate::mesh::{access, deployments, jwt_rules, namespaces, objects, services};
use rhai::plugin::*;
use rhai::{Array, Map};

/// What the Kubernetes API server knows.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The pods of all namespaces. Returns `pod` rows.
    ///
    /// Symptoms: `CrashLoopBackOff`; `ImagePullBackOff`; `OOMKilled`; `Pending`; a pod without its sidecar: not injected; a
    /// proxy that is not ready: `istio-proxy` 0/1.
    ///
    /// ```rhai
    /// pods().len() > 3    // true
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn all_pods(context: NativeCallContext) -> Fallible<Array> {
        pods_with(context, "", Map::new())
    }

    /// The pods of a namespace; `"*"` for all. Returns `pod` rows.
    ///
    /// ```rhai
    /// pods("olaf")[0].proxy    // "gateway"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pods(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        pods_with(context, namespace, Map::new())
    }

    /// The pods of a namespace (`"*"` for all) that fit. Returns `pod` rows; takes `pod options`.
    ///
    /// ```rhai
    /// pods("*", #{ selector: "app=customer" }).len()    // 1
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn pods_with(context: NativeCallContext, namespace: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: PodOptions = options(&call, more)?;
        let rows = call.wait(pods::pods(call.mesh(), Some(namespace), &more))?;
        // A session may go elsewhere: who asks one of these then asks where it was read.
        Ok(Row::many_from(Home::of(call.mesh()), rows))
    }

    /// All objects of a kind, of all namespaces: an array of maps.
    ///
    /// A kind is known by any of its names: `pod`, `requestauthentications`, `vs`, `gateways.networking.istio.io`.
    ///
    /// ```rhai
    /// get("requestauthentication")[0].metadata.name    // "customerjwt"
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_all(context: NativeCallContext, kind: &str) -> Fallible<Dynamic> {
        get_in(context, kind, "", "")
    }

    /// One object, by kind and name, of the namespace at hand, else of the only one that has it: a map.
    ///
    /// ```rhai
    /// get("namespace", "olaf").kind    // "Namespace"
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_one(context: NativeCallContext, kind: &str, name: &str) -> Fallible<Dynamic> {
        get_in(context, kind, name, "")
    }

    /// One object, by kind, name and namespace: a map. With an empty name all of that namespace (`"*"` for all of them): an array.
    ///
    /// ```rhai
    /// get("deployment", "istiod", "istio-system").metadata.name    // "istiod"
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_in(context: NativeCallContext, kind: &str, name: &str, namespace: &str) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        if name.is_empty() {
            let objects = call.wait(objects::list_of(call.mesh(), kind, namespace))?;
            return Ok(objects.into_iter().map(convert::from_value).collect::<Array>().into());
        }
        Ok(convert::from_value(call.wait(objects::get(call.mesh(), kind, name, namespace))?))
    }

    /// Whether you may do something, cluster-wide. Returns an `access_review` row.
    ///
    /// The verbs are `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` and `deletecollection`.
    ///
    /// Symptoms: `forbidden`: `cannot create resource "pods/portforward"`; missing permissions (RBAC of Kubernetes).
    ///
    /// ```rhai
    /// can_i("list", "pods").allowed    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn can_i(context: NativeCallContext, verb: &str, resource: &str) -> Fallible<Row> {
        can_i_in(context, verb, resource, "")
    }

    /// Whether you may do something in a namespace: `can_i("create", "pods/portforward", "shop")`. Returns an `access_review` row.
    ///
    /// ```rhai
    /// can_i("get", "pods/log", "olaf").allowed    // true
    /// ```
    #[rhai_fn(name = "can_i", return_raw)]
    pub fn can_i_in(context: NativeCallContext, verb: &str, resource: &str, namespace: &str) -> Fallible<Row> {
        let call = Call::of(&context)?;
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        Ok(Row::from_record(call.wait(access::can_i(call.mesh(), verb, resource, namespace))?))
    }

    /// Where questions go: a map of `cluster`, `namespace` and `source`.
    ///
    /// ```rhai
    /// context().cluster    // "lab"
    /// ```
    #[rhai_fn(name = "context", return_raw)]
    pub fn source(native: NativeCallContext) -> Fallible<Map> {
        let call = Call::of(&native)?;
        let backend = call.mesh().backend();
        let entries = [("cluster", backend.cluster()), ("namespace", call.mesh().home()), ("source", backend.describe())];
        Ok(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Which tokens the mesh is told to accept: one row an issuer and RequestAuthentication (`"*"` for all namespaces).
    /// Returns `jwt_rule` rows. `Policy` objects of 2020 are understood too.
    ///
    /// Symptoms: `Jwt issuer is not configured`; `Audiences in Jwt are not allowed`.
    ///
    /// ```rhai
    /// jwt_rules("*")[0].resource    // "RequestAuthentication/olaf-customer/customerjwt"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn jwt_rules(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(jwt_rules::jwt_rules(call.mesh(), Some(namespace)))?))
    }

    /// The services of all namespaces. Returns `service` rows.
    ///
    /// Symptoms: a Service without endpoints: selector, `targetPort`; a protocol that is guessed wrong: port name,
    /// `appProtocol`.
    ///
    /// ```rhai
    /// services().len() > 5    // true
    /// ```
    #[rhai_fn(name = "services", return_raw)]
    pub fn all_services(context: NativeCallContext) -> Fallible<Array> {
        services(context, "")
    }

    /// The services of a namespace; `"*"` for all. Returns `service` rows.
    ///
    /// A namespace has neither dots nor slashes: text with one, as every other argument, means a ztunnel or its dump, and its
    /// services.
    ///
    /// ```rhai
    /// services("olaf")[0].name    // "istio-ingressgateway"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn services(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        if ztunnel::is_meant(namespace) {
            return ztunnel::functions::services(context, namespace.into());
        }
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(services::services(call.mesh(), Some(namespace)))?))
    }

    /// The deployments of all namespaces. Returns `deployment` rows.
    ///
    /// ```rhai
    /// deployments().some(|deployment| deployment.name == "istiod")    // true
    /// ```
    #[rhai_fn(name = "deployments", return_raw)]
    pub fn all_deployments(context: NativeCallContext) -> Fallible<Array> {
        deployments(context, "")
    }

    /// The deployments of a namespace; `"*"` for all. Returns `deployment` rows.
    ///
    /// ```rhai
    /// deployments("istio-system")[0].ready    // "1/1"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn deployments(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(deployments::deployments(call.mesh(), Some(namespace)))?))
    }

    /// The namespaces, and how each of them joins the mesh. Returns `namespace` rows.
    ///
    /// Symptoms: sidecars that are not injected: `istio-injection`, `istio.io/rev`; a namespace that is not in the mesh.
    ///
    /// ```rhai
    /// namespaces().find(|namespace| namespace.name == "olaf").status    // "Active"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn namespaces(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(namespaces::namespaces(call.mesh()))?))
    }

    /// The nodes of the cluster, and their state. Returns `node` rows.
    ///
    /// ```rhai
    /// nodes().len()    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn nodes(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(namespaces::nodes(call.mesh()))?))
    }

    /// What happened lately in all namespaces, newest last. Returns `event` rows.
    ///
    /// Symptoms: pods that are not created: `failed calling webhook`; `FailedScheduling`; `Back-off restarting failed
    /// container`; `no endpoints available for service "istiod"`.
    ///
    /// ```rhai
    /// events().len() > 0    // true
    /// ```
    #[rhai_fn(name = "events", return_raw)]
    pub fn all_events(context: NativeCallContext) -> Fallible<Array> {
        events_with(context, "", Map::new())
    }

    /// What happened lately in a namespace (`"*"` for all), newest last. Returns `event` rows.
    ///
    /// ```rhai
    /// events("olaf-customer").len() > 0    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn events(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        events_with(context, namespace, Map::new())
    }

    /// Those events of a namespace that fit, newest last. Returns `event` rows; takes `event options`.
    ///
    /// ```rhai
    /// events("*", #{ warnings: true }).all(|event| event.severity == "Warning")    // true
    /// ```
    #[rhai_fn(name = "events", return_raw)]
    pub fn events_with(context: NativeCallContext, namespace: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: EventOptions = options(&call, more)?;
        Ok(Row::many(call.wait(events::events(call.mesh(), Some(namespace), &more))?))
    }
}
