//! Ports of pods on this machine: for a browser, `curl`, or a debugger.

use super::pod_arg;
use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, Row, options};
use crate::mesh::forwards::{self, ForwardOptions, ForwardRow};
use rhai::plugin::*;
use rhai::{Array, INT, Map};

/// Port-forwards.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Make a port of a pod reachable from this machine. Returns a `forward` row.
    ///
    /// It listens on the loopback address only, on the same port where that is free, until the session ends; `eval` stays until
    /// Ctrl-C. Anything can be sent through it, so outside of a prompt it takes `--allow tune`.
    ///
    /// Symptoms: a port that cannot be reached from here.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { port_forward("deploy/customer.olaf-customer", 15000) } catch (e) { kind = e.kind }
    /// kind    // "tape_miss"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn port_forward(context: NativeCallContext, pod: Dynamic, port: INT) -> Fallible<Row> {
        forward(&context, &pod, port, None, Map::new())
    }

    /// The same, on this local port. Returns a `forward` row.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { port_forward("deploy/customer.olaf-customer", 15000, 8080) } catch (e) { kind = e.kind }
    /// kind    // "tape_miss"
    /// ```
    #[rhai_fn(name = "port_forward", return_raw)]
    pub fn port_forward_at(context: NativeCallContext, pod: Dynamic, port: INT, local_port: INT) -> Fallible<Row> {
        forward(&context, &pod, port, Some(local_port), Map::new())
    }

    /// The same, opened in a browser: `#{ open: true }`. Returns a `forward` row; takes `forward options`.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { port_forward("deploy/customer.olaf-customer", 15000, #{ open: true }) } catch (e) { kind = e.kind }
    /// kind    // "tape_miss"
    /// ```
    #[rhai_fn(name = "port_forward", return_raw)]
    pub fn port_forward_with(context: NativeCallContext, pod: Dynamic, port: INT, more: Map) -> Fallible<Row> {
        forward(&context, &pod, port, None, more)
    }

    /// Make a dashboard reachable from this machine: `controlz`, `istiod-debug`, `kiali`, `jaeger`, `grafana`, `prometheus`,
    /// `zipkin` or `skywalking`. Its pod is looked for. Returns a `forward` row.
    ///
    /// Symptoms: Kiali, Grafana, Jaeger in the browser.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { dashboard("kiali") } catch (e) { kind = e.kind }
    /// kind    // "not_found"
    /// ```
    #[rhai_fn(name = "dashboard", return_raw)]
    pub fn some_dashboard(context: NativeCallContext, what: &str) -> Fallible<Row> {
        dashboard_with(context, what, "".into(), Map::new())
    }

    /// Make the dashboard of this pod reachable from this machine: `dashboard("envoy", "deploy/web")`. Returns a `forward` row.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { dashboard("envoy", "deploy/customer.olaf-customer") } catch (e) { kind = e.kind }
    /// kind    // "tape_miss"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn dashboard(context: NativeCallContext, what: &str, pod: Dynamic) -> Fallible<Row> {
        dashboard_with(context, what, pod, Map::new())
    }

    /// The same, opened in a browser: `#{ open: true }`. An empty `pod` is looked for. Returns a `forward` row; takes
    /// `forward options`.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { dashboard("grafana", "", #{ open: true }) } catch (e) { kind = e.kind }
    /// kind    // "not_found"
    /// ```
    #[rhai_fn(name = "dashboard", return_raw)]
    pub fn dashboard_with(context: NativeCallContext, what: &str, pod: Dynamic, more: Map) -> Fallible<Row> {
        let call = Call::of(&context)?;
        let more: ForwardOptions = options(&call, more)?;
        let asked = forwards::maybe(call.check(pod_arg::asked(call.mesh(), &pod))?);
        let session = call.session();
        let row = call.wait(forwards::dashboard(call.mesh(), session.forwards(), what, asked.as_ref()))?;
        shown(&call, row, &more)
    }

    /// The port-forwards of this session. Returns `forward` rows.
    ///
    /// ```rhai
    /// forwards().len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn forwards(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let rows = call.session().forwards().all().iter().map(|forward| ForwardRow::of(forward)).collect::<Vec<_>>();
        Ok(Row::many(rows))
    }

    /// Close the port-forward that listens on this local port. Says whether there was one.
    ///
    /// ```rhai
    /// close_forward(15000)    // false
    /// ```
    #[rhai_fn(return_raw)]
    pub fn close_forward(context: NativeCallContext, local_port: INT) -> Fallible<bool> {
        let call = Call::of(&context)?;
        let closing = call.session().forwards().close(|forward| INT::from(forward.local.port()) == local_port);
        Ok(call.wait(async { Ok(closing.await) })? > 0)
    }
}

fn forward(context: &NativeCallContext, pod: &Dynamic, port: INT, local: Option<INT>, more: Map) -> Fallible<Row> {
    let call = Call::of(context)?;
    let more: ForwardOptions = options(&call, more)?;
    let port = call.check(number(port))?;
    let local = local.map(|local| call.check(number(local))).transpose()?;
    let asked = call.check(pod_arg::asked(call.mesh(), pod))?;
    let row = call.wait(forwards::forward(call.session().forwards(), &asked, port, local))?;
    shown(&call, row, &more)
}

fn number(port: INT) -> crate::error::Result<u16> {
    u16::try_from(port)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| Error::new(Kind::Usage, format!("{port} is no port")).hint("ports go from 1 to 65535"))
}

/// Open it in a browser where that is wanted; a browser that does not open is no reason to lose the forward.
fn shown(call: &Call, row: ForwardRow, options: &ForwardOptions) -> Fallible<Row> {
    if options.open
        && let Err(error) = call.session().open(&row.url)
    {
        call.mesh().note(format!("{error}: open {} yourself", row.url));
    }
    Ok(Row::from_record(row))
}
