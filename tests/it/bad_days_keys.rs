//! An issuer that redirects, answers nonsense, or does not answer; and what its server shows of itself.

use super::bad_days::{HOST, KEYS, Mesh, at_keys, faulty, healthy};
use crate::support::cluster::{Handshake, Trouble};
use std::time::Duration;

fn fetch() -> String {
    format!("fetch_jwks(\"https://{HOST}{KEYS}\", #{{ insecure: true }})")
}

fn chain() -> String {
    format!("tls_chain(\"{HOST}\")")
}

#[test]
fn keys_that_are_elsewhere_no_keys_or_too_many() {
    for (trouble, words) in [
        (
            Trouble::Redirect("https://elsewhere.example/k".into()),
            &["redirects to https://elsewhere.example/k", "set jwksUri"][..],
        ),
        (Trouble::NotJson, &["gives no key set", "an HTML page", "check jwksUri"]),
        (Trouble::Huge(50 << 20), &["more than 1048576 bytes", "not what was asked for"]),
        (Trouble::Empty, &["gives no key set", "empty"]),
        (Trouble::CutOff, &["cut off after", "ask again"]),
        (Trouble::Status(404), &["answers status 404", "openid-configuration"]),
    ] {
        let mesh = Mesh::serve(faulty().fault(at_keys(), trouble.clone()));
        mesh.eval(&fetch()).fails(1, "bad_answer", words).says(&[HOST]);
        // The investigation does not depend on it, but for the repair with these keys: it says why there is none.
        let found = mesh.investigate(&[]);
        assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)), "{trouble:?}");
        let fix = found.finding("JWKS001")["fix"].as_str().unwrap_or_default();
        assert!(fix.contains("Repair A (keys inline) cannot be prepared from here") && fix.contains(words[0]), "{fix}");
        assert!(fix.lines().all(|line| line.starts_with('#')), "nothing to paste: {fix}");
    }
}

#[test]
fn keys_that_never_come_do_not_hold_the_investigation_up() {
    let mesh = Mesh::serve(faulty().fault(at_keys(), Trouble::Hang));
    let words = [HOST, "no answer within 2 s", "--timeout"];
    let one = mesh.run(&["--timeout", "2s", "eval", &fetch()]);
    one.fails(1, "timeout", &words);
    let found = mesh.investigate(&["--timeout", "2s"]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    for took in [one.took, found.took] {
        assert!(took < Duration::from_secs(12), "{took:?}");
    }
}

#[test]
fn whether_keys_were_rotated_stays_open_when_the_issuer_is_out_of_reach() {
    for (trouble, word) in [
        (Trouble::Hang, "no answer within 2 s"),
        (Trouble::Redirect("https://elsewhere.example/k".into()), "redirects to"),
        (Trouble::NotJson, "an HTML page"),
    ] {
        let found = Mesh::serve(healthy().fault(at_keys(), trouble)).investigate(&["--timeout", "2s"]);
        assert_eq!((found.codes().len(), found.code), (0, Some(0)), "{:#}", found.report);
        found.notes(&["has other keys by now cannot be said from here", word]);
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_a_finding() {
    for (handshake, words) in [
        (Handshake::PlainHttp, &["the TLS handshake failed", "plain HTTP"][..]),
        (Handshake::Reset, &["the TLS handshake failed", "does it speak TLS on that port"]),
    ] {
        let mesh = Mesh::serve(faulty().handshake(handshake));
        mesh.eval(&chain()).fails(1, "tls", words).says(&[HOST]);
        let found = mesh.investigate(&[]);
        assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
        let finding = found.finding("JWKS003").to_string();
        assert!(
            finding.contains("not to this machine: run this where it can be reached")
                && words.iter().all(|word| finding.contains(word)),
            "{finding}"
        );
    }
}

#[test]
fn a_server_that_never_greets_leaves_its_chain_open() {
    let mesh = Mesh::serve(faulty().handshake(Handshake::Silent));
    let one = mesh.run(&["--timeout", "2s", "eval", &chain()]);
    one.fails(1, "timeout", &[HOST, "no answer within 2 s", "--timeout"]);
    let found = mesh.investigate(&["--timeout", "2s"]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    assert_eq!(found.finding("JWKS003")["severity"], "warning", "istiod's log says that it saw a certificate");
    assert!(found.finding("JWKS003").to_string().contains("no answer within 2 s"), "{:#}", found.report);
    // Without the log nobody knows what istiod saw.
    let blind = Mesh::serve(faulty().user("nologs").handshake(Handshake::Silent)).investigate(&["--timeout", "2s"]);
    assert_eq!((blind.codes(), blind.code), (vec!["JWKS001", "JWKS004"], Some(3)));
    blind.notes(&["the chain of", HOST, "stays open, it cannot be had from here", "no answer within 2 s"]);
    for took in [one.took, found.took, blind.took] {
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}

#[test]
fn garbage_in_the_chain_is_told_and_the_rest_of_it_read() {
    let mesh = Mesh::serve(faulty().handshake(Handshake::GarbageAfterLeaf));
    let garbage = ["the chain of", HOST, "no X.509 certificate", "cut off or changed"];
    let one = mesh.eval(&format!("{}.len()", chain()));
    one.gives(0, "1").says(&garbage);
    assert!(!one.stderr.contains("Nom"), "the words of a library say nothing: {}", one.stderr);
    let found = mesh.investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&garbage);
    let text = found.finding("JWKS003")["text"].as_str().unwrap_or_default();
    assert!(text.contains("does not send the intermediate O=Acme Corp, CN=Acme Corp Issuing CA 1"), "{text}");
    // Believing such a server fails too, in words.
    mesh.eval(&format!("fetch_jwks(\"https://{HOST}{KEYS}\")")).fails(1, "tls", &[HOST]);
}

#[test]
fn a_machine_without_certificate_authorities_says_so_and_judges_by_istiods() {
    // The API server's own authority stands in the kubeconfig, as it does nearly always.
    let mesh = Mesh::serve(faulty().https());
    let mut command = mesh.command(&["run", "jwks-certificate", "-o", "json"]);
    command.env("SSL_CERT_FILE", "/no/such/bundle.pem").env_remove("SSL_CERT_DIR");
    let found = super::bad_days::Investigation::read(crate::support::run::finish(command, Duration::from_secs(40)));
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&["certificate authorities of this machine", "cannot be read", "SSL_CERT_FILE"]);
}
