//! The way to the Kubernetes API: kubeconfig with contexts and exec plugins, or
//! the service account within a cluster.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kube::config::{ExecInteractiveMode, KubeConfigOptions};
use kube::{Client, Config};

use super::kubeconfig::{self, Trouble};
use crate::base::redact::redact;
use crate::sources::files::unreadable;
use crate::sources::hub::{lock, one_line};

/// Which cluster to look at.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    /// The kubeconfig file; else `KUBECONFIG`, `~/.kube/config`, or the service
    /// account within a cluster.
    pub kubeconfig: Option<PathBuf>,
    /// The context; else the current one.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
}

/// A client that can be made anew when its credentials expire.
pub struct Access {
    options: AccessOptions,
    context: Option<String>,
    slot: Mutex<Slot>,
}

struct Slot {
    client: Client,
    generation: u64,
    made: Instant,
}

/// Credentials are not read again more often than this.
const RENEW_EVERY: Duration = Duration::from_secs(10);

impl Access {
    /// Reads the configuration; asks nothing of the cluster yet. The error is
    /// one line that says what to do.
    pub async fn open(options: AccessOptions) -> Result<Arc<Self>, String> {
        let (client, context) = connect(&options).await?;
        let slot = Mutex::new(Slot { client, generation: 0, made: Instant::now() });
        Ok(Arc::new(Self { options, context, slot }))
    }

    /// With a client that is already made.
    #[must_use]
    pub fn with_client(client: Client, namespace: &str) -> Arc<Self> {
        let options = AccessOptions { namespace: namespace.to_owned(), ..AccessOptions::default() };
        Arc::new(Self { options, context: None, slot: Mutex::new(Slot { client, generation: 0, made: Instant::now() }) })
    }

    /// The namespace that is looked at.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.options.namespace
    }

    /// The context's name; `None` within a cluster.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The kubeconfig that was named, where one was.
    #[must_use]
    pub fn kubeconfig(&self) -> Option<String> {
        self.options.kubeconfig.as_ref().map(|p| p.display().to_string())
    }

    /// The client now, with its number for [`Self::renew`].
    #[must_use]
    pub fn client(&self) -> (Client, u64) {
        let slot = lock(&self.slot);
        (slot.client.clone(), slot.generation)
    }

    /// Reads the configuration again (and so runs exec plugins again) after the
    /// client of `generation` was answered 401. Does nothing when somebody else
    /// has done so, or did moments ago.
    pub async fn renew(&self, generation: u64) -> Result<(), String> {
        {
            let mut slot = lock(&self.slot);
            if slot.generation != generation || slot.made.elapsed() < RENEW_EVERY || self.is_fixed() {
                return Ok(());
            }
            // Claims the turn, so that a dozen streams do not run the plugin at once.
            slot.made = Instant::now();
        }
        let (client, _) = connect(&self.options).await?;
        let mut slot = lock(&self.slot);
        slot.client = client;
        slot.generation += 1;
        Ok(())
    }

    /// True where there is no configuration to read again.
    fn is_fixed(&self) -> bool {
        self.context.is_none() && self.options.kubeconfig.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_none()
    }
}

/// A context of the kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextName {
    /// Its name.
    pub name: String,
    /// The namespace that it names.
    pub namespace: Option<String>,
    /// It is the current one.
    pub current: bool,
}

/// The contexts of the kubeconfig; none where it cannot be read.
#[must_use]
pub fn contexts(kubeconfig: Option<&Path>) -> Vec<ContextName> {
    let read = kubeconfig.map_or_else(|| kubeconfig::read().ok(), |file| kubeconfig::of_file(file).ok());
    let Some(read) = read else { return Vec::new() };
    let current = read.current_context;
    let name = |c: kube::config::NamedContext| ContextName {
        current: current.as_ref() == Some(&c.name),
        namespace: c.context.and_then(|c| c.namespace).filter(|n| !n.is_empty()),
        name: c.name,
    };
    read.contexts.into_iter().map(name).collect()
}

async fn connect(options: &AccessOptions) -> Result<(Client, Option<String>), String> {
    let (mut config, context) = configuration(options).await?;
    // Failures are told and tried again by the sources themselves.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = None;
    let plugin = config.auth_info.exec.as_ref().and_then(|e| e.command.clone());
    // Exec plugins run while the client is made.
    let client = tokio::task::spawn_blocking({
        let runtime = tokio::runtime::Handle::current();
        move || {
            let _guard = runtime.enter();
            Client::try_from(config)
        }
    });
    let client = tokio::time::timeout(Duration::from_secs(60), client)
        .await
        .map_err(|_| {
            let by = plugin.as_ref().map(|p| format!(" from the kubeconfig's exec plugin '{p}'; log in again with it")).unwrap_or_default();
            format!("no credentials within 60 s{by}")
        })?
        .map_err(|e| format!("the Kubernetes client could not be made: {e}"))?
        .map_err(|e| one_line(&refused(&e, plugin.as_deref())))?;
    Ok((client, context))
}

async fn configuration(options: &AccessOptions) -> Result<(Config, Option<String>), String> {
    let read = match &options.kubeconfig {
        Some(path) => {
            std::fs::File::open(path).map_err(|e| {
                format!("--kubeconfig: {}; without it the default one is read; sp1top demo needs none", unreadable(path, &e))
            })?;
            kubeconfig::of_file(path).map_err(|why| {
                let path = path.display();
                one_line(&format!("kubeconfig {why}; does kubectl --kubeconfig {path} config view read it?"))
            })?
        }
        None => match kubeconfig::read() {
            Ok(k) => k,
            Err(trouble) => {
                let Ok(config) = Config::incluster() else {
                    return Err(one_line(&match trouble {
                        Trouble::Missing(why) => format!(
                            "no cluster to look at: {why}; pass --kubeconfig FILE, set KUBECONFIG, or use --no-kube with --coordinator-rpc and --log; sp1top demo needs no cluster"
                        ),
                        Trouble::Broken(why) => {
                            format!("kubeconfig {why}; does kubectl config view read it? sp1top demo needs no cluster")
                        }
                    }));
                };
                return Ok((config, None));
            }
        },
    };
    let mut read = read;
    for user in &mut read.auth_infos {
        // A plugin must not take the terminal's keys or write over the screen.
        if let Some(exec) = user.auth_info.as_mut().and_then(|a| a.exec.as_mut()) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let context = options.context.clone().or_else(|| read.current_context.clone());
    let known: Vec<&str> = read.contexts.iter().map(|c| c.name.as_str()).collect();
    if known.is_empty() {
        return Err(
            "the kubeconfig has no contexts (kubectl config get-contexts lists them); pass another with --kubeconfig, or try sp1top demo"
                .into(),
        );
    }
    let missing = context.as_ref().is_some_and(|c| !known.contains(&c.as_str()));
    let known = few(&known);
    let wanted = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(read, &wanted).await.map_err(|e| {
        let why = chain(&e);
        one_line(&match &context {
            Some(c) if missing => {
                format!("kubeconfig: there is no context '{c}'; contexts there are: {known}; pass one with --context, or try sp1top demo")
            }
            Some(c) => format!("kubeconfig: context '{c}': {why}; does kubectl --context {c} get pods work? sp1top demo needs no cluster"),
            None => format!("kubeconfig: {why}; pass --context with one of: {known}"),
        })
    })?;
    Ok((config, context))
}

/// The first ones of a list: what to do about it must have room behind it.
fn few(names: &[&str]) -> String {
    let mut shown = 0;
    let mut length = 0;
    while shown < names.len() && (shown == 0 || length + names[shown].len() < 120) {
        length += names[shown].len() + 2;
        shown += 1;
    }
    let list = names[..shown].join(", ");
    match names.len() - shown {
        0 => list,
        n => format!("{list} and {n} more"),
    }
}

/// Why no client could be made; a login program's failure in its own words.
fn refused(error: &kube::Error, plugin: Option<&str>) -> String {
    use kube::client::AuthError;
    let plugin = plugin.unwrap_or("?");
    match error {
        kube::Error::Auth(AuthError::AuthExecStart(e)) => {
            format!("the kubeconfig's exec plugin is '{plugin}', which cannot be run: {e}; install it, or put it on the PATH")
        }
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.lines().rfind(|l| !l.trim().is_empty()).map(|l| format!(": {}", l.trim())).unwrap_or_default();
            let status = out.status;
            format!(
                "the kubeconfig's exec plugin is '{plugin}', which failed ({status}{said}); log in again with it, then see that kubectl get pods works"
            )
        }
        e => format!("the Kubernetes client could not be made: {}", chain(e)),
    }
}

/// An error with its causes in one line, without secrets; a cause that its
/// error already tells is left out.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = e.source();
    }
    redact(&text).into_owned()
}
