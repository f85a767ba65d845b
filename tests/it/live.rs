//! The live backend against a served mesh: what a user meets on bad days, in words to act on.

use crate::support::cluster::{At, Cluster, ClusterOptions, Entry, Handshake, PodTarget, Question, Recording, Trouble, Via};
use crate::support::run::TempDir;
use pilotage::backend::{Ask, Backend, Connect, Exec, HttpGet, Live, Logs, Query, TlsProbe, Trust};
use pilotage::error::{Error, Kind};
use std::path::Path;
use std::time::{Duration, Instant};

const POD: &str = "shop/web-1";
const HOST: &str = "login.apps.acme.test";
const KEYS: &str = "/realms/shop/protocol/openid-connect/certs";
const PATIENCE: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(800);

fn entry(via: Via, path: &str, body: impl Into<bytes::Bytes>) -> Entry {
    Entry { content_type: Some("application/json".into()), body: body.into(), ..Entry::new(via, "GET", Question::parse(path)) }
}

/// A mesh of one pod, and the server of its keys.
fn mesh() -> ClusterOptions {
    let data = |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap();
    let pods = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"web-1",
        "namespace":"shop","uid":"1"},"spec":{"containers":[{"name":"istio-proxy"}]},"status":{"phase":"Running"}}]}"#;
    let pod = |entry: Entry| Entry { pod: Some(POD.into()), ..entry };
    let entries = vec![
        entry(Via::Kube, "/api/v1/pods", pods),
        pod(Entry {
            port: Some(15000),
            ..entry(Via::Pod, "/config_dump", format!("{{\"configs\":\"{}\"}}", "x".repeat(300_000)))
        }),
        pod(entry(
            Via::Logs,
            "/api/v1/namespaces/shop/pods/web-1/log?container=istio-proxy&timestamps=true",
            "2026-11-22T10:00:00Z info ready\n2026-11-22T10:00:01Z error x509: unknown authority\n",
        )),
        Entry { host: Some(HOST.into()), port: Some(443), ..entry(Via::Https, KEYS, data("keycloak_jwks.json")) },
        Entry { host: Some(HOST.into()), port: Some(443), ..entry(Via::Chain, "/", data("keycloak_chain.pem")) },
    ];
    let end = "2026-11-22T10:00:02Z".parse().unwrap();
    ClusterOptions::new(Recording { name: "shop".into(), cluster: "lab".into(), end, entries })
}

/// A served mesh and a backend that asks it.
struct Lab {
    cluster: Cluster,
    live: Live,
    _home: TempDir,
}

impl Lab {
    async fn start(options: ClusterOptions, timeout: Duration) -> Self {
        let cluster = Cluster::start(options).unwrap();
        let home = TempDir::new();
        let kubeconfig = home.file("kubeconfig");
        cluster.kubeconfig(&kubeconfig).unwrap();
        let resolve = cluster.resolve().iter().map(|rule| rule.parse().unwrap()).collect();
        let live = Live::connect(Connect { kubeconfig: Some(kubeconfig), resolve, timeout, ..Connect::default() }).await.unwrap();
        Self { cluster, live, _home: home }
    }

    async fn ask(&self, ask: Ask) -> Result<pilotage::backend::Answer, Error> {
        self.live.ask(&Query::new("lab", ask)).await
    }

    async fn fails(&self, ask: Ask) -> Error {
        let error = self.ask(ask).await.expect_err("this must fail");
        assert!(error.next_step().is_some_and(|hint| !hint.is_empty()), "no next step: {error:?}");
        error
    }

    fn keys(&self) -> Ask {
        let trust = Trust::Extra(self.cluster.roots().join("\n"));
        Ask::Http(HttpGet { url: format!("https://{HOST}{KEYS}"), trust, max_bytes: 100_000 })
    }
}

fn dump() -> Ask {
    Ask::pod("shop", "web-1", 15000, "/config_dump")
}

fn exec_dump() -> Ask {
    let command = ["pilot-agent", "request", "GET", "config_dump"].map(str::to_owned).to_vec();
    Ask::Exec(Exec { namespace: "shop".into(), pod: "web-1".into(), container: "istio-proxy".into(), command })
}

fn log() -> Ask {
    let (namespace, pod, container) = ("shop".into(), "web-1".into(), Some("istio-proxy".into()));
    Ask::Logs(Logs { namespace, pod, container, grep: Some("x509".into()), ..Logs::default() })
}

fn chain() -> Ask {
    Ask::Tls(TlsProbe { host: HOST.into(), port: 443, sni: None, alpn: Vec::new() })
}

#[tokio::test]
async fn on_a_good_day_every_question_is_answered() {
    let lab = Lab::start(mesh(), PATIENCE).await;
    assert_eq!((lab.live.cluster().as_str(), lab.live.namespace().as_str()), ("lab", "default"));
    let pods = lab.ask(Ask::kube("/api/v1/pods")).await.unwrap();
    assert!(pods.is_success() && pods.text().contains("web-1"));
    let forwarded = lab.ask(dump()).await.unwrap();
    assert!(forwarded.is_success() && forwarded.body.len() > 300_000);
    assert_eq!(lab.ask(exec_dump()).await.unwrap().body, forwarded.body, "exec gives the same as port-forward");
    assert_eq!(lab.ask(log()).await.unwrap().text(), "2026-11-22T10:00:01Z error x509: unknown authority\n");
    assert!(lab.ask(lab.keys()).await.unwrap().text().contains("\"kid\""));
    let chain = lab.ask(chain()).await.unwrap();
    assert!(chain.text().starts_with("-----BEGIN CERTIFICATE-----"), "{}", chain.text());
}

#[tokio::test]
async fn credentials_that_nobody_knows_ask_for_a_login() {
    let lab = Lab::start(mesh().user("badtoken"), PATIENCE).await;
    for ask in [Ask::kube("/api/v1/pods"), dump(), exec_dump(), log()] {
        let error = lab.fails(ask).await;
        assert_eq!(error.kind(), Kind::Unauthorized);
        assert!(error.next_step().unwrap().contains("oc login"), "{error:?}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let lab = Lab::start(mesh().user("noproxy"), PATIENCE).await;
    for (ask, resource) in [(dump(), "pods/portforward"), (exec_dump(), "pods/exec")] {
        let error = lab.fails(ask).await;
        assert_eq!(error.kind(), Kind::Forbidden);
        let hint = error.next_step().unwrap();
        assert!(hint.contains("get and create") && hint.contains(resource), "{hint}");
    }
    let lab = Lab::start(mesh().user("nologs"), PATIENCE).await;
    let refusal = lab.ask(log()).await.unwrap();
    assert!(refusal.status == 403 && refusal.text().contains("pods/log"), "{}", refusal.text());
}

#[tokio::test]
async fn a_pod_that_is_gone_closed_or_silent() {
    let lab = Lab::start(mesh(), PATIENCE).await;
    assert_eq!(lab.fails(Ask::pod("shop", "web-2", 15000, "/config_dump")).await.kind(), Kind::NotFound);

    let lab = Lab::start(mesh().port(POD, 15000, PodTarget::Closed), PATIENCE).await;
    let error = lab.fails(dump()).await;
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.to_string().contains("refused") && error.next_step().unwrap().contains("proxyAdminPort"), "{error:?}");

    let lab = Lab::start(mesh().port(POD, 15000, PodTarget::Silent), SHORT).await;
    let started = Instant::now();
    assert_eq!(lab.fails(dump()).await.kind(), Kind::Timeout);
    assert!(started.elapsed() < SHORT * 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let lab =
        Lab::start(mesh().fault(At::pod(POD), Trouble::CutOff).fault(At::Kube("/api/v1/pods".into()), Trouble::CutOff), PATIENCE)
            .await;
    for ask in [dump(), Ask::kube("/api/v1/pods")] {
        let error = lab.fails(ask).await;
        assert_eq!(error.kind(), Kind::BadAnswer, "{error:?}");
        assert!(error.message().contains("cut off after"), "{error}");
    }
    let lab = Lab::start(mesh().fault(At::pod(POD), Trouble::Empty), PATIENCE).await;
    assert_eq!(lab.ask(dump()).await.unwrap().body.len(), 0, "no bytes at all is an answer, for the decoder to judge");
    let lab = Lab::start(mesh().fault(At::pod(POD), Trouble::Close), PATIENCE).await;
    assert_eq!(lab.fails(dump()).await.kind(), Kind::Unreachable);
    let lab = Lab::start(mesh().fault(At::Kube("/api".into()), Trouble::Close), PATIENCE).await;
    let error = lab.fails(Ask::kube("/api/v1/pods")).await;
    assert_eq!(error.kind(), Kind::BadAnswer, "its head came: {error}");
}

#[tokio::test]
async fn an_api_server_that_hangs_is_given_up() {
    let lab = Lab::start(mesh().fault(At::Kube("/".into()), Trouble::Hang), SHORT).await;
    let started = Instant::now();
    let error = lab.fails(Ask::kube("/api/v1/pods")).await;
    assert_eq!((error.kind(), error.message()), (Kind::Timeout, "kube GET /api/v1/pods: no answer within 0.8 s"));
    assert!(started.elapsed() < SHORT * 3);
}

#[tokio::test]
async fn keys_that_are_elsewhere_no_keys_too_many_or_never_come() {
    let at = || At::Https(KEYS.into());
    let lab = Lab::start(mesh().fault(at(), Trouble::Redirect("https://elsewhere.example/keys".into())), PATIENCE).await;
    let answer = lab.ask(lab.keys()).await.unwrap();
    assert_eq!((answer.status, answer.location.as_deref()), (302, Some("https://elsewhere.example/keys")));

    let lab = Lab::start(mesh().fault(at(), Trouble::NotJson), PATIENCE).await;
    assert!(lab.ask(lab.keys()).await.unwrap().text().contains("<html>"));

    let lab = Lab::start(mesh().fault(at(), Trouble::Huge(5 << 20)), PATIENCE).await;
    let error = lab.fails(lab.keys()).await;
    assert!(error.kind() == Kind::BadAnswer && error.message().contains("more than 100000 bytes"), "{error}");

    let lab = Lab::start(mesh().fault(at(), Trouble::CutOff), PATIENCE).await;
    assert!(lab.fails(lab.keys()).await.message().contains("cut off"));

    let lab = Lab::start(mesh().fault(at(), Trouble::Hang), SHORT).await;
    assert_eq!(lab.fails(lab.keys()).await.kind(), Kind::Timeout);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_apart_from_one_that_is_not_there() {
    let lab = Lab::start(mesh(), PATIENCE).await;
    let stranger = rcgen::generate_simple_self_signed(vec!["stranger.example".into()]).unwrap().cert.pem();
    let ask = |url: &str| Ask::Http(HttpGet { url: url.into(), trust: Trust::Extra(stranger.clone()), max_bytes: 1000 });
    let error = lab.fails(ask(&format!("https://{HOST}{KEYS}"))).await;
    assert!(error.kind() == Kind::Tls && error.to_string().contains("UnknownIssuer"), "{error}");
    let error = lab.fails(ask("https://no-such-host.invalid/")).await;
    assert!(error.kind() == Kind::Unreachable && error.next_step().unwrap().contains("--resolve"), "{error:?}");
}

#[tokio::test]
async fn handshakes_of_every_kind() {
    let blocks = |text: &str| text.matches("BEGIN CERTIFICATE").count();
    let lab = Lab::start(mesh(), PATIENCE).await;
    let whole = blocks(&lab.ask(chain()).await.unwrap().text());
    let lab = Lab::start(mesh().handshake(Handshake::LeafOnly), PATIENCE).await;
    assert_eq!(blocks(&lab.ask(chain()).await.unwrap().text()), 1);
    let lab = Lab::start(mesh().handshake(Handshake::GarbageAfterLeaf), PATIENCE).await;
    let answer = lab.ask(chain()).await.unwrap();
    assert!(answer.is_success() && whole > 1 && blocks(&answer.text()) > 1, "the garbage is part of the evidence");
    for (handshake, says) in [(Handshake::PlainHttp, "plain HTTP"), (Handshake::Reset, "speak TLS")] {
        let lab = Lab::start(mesh().handshake(handshake), PATIENCE).await;
        let error = lab.fails(chain()).await;
        assert!(error.kind() == Kind::Tls && error.next_step().unwrap().contains(says), "{error:?}");
    }
    let lab = Lab::start(mesh().handshake(Handshake::Silent), SHORT).await;
    assert_eq!(lab.fails(chain()).await.kind(), Kind::Timeout);
}

#[tokio::test]
async fn what_needs_no_cluster_works_without_one() {
    let lab = Lab::start(mesh(), PATIENCE).await;
    let nowhere = TempDir::new();
    let resolve = lab.cluster.resolve().iter().map(|rule| rule.parse().unwrap()).collect();
    let missing = Connect { kubeconfig: Some(nowhere.file("none")), timeout: PATIENCE, ..Connect::default() };
    let error = Live::connect(missing).await.err().expect("a named kubeconfig must be there");
    assert_eq!(error.kind(), Kind::NoCluster);
    // Whether this machine has a kubeconfig does not matter: these questions go elsewhere.
    let live = Live::connect(Connect { resolve, timeout: PATIENCE, ..Connect::default() }).await.unwrap();
    assert!(live.ask(&Query::new("lab", lab.keys())).await.unwrap().is_success());
    assert!(live.ask(&Query::new("lab", chain())).await.unwrap().is_success());
}
