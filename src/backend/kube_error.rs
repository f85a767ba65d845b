//! What went wrong on the way to the API server, in words to act on.

use crate::error::{Error, Kind};
use kube::core::Status;
use std::error::Error as StdError;
use std::io;

/// The object of a failure: what was asked, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The question in one line.
    pub(super) what: &'a str,
    /// The context's name.
    pub(super) cluster: &'a str,
    /// The API server's URL.
    pub(super) server: &'a str,
}

/// No answer came from the API server, or none that kube understands.
pub(super) fn no_answer(error: &kube::Error, asked: Asked<'_>) -> Error {
    if let Some(auth) = find::<kube::client::AuthError>(error) {
        return no_credentials(auth, asked.cluster);
    }
    if let kube::Error::Api(status) = error {
        return refused(status, asked);
    }
    let unreachable = format!("the API server {} of {} cannot be reached", asked.server, asked.cluster);
    if let Some(tls) = find::<rustls::Error>(error) {
        return Error::new(Kind::Tls, unreachable).cause(tls).hint(tls_hint(tls));
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message)
        || has_io(error, io::ErrorKind::ConnectionReset)
    {
        return Error::new(
            Kind::Unreachable,
            format!(
                "{}: the API server {} of {} ended the connection without an answer",
                asked.what, asked.server, asked.cluster
            ),
        )
        .cause(depths(error))
        .hint("ask again; if it stays so, a proxy or load balancer on the way may be failing, or the server restarting");
    }
    Error::new(Kind::Unreachable, unreachable).cause(depths(error)).hint(hint_for(error))
}

/// The API server refused, and said why.
pub(super) fn refused(status: &Status, asked: Asked<'_>) -> Error {
    if status.code == 401 {
        return unauthorized(asked.cluster, &status.message);
    }
    let kind = match status.code {
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        400 | 409 | 500 if is_not_running(&status.message) => Kind::NotRunning,
        _ => Kind::Unreachable,
    };
    Error::new(kind, format!("{}: the API server answers {}", asked.what, status.code)).cause(&status.message)
}

/// The credentials were refused.
pub(super) fn unauthorized(cluster: &str, words: &str) -> Error {
    let told = if words.is_empty() { "Unauthorized" } else { words };
    Error::new(Kind::Unauthorized, format!("the cluster {cluster} refuses the credentials (401)")).cause(told).hint(
        "they are wrong or expired: log in again (oc login on OpenShift), renew the token or certificate in the kubeconfig, or run its exec plugin by hand",
    )
}

fn no_credentials(error: &kube::client::AuthError, cluster: &str) -> Error {
    use kube::client::AuthError;
    let told = Error::new(Kind::Unauthorized, format!("no credentials for the cluster {cluster}"));
    match error {
        // Its standard output may hold a token: only the complaint is shown.
        AuthError::AuthExecRun { cmd, out } => told
            .cause(format!("the credential plugin `{}` failed ({})", program(cmd), out.status))
            .cause(String::from_utf8_lossy(&out.stderr).trim())
            .hint("run the plugin by hand; most want a new login"),
        AuthError::AuthExecStart(error) => told
            .cause(format!("the credential plugin could not be started: {error}"))
            .hint("install the plugin that the kubeconfig names, and see that PATH finds it"),
        AuthError::AuthExecParse(_) => told
            .cause("the credential plugin's output is no ExecCredential")
            .hint("run the plugin by hand and read what it prints"),
        error => told.cause(error).hint("log in again, or see the user in the kubeconfig (`kubectl config view`)"),
    }
}

/// The program of a command that is written as `NAME="value" "program" "argument"`: the rest may hold secrets.
fn program(command: &str) -> &str {
    let mut rest = command;
    while let Some((before, quoted)) = rest.split_once('"') {
        let mut escaped = false;
        let end = quoted.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        if !before.ends_with('=') {
            return &quoted[..end];
        }
        rest = &quoted[end + 1..];
    }
    "of the kubeconfig"
}

fn is_not_running(message: &str) -> bool {
    ["not running", "does not have a host assigned", "Current status="].iter().any(|sign| message.contains(sign))
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext};
    match error {
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the server there is another one, or the kubeconfig needs its name (tls-server-name); is a proxy between?"
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "the cluster's own certificate ran out: its administrator must renew it"
        }
        rustls::Error::InvalidCertificate(_) => {
            "the kubeconfig's certificate-authority does not vouch for this server: was the cluster made anew, or is a proxy between?"
        }
        rustls::Error::General(words) if words.contains("No CA certificates") => {
            "this machine has no certificate authorities: install ca-certificates, name a bundle with SSL_CERT_FILE, or give the kubeconfig a certificate-authority"
        }
        rustls::Error::InvalidMessage(_) => {
            "it does not speak TLS on that port: should the kubeconfig's server begin with http://?"
        }
        _ => "see whether the kubeconfig's client certificate is still valid, and whether a proxy is between",
    }
}

fn hint_for(error: &kube::Error) -> &'static str {
    let words = depths(error);
    if words.contains("failed to lookup address") || words.contains("dns error") {
        "its name is not known here: is the VPN up, and is the server in the kubeconfig right?"
    } else if has_io(error, io::ErrorKind::ConnectionRefused) {
        "nothing listens there: is the cluster running, and is the server in the kubeconfig right?"
    } else if has_io(error, io::ErrorKind::TimedOut) {
        "nothing answers there: is the VPN up, a firewall between, or a proxy needed (HTTPS_PROXY, proxy-url)?"
    } else {
        "is the server in the kubeconfig right, and is a proxy or VPN needed?"
    }
}

/// Whether an error or one of its sources is an I/O error of this kind.
pub(super) fn has_io(error: &(dyn StdError + 'static), kind: io::ErrorKind) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == kind)
        || io.and_then(io::Error::get_ref).is_some_and(|held| has_io(held, kind))
        || error.source().is_some_and(|source| has_io(source, kind))
}

/// The first error of this type among an error and its sources.
pub(super) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = error.downcast_ref().or_else(|| find(held? as &(dyn StdError + 'static))) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The words of the deepest source: the layers above only repeat that something below failed.
pub(super) fn depths(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> =
        Asked { what: "pod shop/web-1:15000 GET /ready", cluster: "lab", server: "https://api.lab.example:6443" };

    #[test]
    fn refusals_are_sorted_by_what_can_be_done() {
        for (code, message, kind) in [
            (403, "pods \"web-1\" is forbidden", Kind::Forbidden),
            (404, "pods \"web-1\" not found", Kind::NotFound),
            (400, "pod web-1 does not have a host assigned", Kind::NotRunning),
            (500, "unable to forward port because pod is not running. Current status=Pending", Kind::NotRunning),
            (500, "error dialing backend: dial tcp 10.0.0.5:10250: i/o timeout", Kind::Unreachable),
        ] {
            let error = refused(&Status::failure(message, "").with_code(code), ASKED);
            assert_eq!(error.kind(), kind, "{message}");
            assert!(error.message().starts_with(ASKED.what) && error.to_string().ends_with(message), "{error}");
        }
        let error = refused(&Status::failure("Unauthorized", "").with_code(401), ASKED);
        assert_eq!(error.to_string(), "the cluster lab refuses the credentials (401): Unauthorized");
    }

    #[test]
    fn of_a_plugins_command_only_the_program_is_told() {
        for (command, told) in [
            (r#"KUBERNETES_EXEC_INFO="{\"kind\":1}" TOKEN="a \\" "aws" "eks" "get-token""#, "aws"),
            (r#""kubelogin""#, "kubelogin"),
            (r#"env -i "/opt/my plugin" "x""#, "/opt/my plugin"),
            ("SECRET=\"never closed", "of the kubeconfig"),
            ("", "of the kubeconfig"),
        ] {
            assert_eq!(program(command), told, "{command}");
        }
    }

    #[test]
    fn errors_held_by_io_errors_are_found() {
        let held = io::Error::other(rustls::Error::DecryptError);
        assert!(matches!(find::<rustls::Error>(&held), Some(rustls::Error::DecryptError)));
        let timed_out = io::Error::other(io::Error::new(io::ErrorKind::TimedOut, "deadline has elapsed"));
        assert!(has_io(&timed_out, io::ErrorKind::TimedOut) && !has_io(&timed_out, io::ErrorKind::ConnectionRefused));
        assert!(find::<hyper::Error>(&timed_out).is_none());
    }
}
