//! Log levels of proxies: set, with what they were before.

use super::pod_ref::PodTarget;
use super::{Mesh, reach};
use crate::error::{Error, Kind, Result};
use crate::log_level::{DEFAULT, Form, Levels};
use crate::suggest::closest;
use crate::{options, record};

record! {
    /// A log level that was set.
    pub struct LogChange as "log_change" {
        /// The pod's namespace.
        pub namespace: String,
        /// The pod.
        pub pod: String,
        /// The logger; of a ztunnel a module, or `default` for all that are not named.
        pub logger: String,
        /// The level before. Of a ztunnel's module without a level of its own: nothing.
        pub old: Option<String>,
        /// The level now.
        pub level: Option<String>,
    }
}

options! {
    /// How levels are set.
    pub struct TuneOptions as "tune options" {
        /// Let them stay: nothing puts them back, not even the end of the session.
        pub keep: bool,
        /// Put them back when the expression, or the playbook, that is at hand ends; however it ends.
        pub passing: bool,
    }
}

/// What is wished: a level for all loggers, and levels for some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The level for all.
    pub all: Option<String>,
    /// Loggers and their levels.
    pub some: Vec<(String, String)>,
}

/// Loggers that write whole tokens and headers from this level on.
const TELLTALE: [&str; 6] = ["jwt", "rbac", "http", "ext_authz", "router", "oauth2"];

impl Wish {
    /// Loggers by name, with `*` for all.
    ///
    /// # Errors
    /// When there is none, or a name or level is no word.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut wish = Self::default();
        for (name, level) in pairs {
            let legal = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || ",&#%+?=*".contains(c));
            match name.as_str() {
                _ if !legal(&level) => {
                    return Err(Error::new(Kind::BadInput, format!("{level:?} is no log level"))
                        .hint("debug, info, warning, error and off are levels"));
                }
                "*" => wish.all = Some(level),
                _ if legal(&name) => wish.some.push((name, level)),
                _ => {
                    return Err(Error::new(Kind::BadInput, format!("{name:?} is no name of a logger"))
                        .hint("`log_levels(pod)` lists them"));
                }
            }
        }
        if wish.all.is_none() && wish.some.is_empty() {
            return Err(Error::new(Kind::BadInput, "no logger is named").hint("give some: `set_log(pod, #{ rbac: \"debug\" })`"));
        }
        Ok(wish)
    }

    /// What must be known before this is done; nothing when it is harmless.
    pub fn warning(&self) -> Option<String> {
        let loud = |level: &str| matches!(level, "debug" | "trace");
        let names: Vec<&str> = self.some.iter().filter(|(_, level)| loud(level)).map(|(name, _)| name.as_str()).collect();
        let telltale: Vec<&str> = names.into_iter().filter(|name| TELLTALE.contains(name)).collect();
        if self.all.as_deref().is_some_and(loud) {
            return Some("all loggers at debug or trace write many lines for every request, among them whole tokens and headers: the log of a busy pod grows by megabytes a second, and whoever may read it can use what it holds".into());
        }
        (!telltale.is_empty()).then(|| format!(
            "at debug and trace {} whole tokens and headers into the pod's log: what is shown here is redacted, the log itself and wherever it is shipped are not",
            match telltale.as_slice() {
                [one] => format!("{one} writes"),
                more => format!("{} write", more.join(", ")),
            }
        ))
    }
}

/// Set the levels of one proxy; all of them or none.
///
/// # Errors
/// When a logger is unknown, the proxy refuses a level (in its own words), or cannot be asked. Nothing is changed then.
pub async fn set(mesh: &Mesh, target: &PodTarget, wish: &Wish) -> Result<Vec<LogChange>> {
    let before = listed(target, &reach::loggers(mesh, target).await?)?;
    let wish = wish.in_words_of(before.form);
    let after = match before.form {
        Form::Ztunnel => listed(target, &reach::set_loggers(mesh, target, &wish.filter()).await?)?,
        Form::Envoy => {
            known(target, &before, &wish)?;
            envoy(mesh, target, &wish, &before).await?
        }
    };
    check(target, &wish, &after)?;
    Ok(changes(target, &wish, &before, &after))
}

/// The levels that a proxy lists.
fn listed(target: &PodTarget, text: &str) -> Result<Levels> {
    Levels::read(text).ok_or_else(|| {
        Error::new(Kind::BadAnswer, format!("pod {target} does not list its loggers"))
            .hint("something else than a proxy answers on its admin port: was it moved (proxyAdminPort)?")
    })
}

impl Wish {
    /// Envoy says `warning` where ztunnel says `warn`; people say either.
    fn in_words_of(&self, form: Form) -> Self {
        let word = |level: &String| match (level.as_str(), form) {
            ("warn", Form::Envoy) => "warning".to_owned(),
            ("warning", Form::Ztunnel) => "warn".to_owned(),
            _ => level.clone(),
        };
        let some = self.some.iter().map(|(name, level)| (name.clone(), word(level))).collect();
        Self { all: self.all.as_ref().map(word), some }
    }

    /// As a ztunnel takes it: modules with `=`, the level for all alone.
    fn filter(&self) -> String {
        let part = |(name, level): &(String, String)| if name == DEFAULT { level.clone() } else { format!("{name}={level}") };
        let parts: Vec<String> = self.all.iter().cloned().chain(self.some.iter().map(part)).collect();
        format!("level={}", parts.join(","))
    }
}

/// Every logger that is named is there. (A ztunnel lists only the modules that have a level of their own.)
fn known(target: &PodTarget, levels: &Levels, wish: &Wish) -> Result<()> {
    let Some((name, _)) = wish.some.iter().find(|(name, _)| levels.get(name).is_none()) else { return Ok(()) };
    let error = Error::new(Kind::NotFound, format!("pod {target} has no logger {name:?}"));
    let near = closest(name, levels.levels.iter().map(|(name, _)| name.as_str()), 3);
    Err(match near.as_slice() {
        [] => error.hint("`log_levels(pod)` lists them"),
        near => error.hint(format!("did you mean {}? `log_levels(pod)` lists all", near.join(" or "))),
    })
}

/// Set an Envoy's levels. What a later request fails of, the earlier ones set is put back.
async fn envoy(mesh: &Mesh, target: &PodTarget, wish: &Wish, before: &Levels) -> Result<Levels> {
    let mut text = None;
    if let Some(level) = &wish.all {
        let set = reach::set_loggers(mesh, target, &format!("level={level}")).await;
        text = Some(explained(mesh, target, level, set).await?);
    }
    if !wish.some.is_empty() {
        match together(mesh, target, &wish.some).await {
            Ok(answer) => text = Some(answer),
            Err(error) => return Err(put_back(mesh, target, before, error).await),
        }
    }
    listed(target, &text.unwrap_or_default())
}

/// Several in one request, of which an Envoy does all or nothing; one each where it is too old for that (before 1.22).
async fn together(mesh: &Mesh, target: &PodTarget, pairs: &[(String, String)]) -> Result<String> {
    let levels = pairs.iter().map(|(_, level)| level.as_str()).collect::<Vec<_>>().join(" ");
    if pairs.len() > 1 {
        let paths: Vec<String> = pairs.iter().map(|(name, level)| format!("{name}:{level}")).collect();
        let set = reach::set_loggers(mesh, target, &format!("paths={}", paths.join(","))).await;
        match set {
            Err(error) if refused(&error) && !logging_help(mesh, target).await.contains("paths:") => {}
            set => return explained(mesh, target, &levels, set).await,
        }
    }
    let mut text = String::new();
    for (name, level) in pairs {
        let set = reach::set_loggers(mesh, target, &format!("{name}={level}")).await;
        text = explained(mesh, target, level, set).await?;
    }
    Ok(text)
}

/// Whether the proxy itself said no. (Of its refusals pilot-agent only says that there was one.)
fn refused(error: &Error) -> bool {
    matches!(error.kind(), Kind::BadInput | Kind::NotFound | Kind::BadAnswer)
}

/// What the proxy's help says of its page of loggers; nothing where it says nothing.
async fn logging_help(mesh: &Mesh, target: &PodTarget) -> String {
    let help = reach::admin(mesh, target, "/help").await.map(|answer| answer.text().into_owned()).unwrap_or_default();
    let section = help.lines().skip_while(|line| !line.trim_start().starts_with("/logging")).enumerate();
    let section = section.take_while(|(number, line)| *number == 0 || !line.trim_start().starts_with('/'));
    section.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

/// A refusal with the levels that the proxy says it takes.
async fn explained(mesh: &Mesh, target: &PodTarget, typed: &str, set: Result<String>) -> Result<String> {
    let error = match set {
        Err(error) if refused(&error) => error,
        set => return set,
    };
    let help = logging_help(mesh, target).await;
    let words = help.split_once("One of (").and_then(|(_, rest)| rest.split_once(')')).map_or("", |(words, _)| words);
    let words: Vec<&str> = words.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(error);
    }
    let unknown = typed.split(' ').find(|level| !words.contains(level));
    let near = unknown.and_then(|level| closest(level, words.iter().copied(), 1).first().copied());
    let guess = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Err(error.hint(format!("{guess}it takes: {}", words.join(", "))))
}

/// Not half: whatever was set already is what it was before.
async fn put_back(mesh: &Mesh, target: &PodTarget, before: &Levels, error: Error) -> Error {
    let Ok(now) = reach::loggers(mesh, target).await.and_then(|text| listed(target, &text)) else {
        return error
            .cause("what was set before that may still be set: `log_levels(pod)` shows it, `reset_log(pod)` puts it back");
    };
    let changed = |(name, level): &&(String, String)| now.get(name) != Some(level);
    for (name, level) in before.levels.iter().filter(changed) {
        if let Err(also) = reach::set_loggers(mesh, target, &format!("{name}={level}")).await {
            return error.cause(format!("{name} could not be put back to {level} ({also}): `reset_log(pod)` tries again"));
        }
    }
    error
}

fn check(target: &PodTarget, wish: &Wish, after: &Levels) -> Result<()> {
    match wish.some.iter().find(|(name, level)| after.get(name) != Some(level)) {
        Some((name, level)) => Err(Error::new(
            Kind::BadAnswer,
            format!("pod {target} took it, and {name} is {} and not {level}", after.get(name).unwrap_or("unknown")),
        )
        .hint("does somebody else set it too? `log_levels(pod)` shows it")),
        None => Ok(()),
    }
}

/// What was named, and what else changed.
fn changes(target: &PodTarget, wish: &Wish, before: &Levels, after: &Levels) -> Vec<LogChange> {
    let named = |name: &str| wish.some.iter().any(|(wanted, _)| wanted == name);
    let shown = after.levels.iter().filter(|(name, level)| named(name) || before.get(name) != Some(level));
    let change = |(name, level): &(String, String)| LogChange {
        namespace: target.namespace.clone(),
        pod: target.name.clone(),
        logger: name.clone(),
        old: before.get(name).map(str::to_owned),
        level: Some(level.clone()),
    };
    shown.map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const LIST: &str = "pod n/p:15000 POST /logging";
    const HELP: &str = "pod n/p:15000 GET /help";
    const NEW: &str = "admin commands are:\n  /logging (POST): query/change logging levels\n      paths: Change multiple\n      level: desired; One of (, trace, debug, info, warning, error, critical, off)\n  /memory: x\n";
    const OLD: &str = "admin commands are:\n  /logging: query/change logging levels\n  /memory: paths: x\n";
    const BEFORE: &str = "active loggers:\n  http: warning\n  jwt: warning\n  rbac: info\n";

    fn target() -> PodTarget {
        PodTarget { namespace: "n".into(), name: "p".into(), ..PodTarget::default() }
    }

    fn wish(pairs: &[(&str, &str)]) -> Wish {
        Wish::new(pairs.iter().map(|(name, level)| ((*name).into(), (*level).into()))).unwrap()
    }

    fn shown(rows: &[LogChange]) -> Vec<String> {
        let text = |level: &Option<String>| level.clone().unwrap_or_else(|| "-".into());
        rows.iter().map(|row| format!("{} {} {}", row.logger, text(&row.old), text(&row.level))).collect()
    }

    #[test]
    fn several_go_in_one_request() {
        let (mesh, fake) = Fake::new()
            .says(LIST, BEFORE)
            .says(
                &format!("{LIST}?paths=rbac:debug,jwt:warning"),
                "active loggers:\n  http: warning\n  jwt: warning\n  rbac: debug\n",
            )
            .shared();
        let rows = wait(set(&mesh, &target(), &wish(&[("rbac", "debug"), ("jwt", "warn")]))).unwrap();
        assert_eq!(shown(&rows), ["jwt warning warning", "rbac info debug"]);
        assert_eq!(fake.asked().len(), 2);
    }

    #[test]
    fn an_old_envoy_is_asked_once_for_each_and_what_was_set_is_put_back_when_one_fails() {
        let (mesh, fake) = Fake::new()
            .says(LIST, BEFORE)
            .says(LIST, "active loggers:\n  http: warning\n  jwt: warning\n  rbac: debug\n")
            .refuses(&format!("{LIST}?paths=rbac:debug,jwt:loud"), 404, "usage: /logging?<name>=<level>")
            .says(HELP, OLD)
            .says(&format!("{LIST}?rbac=debug"), "active loggers:\n  http: warning\n  jwt: warning\n  rbac: debug\n")
            .refuses(&format!("{LIST}?jwt=loud"), 404, "usage: /logging?<name>=<level>")
            .says(&format!("{LIST}?rbac=info"), BEFORE)
            .shared();
        let error = wait(set(&mesh, &target(), &wish(&[("rbac", "debug"), ("jwt", "loud")]))).unwrap_err();
        assert!(error.message().contains("usage: /logging"), "{error}");
        assert_eq!(fake.asked().last().unwrap(), &format!("{LIST}?rbac=info"));
    }

    #[test]
    fn a_level_that_the_proxy_refuses_is_told_in_its_words_with_those_it_takes() {
        let mesh = Fake::new()
            .says(LIST, BEFORE)
            .refuses(&format!("{LIST}?rbac=debgu"), 400, "error: unknown logger level\n\nusage: …")
            .says(HELP, NEW)
            .mesh();
        let error = wait(set(&mesh, &target(), &wish(&[("rbac", "debgu")]))).unwrap_err();
        assert!(error.message().ends_with("error: unknown logger level"), "{error}");
        assert_eq!(error.next_step(), Some("did you mean debug? it takes: trace, debug, info, warning, error, critical, off"));
    }

    #[test]
    fn an_unknown_logger_is_never_asked_for() {
        let (mesh, fake) = Fake::new().says(LIST, BEFORE).shared();
        let error = wait(set(&mesh, &target(), &wish(&[("rback", "debug")]))).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::NotFound, "pod n/p has no logger \"rback\""));
        assert!(error.next_step().unwrap().starts_with("did you mean rbac?"), "{error:?}");
        assert_eq!(fake.asked(), [LIST]);
    }

    #[test]
    fn a_ztunnel_takes_its_own_form() {
        let mesh = Fake::new()
            .says(LIST, "current log level is hickory_server::server=off,info\n")
            .says(&format!("{LIST}?level=access=debug"), "current log level is access=debug,hickory_server::server=off,info\n")
            .mesh();
        let rows = wait(set(&mesh, &target(), &wish(&[("access", "debug")]))).unwrap();
        assert_eq!(shown(&rows), ["access - debug"]);
        assert_eq!(wish(&[("*", "debug"), ("a::b", "warning")]).in_words_of(Form::Ztunnel).filter(), "level=debug,a::b=warn");
    }

    #[test]
    fn what_is_no_word_is_refused_and_what_tells_tokens_is_warned_of() {
        let new = |name: &str, level: &str| Wish::new([(name.to_owned(), level.to_owned())]);
        for (name, level) in [("a&b", "debug"), ("", "debug"), ("rbac", ""), ("rbac", "debug&jwt=debug"), ("source/*", "debug")] {
            assert_eq!(new(name, level).unwrap_err().kind(), Kind::BadInput, "{name} {level}");
        }
        assert!(new("jwt", "debug").unwrap().warning().unwrap().contains("jwt writes whole tokens"));
        assert!(new("*", "trace").unwrap().warning().unwrap().contains("megabytes"));
        assert_eq!((new("rbac", "info").unwrap().warning(), new("upstream", "debug").unwrap().warning()), (None, None));
    }
}
