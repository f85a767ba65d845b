//! The served recording, asked by kube's own client: what a real API server would say, it says too.

use crate::support::cluster::{At, Cluster, ClusterOptions, PodTarget, Recording, Trouble};
use crate::support::run::{TempDir, run_pilotage};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Secret};
use kube::api::{AttachParams, ListParams, LogParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::{Api, Client, Config};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CUSTOMER: &str = "olaf-customer/customer-686cf5bf47-mtgsn";
const NAMESPACE: &str = "olaf-customer";
const NAME: &str = "customer-686cf5bf47-mtgsn";

/// A recorded mesh, from its tape.
pub fn recording(name: &str) -> Recording {
    let tapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    Recording::from_tape(&tapes.join(format!("{name}.tape"))).expect("a tape")
}

/// The mesh with the fault, as it was.
pub fn options() -> ClusterOptions {
    ClusterOptions::new(recording("jwks-certificate-fault"))
}

/// A client as this user, through a kubeconfig on disk.
pub async fn client(cluster: &Cluster, user: &str) -> Client {
    let home = TempDir::new();
    let file = home.file("config");
    cluster.kubeconfig(&file).expect("a kubeconfig");
    let kubeconfig = Kubeconfig::read_from(&file).expect("a legal kubeconfig");
    let options = KubeConfigOptions { context: Some(format!("{}-{user}", cluster.name())), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a context for every user");
    config.default_retry = false;
    Client::try_from(config).expect("a client")
}

fn pods(client: &Client) -> Api<Pod> {
    Api::namespaced(client.clone(), NAMESPACE)
}

fn refusal<T>(result: kube::Result<T>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        Err(other) => panic!("not a refusal of the API server: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

#[tokio::test]
async fn lists_whole_by_namespace_and_by_selector() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let all = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await.expect("pods");
    assert_eq!(all.items.len(), 6);
    let here = pods(&client).list(&ListParams::default()).await.expect("pods");
    assert_eq!(here.items.len(), 4);
    let params = ListParams::default().labels("app in (recommendation, nothing)").fields("status.phase=Running");
    let chosen = pods(&client).list(&params).await.expect("pods");
    assert_eq!(chosen.items.len(), 2);
    let one = pods(&client).get(NAME).await.expect("a pod");
    assert_eq!(one.metadata.namespace.as_deref(), Some(NAMESPACE));
    let (code, message) = refusal(pods(&client).get("no-such-pod").await);
    assert_eq!((code, message.as_str()), (404, "pods \"no-such-pod\" not found"));
    let (code, _) = refusal(pods(&client).list(&ListParams::default().labels("app===")).await);
    assert_eq!(code, 400);
}

#[tokio::test]
async fn pages_join_to_the_whole_list() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let api: Api<ConfigMap> = Api::all(client(&cluster, "admin").await);
    let whole = api.list(&ListParams::default()).await.expect("config maps");
    let mut params = ListParams::default().limit(4);
    let mut joined = Vec::new();
    loop {
        let page = api.list(&params).await.expect("a page");
        assert!(page.items.len() <= 4);
        joined.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(joined, whole.items);
    let (code, message) = refusal(api.list(&ListParams::default().limit(4).continue_token("bm9uc2Vuc2U")).await);
    assert!(code == 400 && message.starts_with("invalid continue token"), "{code} {message}");
}

#[tokio::test]
async fn custom_resources_are_found_by_discovery() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let group =
        kube::discovery::pinned_group(&client, &"security.istio.io/v1".parse().expect("a version")).await.expect("the group");
    let (kind, _) = group.recommended_kind("RequestAuthentication").expect("the kind");
    let api: Api<DynamicObject> = Api::all_with(client, &kind);
    let found = api.list(&ListParams::default()).await.expect("a list");
    assert_eq!(found.items[0].metadata.name.as_deref(), Some("customerjwt"));
}

#[tokio::test]
async fn logs_in_every_range() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let api: Api<Pod> = Api::namespaced(client(&cluster, "admin").await, "istio-system");
    let with = |params: LogParams| {
        let api = api.clone();
        async move { api.logs("istiod-lab", &params).await }
    };
    let whole = with(LogParams { timestamps: true, ..Default::default() }).await.expect("a log");
    assert!(whole.lines().count() > 500 && whole.contains("certificate signed by unknown authority"));
    let tail = with(LogParams { tail_lines: Some(2), timestamps: true, ..Default::default() }).await.expect("a tail");
    assert!(tail.lines().count() == 2 && whole.ends_with(&tail));
    let bare = with(LogParams { tail_lines: Some(2), ..Default::default() }).await.expect("a tail");
    for (stamped, bare) in tail.lines().zip(bare.lines()) {
        assert_eq!(stamped.split_once(' ').map(|(_, line)| line), Some(bare));
    }
    let recent = with(LogParams { since_seconds: Some(30), timestamps: true, ..Default::default() }).await.expect("a range");
    assert!(recent.len() < whole.len() && whole.ends_with(&recent));
    let start = with(LogParams { limit_bytes: Some(200), ..Default::default() }).await.expect("a start");
    assert_eq!(start.len(), 200);
}

#[tokio::test]
async fn logs_are_refused_in_the_kubelets_words() {
    let cluster = Cluster::start(options().not_running("olaf/istio-ingressgateway-76bf7ff758-gcrcf")).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let (code, message) = refusal(pods(&client).logs(NAME, &LogParams::default()).await);
    assert_eq!(
        (code, message),
        (400, format!("a container name must be specified for pod {NAME}, choose one of: [app istio-proxy]"))
    );
    let params = LogParams { container: Some("nosuch".into()), ..Default::default() };
    let (_, message) = refusal(pods(&client).logs(NAME, &params).await);
    assert_eq!(message, format!("container nosuch is not valid for pod {NAME}"));
    let gateways: Api<Pod> = Api::namespaced(client, "olaf");
    let (code, message) = refusal(gateways.logs("istio-ingressgateway-76bf7ff758-gcrcf", &LogParams::default()).await);
    assert!(code == 400 && message.contains("waiting to start"), "{message}");
}

#[tokio::test]
async fn users_see_what_they_saw() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let viewer = client(&cluster, "viewer").await;
    assert_eq!(pods(&viewer).list(&ListParams::default()).await.expect("pods").items.len(), 4);
    let secrets: Api<Secret> = Api::all(viewer.clone());
    let (code, message) = refusal(secrets.list(&ListParams::default()).await);
    assert_eq!(
        (code, message.as_str()),
        (403, "secrets is forbidden: User \"viewer\" cannot list resource \"secrets\" in API group \"\" at the cluster scope")
    );
    let (code, message) = refusal(pods(&viewer).logs(NAME, &LogParams::default()).await);
    assert!(code == 403 && message.contains("pods/log"), "{message}");
    assert_eq!(refusal(pods(&client(&cluster, "badtoken").await).get(NAME).await), (401, "Unauthorized".to_string()));
    let (code, message) = refusal(pods(&client(&cluster, "anonymous").await).get(NAME).await);
    assert!(code == 403 && message.contains("system:anonymous"), "{message}");
    for (user, expected) in [("admin", true), ("viewer", false), ("nobody", false)] {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some("some-namespace".into()),
                    verb: Some("create".into()),
                    resource: Some("pods".into()),
                    subresource: Some("portforward".into()),
                    ..Default::default()
                }),
                ..Default::default()
            },
            ..Default::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(client(&cluster, user).await);
        let answer = api.create(&PostParams::default(), &review).await.expect("a review");
        assert_eq!(answer.status.expect("a verdict").allowed, expected, "{user}");
    }
}

/// GET over a forwarded port, the connection closed after it: head and body.
async fn forwarded(client: &Client, pod: &str, port: u16, path: &str) -> Result<(String, String), String> {
    let (namespace, name) = pod.split_once('/').expect("namespace and name");
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut forwarder = api.portforward(name, &[port]).await.map_err(|error| error.to_string())?;
    let mut stream = forwarder.take_stream(port).expect("a stream");
    let error = forwarder.take_error(port).expect("an error channel");
    let request = format!("GET {path} HTTP/1.1\r\nhost: pod\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await;
    if text.is_empty() {
        let said = tokio::time::timeout(Duration::from_secs(5), error).await.ok().flatten();
        return Err(said.unwrap_or_else(|| format!("nothing came: {read:?}")));
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    Ok((head.to_string(), body.to_string()))
}

#[tokio::test]
async fn proxies_answer_through_a_port_forward() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let (head, body) = forwarded(&client, CUSTOMER, 15000, "/config_dump?include_eds").await.expect("a dump");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("chunked"), "{head}");
    assert!(body.contains("0xObjM0UvS_oaazj"), "the stand-in key is in the dump");
    let (head, _) = forwarded(&client, CUSTOMER, 15000, "/nosuchpage").await.expect("a page");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (_, body) = forwarded(&client, "istio-system/istiod-lab", 15014, "/debug/syncz").await.expect("a page");
    assert!(body.contains(NAME));
    let refused = forwarded(&client, CUSTOMER, 15009, "/").await.expect_err("nothing listens there");
    assert!(refused.contains("connection refused"), "{refused}");
}

#[tokio::test]
async fn programs_ask_the_proxy_through_exec() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let (out, _, code) = exec(&client, &["pilot-agent", "request", "GET", "ready"]).await;
    assert_eq!((out.trim(), code), ("LIVE", None));
    let (out, errors, code) = exec(&client, &["curl", "localhost"]).await;
    assert_eq!((out.as_str(), code.as_deref()), ("", Some("127")));
    assert!(errors.contains("not found"), "{errors}");
    let viewer = self::client(&cluster, "viewer").await;
    let (code, message) = refusal(pods(&viewer).exec(NAME, ["pilot-agent"], &AttachParams::default()).await);
    assert!(code == 403 && message.contains("pods/exec"), "{message}");
    let (code, message) = refusal(pods(&viewer).portforward(NAME, &[15000]).await);
    assert!(code == 403 && message.contains("pods/portforward"), "{message}");
}

/// Standard output, standard error and, of a failed command, the exit code.
async fn exec(client: &Client, command: &[&str]) -> (String, String, Option<String>) {
    let params = AttachParams::default().container("istio-proxy").stderr(true);
    let mut process = pods(client).exec(NAME, command.iter().copied(), &params).await.expect("exec is allowed");
    let (mut stdout, mut stderr) = (process.stdout().expect("stdout"), process.stderr().expect("stderr"));
    let status = process.take_status().expect("a status");
    let (mut out, mut errors) = (String::new(), String::new());
    let (first, second, status) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut errors), status);
    first.and(second).expect("text");
    let causes = status.and_then(|status| status.details).and_then(|details| details.causes).unwrap_or_default();
    let exit = causes.into_iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    (out, errors, exit.and_then(|cause| cause.message))
}

#[tokio::test]
async fn a_port_can_lead_to_a_real_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let real = axum::Router::new().fallback(|uri: http::Uri| async move { format!("really {uri}") });
    tokio::spawn(async move { axum::serve(listener, real).await });
    let cluster = Cluster::start(options().port(CUSTOMER, 15000, PodTarget::Tcp(address))).expect("a cluster");
    let (_, body) = forwarded(&client(&cluster, "admin").await, CUSTOMER, 15000, "/stats?usedonly").await.expect("an answer");
    assert!(body.contains("really /stats?usedonly"), "{body}");
}

#[tokio::test]
async fn troubles_befall_only_whom_they_are_meant_for() {
    let options = options()
        .fault(At::Kube("/api/v1/services".into()), Trouble::NotJson)
        .fault(At::Kube("/api/v1/nodes".into()), Trouble::CutOff)
        .fault(At::Kube("/api/v1/events".into()), Trouble::Hang)
        .fault(At::envoy(CUSTOMER, "/certs"), Trouble::CutOff)
        .fault(At::envoy(CUSTOMER, "/clusters"), Trouble::Empty)
        .hanging_istiod("istiod-second");
    let cluster = Cluster::start(options).expect("a cluster");
    let client = client(&cluster, "admin").await;
    let get = |path: &str| {
        let request = http::Request::get(path).body(Vec::new()).expect("a request");
        let client = client.clone();
        async move { tokio::time::timeout(Duration::from_millis(500), client.request_text(request)).await }
    };
    assert!(get("/api/v1/services").await.expect("no hang").expect("a body").starts_with("<html>"));
    assert!(get("/api/v1/nodes").await.expect("no hang").is_err(), "a body cut off is an error");
    assert!(get("/api/v1/events").await.is_err(), "it hangs");
    let istiods = get("/api/v1/pods?labelSelector=app%3Distiod").await.expect("no hang").expect("pods");
    assert!(istiods.contains("istiod-second") && istiods.contains("istiod-lab"));
    let (head, body) = forwarded(&client, CUSTOMER, 15000, "/certs").await.expect("half an answer");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    assert_eq!(body.len(), length.parse::<usize>().expect("a number") / 2);
    let (_, body) = forwarded(&client, CUSTOMER, 15000, "/clusters").await.expect("an answer");
    assert_eq!(body, "");
    let (head, _) = forwarded(&client, CUSTOMER, 15000, "/ready").await.expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(cluster.asked().iter().any(|asked| asked == "admin GET /api/v1/services"));
}

#[test]
fn the_real_binary_asks_a_served_mesh() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let home = TempDir::new();
    let kubeconfig = home.file("config");
    cluster.kubeconfig(&kubeconfig).expect("a kubeconfig");
    let kubeconfig = kubeconfig.to_string_lossy().into_owned();
    let rule = cluster.resolve().remove(0);
    let with = |expression: &str| {
        run_pilotage(&["eval", expression, "-o", "json", "--kubeconfig", &kubeconfig, "--resolve", &rule], &[])
    };
    let pods = with("pods(\"*\").len()");
    assert_eq!((pods.code, pods.stdout.trim()), (Some(0), "6"), "{pods:#?}");
    let chain = with("tls_chain(\"keycloak-olaf-sso.apps.acme.test\").len()");
    assert_eq!((chain.code, chain.stdout.trim()), (Some(0), "2"), "{chain:#?}");
}

#[tokio::test]
async fn the_api_speaks_tls_as_real_ones_do() {
    let cluster =
        Cluster::start(options().https().fault(At::Kube("/api/v1/nodes".into()), Trouble::Status(503))).expect("a cluster");
    let client = client(&cluster, "admin").await;
    assert_eq!(pods(&client).list(&ListParams::default()).await.expect("pods").items.len(), 4);
    let (head, _) = forwarded(&client, CUSTOMER, 15000, "/ready").await.expect("a page");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (code, _) = refusal(Api::<Node>::all(client).list(&ListParams::default()).await);
    assert_eq!(code, 503);
}
