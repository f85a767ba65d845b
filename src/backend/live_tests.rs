//! The live backend against servers on loopback, good and bad.

use super::fake_api::{FakeApi, Kubeconfig, lab, live, live_as, proxy, raw, run};
use super::*;
use crate::error::{Error, Kind as Failure};
use axum::Router;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(10);

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn pod_server() -> SocketAddr {
    serve(Router::new().route("/config_dump", get(|| async { "x".repeat(3 << 20) })).route("/ready", get(|| async { "LIVE\n" })))
        .await
}

async fn api(ports: &[(u16, SocketAddr)]) -> Arc<FakeApi> {
    Arc::new(FakeApi { ports: ports.iter().copied().collect(), ..FakeApi::default() })
}

async fn fails(live: &Live, query: &Query) -> Error {
    live.ask(query).await.expect_err("this must fail")
}

#[tokio::test]
async fn a_pod_is_asked_over_one_port_forward_again_and_again() {
    let api = api(&[(15000, pod_server().await)]).await;
    let live = api.live(LONG).await;
    for _ in 0..3 {
        let answer = live.ask(&lab(Ask::pod("shop", "web-1", 15000, "/config_dump"))).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 3 << 20));
    }
    let answer = live.ask(&lab(Ask::pod("shop", "web-1", 15000, "/nothing"))).await.unwrap();
    assert_eq!(answer.status, 404, "a refusal of the pod is an answer");
    assert_eq!(api.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn many_questions_at_once_do_not_disturb_each_other() {
    let api = api(&[(15000, pod_server().await)]).await;
    let live = api.live(LONG).await;
    let query = lab(Ask::pod("shop", "web-1", 15000, "/ready"));
    let answers = futures::future::join_all((0..20).map(|_| live.ask(&query))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().text() == "LIVE\n"));
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_meanwhile_is_replaced() {
    let (address, _) = raw(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]).await;
    let api = api(&[(15000, address)]).await;
    let live = api.live(LONG).await;
    for _ in 0..2 {
        let answer = live.ask(&lab(Ask::pod("shop", "web-1", 15000, "/ready"))).await.unwrap();
        assert_eq!(answer.text(), "ok");
    }
    assert_eq!(api.opened.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_closed_port_says_so_and_what_to_look_at() {
    let live = api(&[]).await.live(LONG).await;
    let started = Instant::now();
    let error = fails(&live, &lab(Ask::pod("shop", "web-1", 15000, "/ready"))).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.to_string().contains("shop/web-1:15000") && error.to_string().contains("connection refused"), "{error}");
    assert!(error.next_step().unwrap().contains("proxyAdminPort"));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_of_a_pod_that_is_cut_off_says_how_much_came() {
    let (address, _) = raw(&["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it"]).await;
    let live = api(&[(15000, address)]).await.live(LONG).await;
    let error = fails(&live, &lab(Ask::pod("shop", "web-1", 15000, "/config_dump"))).await;
    assert_eq!(error.kind(), Failure::BadAnswer);
    assert!(error.message().contains("after 10 of 100 bytes"), "{error}");
}

#[tokio::test]
async fn a_pod_that_never_answers_and_one_that_speaks_no_http() {
    let (hanging, _) = raw(&["hang"]).await;
    let (odd, _) = raw(&["SSH-2.0-OpenSSH_9.9\r\n"]).await;
    let live = api(&[(15000, hanging), (22, odd)]).await.live(SOON).await;
    let started = Instant::now();
    let error = fails(&live, &lab(Ask::pod("shop", "web-1", 15000, "/ready"))).await;
    assert_eq!(error.kind(), Failure::Timeout);
    assert!(started.elapsed() < SOON * 3);
    let error = fails(&live, &lab(Ask::pod("shop", "web-1", 22, "/"))).await;
    assert_eq!(error.kind(), Failure::BadAnswer, "{error}");
}

#[tokio::test]
async fn refused_upgrades_name_the_missing_verbs() {
    for (status, kind) in [(403, Failure::Forbidden), (401, Failure::Unauthorized), (404, Failure::NotFound)] {
        let api = Arc::new(FakeApi { upgrade_status: Some(status), ..FakeApi::default() });
        let live = api.live(LONG).await;
        for (query, resource) in [
            (lab(Ask::pod("shop", "web-1", 15000, "/ready")), "pods/portforward"),
            (run(&["pilot-agent", "request", "GET", "x"]), "pods/exec"),
        ] {
            let error = fails(&live, &query).await;
            assert_eq!(error.kind(), kind, "{error}");
            let hint = error.next_step().unwrap();
            if status == 403 {
                assert!(hint.contains("get and create") && hint.contains(resource) && hint.contains("namespace shop"), "{hint}");
            }
        }
    }
}

#[tokio::test]
async fn a_program_gives_its_output_or_its_complaint() {
    let success = br#"{"status":"Success"}"#.to_vec();
    let dump = vec![b'x'; 5 << 20];
    let api = Arc::new(FakeApi { exec: vec![(1, dump.clone()), (2, b"warning\n".to_vec()), (3, success)], ..FakeApi::default() });
    let answer = api.live(LONG).await.ask(&run(&["pilot-agent", "request", "GET", "config_dump"])).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, dump.len()));

    let failure = br#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
    let api =
        Arc::new(FakeApi { exec: vec![(2, b"Error: no admin port\n".to_vec()), (3, failure.to_vec())], ..FakeApi::default() });
    let answer = api.live(LONG).await.ask(&run(&["pilot-agent", "request", "GET", "x"])).await.unwrap();
    assert_eq!((answer.status, answer.text().as_ref()), (500, "Error: no admin port\n"));
}

#[tokio::test]
async fn a_program_that_cannot_run_or_loses_its_connection_is_no_answer() {
    let failure = br#"{"status":"Failure","reason":"InternalError","message":"exec: \"pilot-agent\": executable file not found in $PATH","code":500}"#;
    let api = Arc::new(FakeApi { exec: vec![(3, failure.to_vec())], ..FakeApi::default() });
    let error = fails(&api.live(LONG).await, &run(&["pilot-agent"])).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.to_string().contains("executable file not found"), "{error}");

    let api = Arc::new(FakeApi { exec: vec![(1, b"half".to_vec()), (255, Vec::new())], ..FakeApi::default() });
    let error = fails(&api.live(LONG).await, &run(&["pilot-agent"])).await;
    assert_eq!(error.kind(), Failure::BadAnswer);
    assert!(error.message().contains("after 4 bytes"), "{error}");
}

#[tokio::test]
async fn logs_are_filtered_while_they_come_and_refusals_are_answers() {
    let live = api(&[]).await.live(LONG).await;
    let logs = |grep: Option<&str>, previous| {
        lab(Ask::Logs(Logs {
            namespace: "shop".into(),
            pod: "web-1".into(),
            grep: grep.map(Into::into),
            previous,
            ..Logs::default()
        }))
    };
    let all = live.ask(&logs(None, false)).await.unwrap();
    assert_eq!(all.text().lines().count(), 2000);
    let some = live.ask(&logs(Some("line 199[89]$"), false)).await.unwrap();
    assert_eq!(some.text(), "2026-11-22T10:00:00Z line 1998\n2026-11-22T10:00:00Z line 1999\n");
    let none = live.ask(&logs(None, true)).await.unwrap();
    assert!(none.status == 400 && none.text().contains("not found"));
    assert_eq!(fails(&live, &logs(Some("("), false)).await.kind(), Failure::BadInput);
}

#[tokio::test]
async fn refused_credentials_are_an_error_and_other_refusals_answers() {
    let (address, _) = raw(&["HTTP/1.1 401 Unauthorized\r\ncontent-length: 68\r\n\r\n{\"kind\":\"Status\",\"message\":\"token has expired at noon\",\"code\":401}  "]).await;
    let error = fails(&live(&format!("http://{address}"), LONG).await, &lab(Ask::kube("/api/v1/pods"))).await;
    assert_eq!(error.kind(), Failure::Unauthorized);
    assert!(error.to_string().contains("token has expired at noon"), "{error}");
    assert!(error.next_step().unwrap().contains("oc login"));

    let (address, _) = raw(&["HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"]).await;
    let answer = live(&format!("http://{address}"), LONG).await.ask(&lab(Ask::kube("/api/v1/pods"))).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_deref(), answer.text().as_ref()), (403, Some("application/json"), "{}"));
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_but_not_for_long() {
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let (address, requests) = raw(&[BUSY, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]).await;
    let answer = live(&format!("http://{address}"), LONG).await.ask(&lab(Ask::kube("/version"))).await.unwrap();
    assert_eq!((answer.text().as_ref(), requests.load(Ordering::Relaxed)), ("ok", 2));

    let (address, requests) = raw(&["HTTP/1.1 429 Too Many\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"; 9]).await;
    let started = Instant::now();
    let answer = live(&format!("http://{address}"), SOON).await.ask(&lab(Ask::kube("/version"))).await.unwrap();
    assert_eq!((answer.status, requests.load(Ordering::Relaxed)), (429, 1));
    assert!(started.elapsed() < SOON);

    let (address, requests) = raw(&[BUSY; 9]).await;
    let review = Kube {
        method: "POST".into(),
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".into(),
        body: Some("{}".into()),
    };
    let answer = live(&format!("http://{address}"), LONG).await.ask(&lab(Ask::Kube(review))).await.unwrap();
    assert_eq!((answer.status, requests.load(Ordering::Relaxed)), (503, 1), "only a GET is repeated");
}

#[tokio::test]
async fn an_api_server_that_is_not_there_hangs_or_breaks_off() {
    let nobody = "127.0.0.1:1";
    let error = fails(&live(&format!("http://{nobody}"), LONG).await, &lab(Ask::kube("/version"))).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.message().contains(&format!("http://{nobody} of lab")), "{error}");
    assert!(error.to_string().contains("refused") && error.next_step().unwrap().contains("nothing listens"), "{error}");

    let (hanging, _) = raw(&["hang"]).await;
    let error = fails(&live(&format!("http://{hanging}"), SOON).await, &lab(Ask::kube("/version"))).await;
    assert_eq!((error.kind(), error.message()), (Failure::Timeout, "kube GET /version: no answer within 0.6 s"));

    let (rude, _) = raw(&[""]).await;
    let error = fails(&live(&format!("http://{rude}"), LONG).await, &lab(Ask::kube("/version"))).await;
    assert!(error.kind() == Failure::Unreachable && error.message().contains("without an answer"), "{error}");

    let (short, _) = raw(&["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"items\":["]).await;
    let error = fails(&live(&format!("http://{short}"), LONG).await, &lab(Ask::kube("/api/v1/pods"))).await;
    assert_eq!(
        (error.kind(), error.message()),
        (Failure::BadAnswer, "kube GET /api/v1/pods: the answer was cut off after 10 of 1000 bytes")
    );

    let error = fails(&live("http://no-such-host.invalid:6443", LONG).await, &lab(Ask::kube("/version"))).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.next_step().unwrap().contains("name is not known"), "{error:?}");

    let plain = pod_server().await;
    let error = fails(&live(&format!("https://{plain}"), LONG).await, &lab(Ask::kube("/version"))).await;
    assert_eq!(error.kind(), Failure::Tls, "{error:?}");
    assert!(error.next_step().unwrap().contains("http://"), "{error:?}");
}

#[tokio::test]
async fn a_credential_plugin_that_fails_is_named_without_what_it_prints() {
    let plugin = r#"{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["-c", "echo geheim; echo please log in >&2; exit 3"], interactiveMode: Never}}"#;
    let live = live_as("http://127.0.0.1:1", plugin, LONG).await.unwrap();
    let error = fails(&live, &lab(Ask::kube("/version"))).await;
    assert_eq!(error.kind(), Failure::Unauthorized);
    let told: String = error.causes().join(" ");
    assert!(told.contains("please log in") && told.contains("exit status: 3"), "{error:?}");
    assert!(!error.causes().iter().any(|cause| cause.trim() == "geheim" || cause.contains("stdout")), "{error:?}");

    let missing = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}}";
    let error = fails(&live_as("http://127.0.0.1:1", missing, LONG).await.unwrap(), &lab(Ask::kube("/version"))).await;
    assert!(error.kind() == Failure::Unauthorized && error.next_step().unwrap().contains("install the plugin"), "{error:?}");
}

#[tokio::test]
async fn a_question_to_another_cluster_is_not_put_to_this_one() {
    let live = live("http://127.0.0.1:1", LONG).await;
    let error = fails(&live, &Query::new("prod", Ask::kube("/version"))).await;
    assert_eq!((error.kind(), error.next_step()), (Failure::NoCluster, Some("start pilotage with --context prod")));
}

/// An API server that lets only this bearer token in.
async fn guarded(token: &'static str) -> SocketAddr {
    let version = move |headers: axum::http::HeaderMap| async move {
        let right = headers.get("authorization").is_some_and(|value| value == format!("Bearer {token}").as_str());
        if right { (axum::http::StatusCode::OK, "{}") } else { (axum::http::StatusCode::UNAUTHORIZED, "who are you?") }
    };
    serve(Router::new().route("/version", get(version))).await
}

#[tokio::test]
async fn a_credential_plugin_gives_the_token() {
    let credential = r#"{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"from-plugin\"}}"#;
    let plugin = format!(
        r#"{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: echo, args: ["{credential}"], interactiveMode: Never}}}}"#
    );
    let server = guarded("from-plugin").await;
    let live = live_as(&format!("http://{server}"), &plugin, LONG).await.unwrap();
    assert_eq!(live.ask(&lab(Ask::kube("/version"))).await.unwrap().text(), "{}");
}

#[tokio::test]
async fn after_a_new_login_the_next_question_is_answered() {
    let cluster = format!("{{server: \"http://{}\"}}", guarded("fresh").await);
    let kubeconfig = Kubeconfig::new(&cluster, "{token: stale}");
    let live = kubeconfig.live(LONG).await.unwrap();
    let error = fails(&live, &lab(Ask::kube("/version"))).await;
    assert!(error.kind() == Failure::Unauthorized && error.to_string().contains("who are you?"), "{error}");
    kubeconfig.write(&cluster, "{token: fresh}");
    assert_eq!(live.ask(&lab(Ask::kube("/version"))).await.unwrap().text(), "{}");
}

#[tokio::test]
async fn the_api_server_is_asked_through_the_proxy_of_the_kubeconfig() {
    let server = guarded("abc").await;
    for (scheme, socks) in [("http", false), ("socks5", true), ("socks5h", true)] {
        let (address, used) = proxy(socks, server).await;
        let cluster = format!("{{server: \"http://api.lab.example:6443\", proxy-url: \"{scheme}://{address}\"}}");
        let live = Kubeconfig::new(&cluster, "{token: abc}").live(LONG).await.unwrap();
        let answer = live.ask(&lab(Ask::kube("/version"))).await.unwrap();
        assert_eq!((answer.status, used.load(Ordering::Relaxed)), (200, 1), "{scheme}");
    }
    let cluster = "{server: \"http://api.lab.example:6443\", proxy-url: \"http://user:geheim@127.0.0.1:1\"}";
    let error = fails(&Kubeconfig::new(cluster, "{}").live(LONG).await.unwrap(), &lab(Ask::kube("/version"))).await;
    assert!(error.message().contains("(through the proxy http://127.0.0.1:1)"), "{error}");
    assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
}

#[tokio::test]
async fn an_api_server_that_swallows_every_packet_is_given_up_in_time() {
    // A full queue of connections that nobody accepts: the next one gets no answer at all.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(100), tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue never fills");
    }
    let live = live(&format!("http://{address}"), SOON).await;
    let started = Instant::now();
    let error = fails(&live, &lab(Ask::kube("/version"))).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.next_step().unwrap().contains("firewall"), "{error:?}");
    assert!(started.elapsed() < SOON * 2);
    assert_eq!(patience::Patience::connect(Duration::from_secs(600)), Duration::from_secs(5), "however patient the user is");
}

#[tokio::test]
async fn a_question_that_is_dropped_frees_its_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let live = api(&[(15000, listener.local_addr().unwrap())]).await.live(LONG).await;
    let query = lab(Ask::pod("shop", "web-1", 15000, "/slow"));
    let mut question = live.ask(&query);
    let mut stream = tokio::select! {
        _ = &mut question => panic!("nobody answers it"),
        accepted = listener.accept() => accepted.unwrap().0,
    };
    let _ = tokio::time::timeout(Duration::from_millis(50), &mut question).await;
    drop(question);
    let read = async { while tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await.unwrap_or(0) > 0 {} };
    tokio::time::timeout(Duration::from_secs(2), read).await.expect("the pod sees the end of the connection");
}
