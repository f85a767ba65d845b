//! Which cluster to ask, and as whom: flags, kubeconfig files, or the pod that pilotage runs in.

use super::{Resolve, proxy};
use crate::error::{Error, Kind, Result};
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach a cluster and the world. What is left out comes from the environment, as with kubectl:
/// `KUBECONFIG`, `~/.kube/config`, the service account of a pod, proxy variables.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The kubeconfig file to read in place of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context to use in place of the current one.
    pub context: Option<String>,
    /// The cluster to use in place of the context's.
    pub cluster: Option<String>,
    /// The user to be in place of the context's.
    pub user: Option<String>,
    /// Whom to act as, if that user may.
    pub acting: Acting,
    /// The namespace to use in place of the context's.
    pub namespace: Option<String>,
    /// Hosts that live elsewhere than the DNS says.
    pub resolve: Vec<Resolve>,
    /// How long to wait for an answer, and for each next part of a long one.
    pub timeout: Duration,
}

/// Whom to act as: the API server answers as it would answer them, if the user at hand may impersonate them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acting {
    /// The user.
    pub user: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
}

impl std::fmt::Display for Acting {
    /// `as jane of ops, dev`; nothing where nobody else is acted as.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            None => Ok(()),
            Some(user) if self.groups.is_empty() => write!(f, "as {user}"),
            Some(user) => write!(f, "as {user} of {}", self.groups.join(", ")),
        }
    }
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            cluster: None,
            user: None,
            acting: Acting::default(),
            namespace: None,
            resolve: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }
}

impl Connect {
    /// Whether the user named a cluster, so that not finding it must be said at once.
    pub(super) fn is_explicit(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some() || self.cluster.is_some() || self.user.is_some()
    }
}

/// A way to one cluster.
#[derive(Clone)]
pub(super) struct Access {
    /// The context's name, or `in-cluster`.
    pub(super) cluster: String,
    pub(super) config: Config,
}

impl std::fmt::Debug for Access {
    /// Without the configuration: it holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access({} at {})", self.cluster, self.server())
    }
}

impl Access {
    /// The API server's URL, and the proxy that leads there; without users and passwords.
    pub(super) fn server(&self) -> String {
        let server = proxy::shown(&self.config.cluster_url);
        match &self.config.proxy_url {
            Some(proxy) => format!("{server} (through the proxy {})", proxy::shown(proxy)),
            None => server,
        }
    }

    /// Read the configuration of the same cluster again: the user may have logged in meanwhile.
    pub(super) async fn renewed(&self, connect: &Connect) -> Self {
        let same = Connect { context: Some(self.cluster.clone()), ..connect.clone() };
        Self::find(&same).await.unwrap_or_else(|_| self.clone())
    }

    /// Find the way to the cluster. Nothing is sent yet.
    pub(super) async fn find(connect: &Connect) -> Result<Self> {
        let sources = Sources::of(connect);
        let mut access = match sources.read()? {
            Some(kubeconfig) => from_kubeconfig(kubeconfig, connect, &sources).await?,
            None if in_pod() => from_pod(connect)?,
            None => return Err(sources.nothing_found()),
        };
        access.config.connect_timeout = Some(super::patience::Patience::connect(connect.timeout));
        access.config.write_timeout = Some(connect.timeout);
        // kube would repeat a refused request for minutes; `kube_http` repeats with measure.
        access.config.default_retry = false;
        if connect.acting.user.is_some() {
            access.config.auth_info.impersonate.clone_from(&connect.acting.user);
            access.config.auth_info.impersonate_groups = Some(connect.acting.groups.clone());
        }
        if let Some(namespace) = &connect.namespace {
            access.config.default_namespace.clone_from(namespace);
        }
        Ok(access)
    }
}

/// The kubeconfig files that count, and how each was found.
struct Sources {
    files: Vec<PathBuf>,
    looked: Vec<String>,
}

impl Sources {
    fn of(connect: &Connect) -> Self {
        if let Some(file) = &connect.kubeconfig {
            // Several, as KUBECONFIG lists them: what an ended session read.
            if !file.exists() && std::env::split_paths(file).count() > 1 {
                return Self::of_environment(Some(file.clone().into_os_string()), None);
            }
            return Self { files: vec![file.clone()], looked: Vec::new() };
        }
        Self::of_environment(std::env::var_os("KUBECONFIG"), dirs::home_dir())
    }

    fn of_environment(listed: Option<OsString>, home: Option<PathBuf>) -> Self {
        let mut looked = vec!["--kubeconfig is not given".to_owned()];
        let listed = listed.filter(|list| !list.is_empty());
        let candidates: Vec<PathBuf> = match &listed {
            Some(list) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => {
                looked.push("KUBECONFIG is not set".to_owned());
                home.map(|home| home.join(".kube").join("config")).into_iter().collect()
            }
        };
        let (files, missing): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|path| path.exists());
        let from = if listed.is_some() { " (from KUBECONFIG)" } else { "" };
        looked.extend(missing.iter().map(|path| format!("{}{from} does not exist", path.display())));
        Self { files, looked }
    }

    /// All files merged, the first to say something wins. `None` when there is no file.
    fn read(&self) -> Result<Option<Kubeconfig>> {
        let mut merged: Option<Kubeconfig> = None;
        for file in &self.files {
            let unreadable = |error: KubeconfigError| match &error {
                KubeconfigError::ReadConfig(io, _) => {
                    Error::new(Kind::NoCluster, format!("the kubeconfig {} cannot be read", file.display())).cause(io).hint(
                        "is the path right? it comes from --kubeconfig or KUBECONFIG; --tape FILE and --demo need no cluster",
                    )
                }
                _ => Error::new(Kind::NoCluster, format!("the kubeconfig {} cannot be used", file.display()))
                    .caused_by(&error)
                    .hint("see it with `kubectl config view`, or name another with --kubeconfig"),
            };
            let next = Kubeconfig::read_from(file).map_err(unreadable)?;
            merged = Some(match merged {
                Some(first) => first.merge(next).map_err(unreadable)?,
                None => next,
            });
        }
        Ok(merged)
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        names.join(", ")
    }

    fn nothing_found(&self) -> Error {
        let mut error = Error::new(Kind::NoCluster, "there is no way to a cluster: no kubeconfig was found");
        for place in &self.looked {
            error = error.cause(place);
        }
        error
            .cause("this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set)")
            .hint("log in to the cluster (oc login, gcloud, aws, az), or give --kubeconfig FILE; --tape FILE and --demo need no cluster")
    }
}

/// A context of a kubeconfig.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextOf {
    /// Its name.
    pub name: String,
    /// The cluster that it leads to, by the name that the kubeconfig gives it.
    pub cluster: String,
    /// Its API server, without user and password; empty where the kubeconfig does not say.
    pub server: String,
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Whether it is the kubeconfig's current one.
    pub current: bool,
}

/// The contexts that there are, in the order of the kubeconfig; nothing is asked. Without any kubeconfig there are none.
///
/// # Errors
/// When a kubeconfig cannot be read.
pub fn contexts(connect: &Connect) -> Result<Vec<ContextOf>> {
    let Some(kubeconfig) = Sources::of(connect).read()? else { return Ok(Vec::new()) };
    let server = |cluster: &str| {
        let named = kubeconfig.clusters.iter().find(|one| one.name == cluster);
        let url = named.and_then(|named| named.cluster.as_ref()?.server.clone()).unwrap_or_default();
        // What is no URL may still hold a password.
        url.parse().map_or_else(|_| String::new(), |url| proxy::shown(&url))
    };
    let told = kubeconfig.contexts.iter().map(|named| {
        let context = named.context.clone().unwrap_or_default();
        ContextOf {
            name: named.name.clone(),
            server: server(&context.cluster),
            cluster: context.cluster,
            namespace: context.namespace.filter(|name| !name.is_empty()),
            current: kubeconfig.current_context.as_ref() == Some(&named.name),
        }
    });
    Ok(told.collect())
}

async fn from_kubeconfig(kubeconfig: Kubeconfig, connect: &Connect, sources: &Sources) -> Result<Access> {
    let chosen = connect.context.clone().or_else(|| kubeconfig.current_context.clone()).filter(|name| !name.is_empty());
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let Some(cluster) = chosen else {
        return Err(no_context(format!("the kubeconfig {} has no current context", sources.names()), &known));
    };
    if !known.contains(&cluster) {
        return Err(no_context(format!("the kubeconfig {} has no context {cluster:?}", sources.names()), &known));
    }
    let clusters: Vec<&str> = kubeconfig.clusters.iter().map(|one| one.name.as_str()).collect();
    let users: Vec<&str> = kubeconfig.auth_infos.iter().map(|one| one.name.as_str()).collect();
    for (what, name, known) in [("cluster", &connect.cluster, clusters), ("user", &connect.user, users)] {
        if let Some(name) = name.as_deref().filter(|name| !known.contains(name)) {
            return Err(Error::new(Kind::NoCluster, format!("the kubeconfig {} has no {what} {name:?}", sources.names()))
                .hint(format!("choose one with --{what}: {}", known.join(", "))));
        }
    }
    let own_proxy = has_proxy(&kubeconfig, &cluster, connect.cluster.as_deref());
    let options =
        KubeConfigOptions { context: Some(cluster.clone()), cluster: connect.cluster.clone(), user: connect.user.clone() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| {
        Error::new(Kind::NoCluster, format!("the context {cluster:?} of {} cannot be used", sources.names()))
            .caused_by(&error)
            .hint("see it with `kubectl config view --context`, or choose another with --context")
    })?;
    proxy::correct(&mut config, own_proxy);
    Ok(Access { cluster, config })
}

fn has_proxy(kubeconfig: &Kubeconfig, context: &str, cluster: Option<&str>) -> bool {
    let context = kubeconfig.contexts.iter().find(|one| one.name == context).and_then(|one| one.context.as_ref());
    let name = cluster.or_else(|| context.map(|context| context.cluster.as_str()));
    let cluster = kubeconfig.clusters.iter().find(|one| Some(one.name.as_str()) == name);
    cluster.and_then(|one| one.cluster.as_ref()?.proxy_url.as_ref()).is_some_and(|url| !url.is_empty())
}

fn no_context(message: String, known: &[String]) -> Error {
    let hint = match known {
        [] => "it has no contexts at all: log in to the cluster first (oc login, gcloud, aws, az)".to_owned(),
        known => format!("choose one with --context: {}", known.join(", ")),
    };
    Error::new(Kind::NoCluster, message).hint(hint)
}

fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn from_pod(connect: &Connect) -> Result<Access> {
    if let Some(context) = &connect.context {
        return Err(no_context(format!("there is no context {context:?}: no kubeconfig was found"), &[]));
    }
    for (what, name) in [("cluster", &connect.cluster), ("user", &connect.user)] {
        if let Some(name) = name {
            return Err(no_context(format!("there is no {what} {name:?}: no kubeconfig was found"), &[]));
        }
    }
    let config = Config::incluster().map_err(|error| {
        Error::new(Kind::NoCluster, "the pod's service account cannot be used")
            .caused_by(&error)
            .hint("mount it (automountServiceAccountToken: true), or give --kubeconfig FILE")
    })?;
    Ok(Access { cluster: "in-cluster".into(), config })
}

/// The names of contexts, clusters and users that a kubeconfig has, for completion. One that cannot be read has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The contexts.
    pub contexts: Vec<String>,
    /// The clusters.
    pub clusters: Vec<String>,
    /// The users.
    pub users: Vec<String>,
}

/// What can be chosen of this kubeconfig, or else of the usual ones.
pub fn names(kubeconfig: Option<PathBuf>) -> Names {
    let sources = Sources::of(&Connect { kubeconfig, ..Connect::default() });
    let Ok(Some(kubeconfig)) = sources.read() else { return Names::default() };
    Names {
        contexts: kubeconfig.contexts.into_iter().map(|one| one.name).collect(),
        clusters: kubeconfig.clusters.into_iter().map(|one| one.name).collect(),
        users: kubeconfig.auth_infos.into_iter().map(|one| one.name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("pilotage-connect-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const TWO: &str = r#"
apiVersion: v1
kind: Config
clusters:
- {name: c, cluster: {server: "http://127.0.0.1:1"}}
contexts:
- {name: lab, context: {cluster: c, namespace: shop}}
- {name: prod, context: {cluster: c}}
- {name: torn, context: {cluster: nowhere}}
"#;

    async fn find(kubeconfig: PathBuf, context: Option<&str>) -> Result<Access> {
        let connect = Connect { kubeconfig: Some(kubeconfig), context: context.map(Into::into), ..Connect::default() };
        Access::find(&connect).await
    }

    #[tokio::test]
    async fn the_context_gives_name_and_namespace() {
        let folder = Folder::new("context");
        let file = folder.file("config", TWO);
        let access = find(file.clone(), Some("lab")).await.unwrap();
        assert_eq!((access.cluster.as_str(), access.config.default_namespace.as_str()), ("lab", "shop"));
        assert!(!access.config.default_retry);

        let connect = Connect {
            kubeconfig: Some(file),
            context: Some("lab".into()),
            namespace: Some("other".into()),
            ..Connect::default()
        };
        assert_eq!(Access::find(&connect).await.unwrap().config.default_namespace, "other");
    }

    #[test]
    fn contexts_are_listed_with_where_they_lead() {
        let folder = Folder::new("list");
        let connect =
            Connect { kubeconfig: Some(folder.file("config", &format!("current-context: prod{TWO}"))), ..Connect::default() };
        let listed = contexts(&connect).unwrap();
        let told: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.namespace.as_deref(), one.current)).collect();
        assert_eq!(told, [("lab", Some("shop"), false), ("prod", None, true), ("torn", None, false)]);
        assert_eq!((listed[0].server.as_str(), listed[2].server.as_str()), ("http://127.0.0.1:1", ""));
    }

    #[tokio::test]
    async fn a_missing_context_lists_those_there_are() {
        let folder = Folder::new("missing");
        let file = folder.file("config", TWO);
        for (context, says) in [(None, "has no current context"), (Some("labb"), "has no context \"labb\"")] {
            let error = find(file.clone(), context).await.expect_err(says);
            assert_eq!(error.kind(), Kind::NoCluster);
            assert!(error.message().contains(says), "{error}");
            assert_eq!(error.next_step(), Some("choose one with --context: lab, prod, torn"));
        }
    }

    #[tokio::test]
    async fn an_unusable_kubeconfig_names_the_file() {
        let folder = Folder::new("unusable");
        let broken = folder.file("broken", "contexts: [");
        let absent = folder.0.join("absent");
        for file in [&broken, &absent] {
            let error = find(file.clone(), None).await.expect_err("it cannot be used");
            assert_eq!(error.kind(), Kind::NoCluster);
            assert!(error.message().contains(&file.display().to_string()), "{error}");
            assert!(!error.causes().is_empty(), "{error}");
        }
        let error = find(folder.file("torn", TWO), Some("torn")).await.expect_err("its cluster is missing");
        assert!(error.to_string().contains("nowhere"), "{error}");
        let error = find(folder.file("empty", ""), None).await.expect_err("it is empty");
        assert!(error.next_step().is_some_and(|hint| hint.contains("no contexts at all")), "{error:?}");
    }

    #[tokio::test]
    async fn another_cluster_and_user_of_the_kubeconfig_can_be_chosen() {
        let folder = Folder::new("overridden");
        let two = format!("{TWO}users:\n- {{name: me, user: {{token: mine}}}}\n- {{name: you, user: {{token: yours}}}}\n")
            .replace("clusters:\n", "clusters:\n- {name: other, cluster: {server: \"http://127.0.0.1:2\"}}\n");
        let file = folder.file("config", &two);
        let connect = Connect {
            kubeconfig: Some(file),
            context: Some("lab".into()),
            cluster: Some("other".into()),
            user: Some("you".into()),
            acting: Acting { user: Some("jane".into()), groups: vec!["ops".into()] },
            ..Connect::default()
        };
        let access = Access::find(&connect).await.unwrap();
        assert_eq!((access.cluster.as_str(), access.config.cluster_url.to_string().as_str()), ("lab", "http://127.0.0.1:2/"));
        let auth = &access.config.auth_info;
        assert!(auth.token.is_some() && auth.impersonate.as_deref() == Some("jane"), "{auth:?}");
        assert_eq!(auth.impersonate_groups.as_deref(), Some(&["ops".to_owned()][..]));
        let error =
            Access::find(&Connect { cluster: Some("othr".into()), ..connect.clone() }).await.expect_err("no such cluster");
        assert!(
            error.message().contains("no cluster \"othr\"") && error.next_step() == Some("choose one with --cluster: other, c"),
            "{error:?}"
        );
        let error = Access::find(&Connect { user: Some("her".into()), ..connect }).await.expect_err("no such user");
        assert!(error.next_step() == Some("choose one with --user: me, you"), "{error:?}");
    }

    #[test]
    fn without_any_kubeconfig_every_place_looked_at_is_named() {
        let folder = Folder::new("nothing");
        let listed = Sources::of_environment(Some("/no/such/file".into()), None);
        let home = Sources::of_environment(None, Some(folder.0.clone()));
        for (sources, place) in [(listed, "/no/such/file (from KUBECONFIG) does not exist"), (home, "KUBECONFIG is not set")] {
            assert!(sources.read().unwrap().is_none());
            let error = sources.nothing_found();
            assert_eq!(error.kind(), Kind::NoCluster);
            for place in ["--kubeconfig is not given", place, "KUBERNETES_SERVICE_HOST"] {
                assert!(error.to_string().contains(place), "{error}");
            }
        }
        let error = Sources::of_environment(None, Some(folder.0.clone())).nothing_found();
        assert!(error.to_string().contains(&format!("{} does not exist", folder.0.join(".kube/config").display())), "{error}");
    }

    #[test]
    fn a_list_of_kubeconfigs_is_merged_and_its_gaps_do_not_matter() {
        let folder = Folder::new("merged");
        let first = folder.file("first", "current-context: lab\ncontexts: [{name: mine, context: {cluster: c}}]\n");
        let second = folder.file("second", &format!("current-context: prod{TWO}"));
        let list = std::env::join_paths([first, folder.0.join("absent"), second]).unwrap();
        let merged = Sources::of_environment(Some(list), None).read().unwrap().unwrap();
        assert_eq!(merged.current_context.as_deref(), Some("lab"), "the first to say something wins");
        let names: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
        assert_eq!(names, ["mine", "lab", "prod", "torn"]);
    }
}
