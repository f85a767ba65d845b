//! istiod's log scopes: read, set for a while, put back.

use super::tune::{lasting, note_unset, told};
use crate::backend::Which;
use crate::host::{Call, Fallible, Row, Session, convert, options};
use crate::mesh::log_tune::{LogChange, TuneOptions};
use crate::mesh::scopes::{self, ScopeOptions};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// What istiod writes to its log, by scope.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The log scopes of all istiods, with the level of each. Returns `scope` rows.
    ///
    /// ```rhai
    /// scopes().filter(|scope| scope.scope == "model")[0].level    // "info"
    /// ```
    #[rhai_fn(name = "scopes", return_raw)]
    pub fn all_scopes(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(scopes::scopes(call.mesh(), None))?))
    }

    /// The log scopes of one istiod: a row of `istiods()`, or its name. Returns `scope` rows.
    ///
    /// ```rhai
    /// scopes(istiods()[0]).len() > 20    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn scopes(context: NativeCallContext, istiod: Dynamic) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let istiod = convert::to_value(&istiod);
        Ok(Row::many(call.wait(scopes::scopes(call.mesh(), Some(&istiod)))?))
    }

    /// Set a scope of every istiod to a level until the session ends. Returns `scope_change` rows.
    ///
    /// The levels are `none`, `error`, `warn`, `info` and `debug`. What was set is put back at the end, by Ctrl-C, and by
    /// `reset_scope`; after a crash by `pilotage undo`. A playbook must declare it: `needs: ["tune"]`.
    ///
    /// `set_scope("model", "debug")` on a live mesh; `scopes()` lists the names, and a wrong one changes nothing:
    ///
    /// Symptoms: an istiod log that does not tell enough.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_scope("modle", "debug") } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn set_scope(context: NativeCallContext, scope: &str, level: &str) -> Fallible<Array> {
        set_scope_with(context, scope, level, Map::new())
    }

    /// The same, in a way of your choice. Returns `scope_change` rows; takes `scope options`.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_scope("modle", "error", #{ stack_trace: true }) } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(name = "set_scope", return_raw)]
    pub fn set_scope_with(context: NativeCallContext, scope: &str, level: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ScopeOptions = options(&call, more)?;
        let lasts = TuneOptions { keep: more.keep, passing: more.passing };
        lasting(&call, &lasts, || Ok(Row::many(call.wait(scopes::set(call.mesh(), scope, level, &more))?)))
    }

    /// Put back what this session set in scopes of istiods. Returns `log_change` rows.
    ///
    /// ```rhai
    /// reset_scope().len()    // 0
    /// ```
    #[rhai_fn(name = "reset_scope", return_raw)]
    pub fn reset_scopes(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(reset(&call, None)?))
    }

    /// Put back what this session set in one scope. Returns `log_change` rows.
    ///
    /// ```rhai
    /// reset_scope("model").len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reset_scope(context: NativeCallContext, scope: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        note_unset(&call, scope, "scope");
        Ok(Row::many(reset(&call, Some(vec![scope.to_owned()]))?))
    }
}

fn reset(call: &Call, names: Option<Vec<String>>) -> Fallible<Vec<LogChange>> {
    let which = Which { istiods: Some(true), names, ..Which::default() };
    let undone = call.wait(async { Ok(call.session().ledger().undo(&which, Session::PATIENCE).await) })?;
    Ok(told(call, undone))
}
