//! Changes of the cluster, asked for from the screen and confirmed there: looked
//! at first, made only while nobody else has changed the object meanwhile, and
//! written to a journal.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::access::{Access, chain};
use crate::base::change::{Change, ChangeNews, Difference, Order, Progress};
use crate::envelope::Kind;
use crate::parse::payload::env;
use crate::sources::hub::{Clock as _, Port, WallClock, one_line};

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether and how changes are made.
#[derive(Clone, Debug, Default)]
pub struct ChangeOptions {
    /// They are all refused.
    pub read_only: bool,
    /// Where they are written down; `None` for nowhere.
    pub journal: Option<PathBuf>,
}

/// Does what was ordered and tells of it.
pub async fn carry_out(order: Order, access: Option<Arc<Access>>, options: ChangeOptions, port: Port) {
    let (id, change) = match &order {
        Order::Look { id, change } | Order::Apply { id, change, .. } => (*id, change.clone()),
    };
    let progress = match access {
        _ if options.read_only => Progress::Refused("sp1top was started with --read-only".into()),
        None => Progress::Refused("there is no Kubernetes here (--no-kube): copy the command instead".into()),
        Some(access) => match order {
            Order::Look { .. } => look(&access, &change).await,
            Order::Apply { version, .. } => {
                let before = entry(&access, &change, "asked", "");
                if let Err(why) = write(options.journal.as_ref(), &before) {
                    // What cannot be written down is not done.
                    Progress::Failed(why)
                } else {
                    let done = apply(&access, &change, &version).await;
                    let (state, text) = match &done {
                        Progress::Done(t) => ("done", t.as_str()),
                        Progress::Failed(t) | Progress::Refused(t) => ("failed", t.as_str()),
                        Progress::Ready { .. } => ("", ""),
                    };
                    let _ = write(options.journal.as_ref(), &entry(&access, &change, state, text));
                    done
                }
            }
        },
    };
    let news = ChangeNews { id, change, progress };
    let _ = port.send(Kind::Effect, serde_json::to_vec(&news).unwrap_or_default()).await;
}

/// A line of the journal.
fn entry(access: &Access, change: &Change, state: &str, text: &str) -> Value {
    json!({
        "schema": "sp1top.journal/1",
        "at": WallClock.now(),
        "context": access.context(),
        "namespace": access.namespace(),
        "state": state,
        "change": change,
        "text": text,
    })
}

fn write(journal: Option<&PathBuf>, line: &Value) -> Result<(), String> {
    let Some(path) = journal else { return Ok(()) };
    let put = || -> std::io::Result<()> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut f = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        f.write_all(format!("{line}\n").as_bytes())?;
        f.sync_all()
    };
    put().map_err(|e| format!("the journal {} cannot be written: {e}", path.display()))
}

fn reason(e: &kube::Error) -> String {
    match e {
        kube::Error::Api(s) if s.code == 404 => "it is not there (any more)".into(),
        kube::Error::Api(s) if s.code == 409 => "somebody else changed it meanwhile: look again".into(),
        kube::Error::Api(s) => one_line(&format!("the API server answered {}: {}", s.code, s.message)),
        e => one_line(&chain(e)),
    }
}

async fn within<T>(work: impl Future<Output = Result<T, kube::Error>>) -> Result<T, String> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done.map_err(|e| reason(&e)),
        Err(_) => Err(format!("the API server does not answer within {} s", LIMIT.as_secs())),
    }
}

/// The right that a change needs: verb, group, resource.
const fn right(change: &Change) -> (&'static str, &'static str, &'static str) {
    match change {
        Change::DeletePod { .. } => ("delete", "", "pods"),
        _ => ("patch", "apps", "deployments"),
    }
}

async fn allowed(client: Client, namespace: &str, change: &Change) -> Result<(), String> {
    let (verb, group, resource) = right(change);
    let attributes = ResourceAttributes {
        verb: Some(verb.into()),
        group: Some(group.into()),
        resource: Some(resource.into()),
        namespace: Some(namespace.into()),
        name: Some(change.name().into()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = within(Api::<SelfSubjectAccessReview>::all(client).create(&PostParams::default(), &review)).await?;
    if answer.status.is_some_and(|s| s.allowed) {
        return Ok(());
    }
    let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    Err(format!(
        "this user may not {verb} {full} in namespace {namespace}; ask for that right, or copy the command for somebody who has it"
    ))
}

/// What a change would change.
async fn look(access: &Access, change: &Change) -> Progress {
    let client = access.client().0;
    if let Err(why) = allowed(client.clone(), access.namespace(), change).await {
        return Progress::Refused(why);
    }
    let read = match change {
        Change::DeletePod { pod } => within(Api::<Pod>::namespaced(client, access.namespace()).get(pod)).await.map(|p| of_pod(&p)),
        _ => within(Api::<Deployment>::namespaced(client, access.namespace()).get(change.name())).await.map(|d| of_deployment(&d, change)),
    };
    match read {
        Ok((differences, interrupts, version)) => Progress::Ready { differences, interrupts, version },
        Err(why) => Progress::Refused(format!("{}: {why}", change.name())),
    }
}

fn of_pod(p: &Pod) -> (Vec<Difference>, bool, String) {
    let phase = p.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_else(|| "unknown".into());
    let node = p.spec.as_ref().and_then(|s| s.node_name.clone()).map(|n| format!(" on {n}")).unwrap_or_default();
    let name = p.metadata.name.clone().unwrap_or_default();
    let difference = Difference { what: format!("pod {name}"), from: Some(format!("{phase}{node}")), to: None };
    (vec![difference], true, p.metadata.uid.clone().unwrap_or_default())
}

/// The container that is the component: the one of the deployment's name, else
/// the first.
fn container(d: &Deployment) -> Option<&Container> {
    let list = &d.spec.as_ref()?.template.spec.as_ref()?.containers;
    list.iter().find(|c| Some(&c.name) == d.metadata.name.as_ref()).or_else(|| list.first())
}

/// What counts changes of the specification: the resourceVersion changes with
/// each word of the status too.
fn spec_version(d: &Deployment) -> String {
    let generation = d.metadata.generation.map(|g| format!("generation {g}"));
    generation.or_else(|| d.metadata.resource_version.clone()).unwrap_or_default()
}

fn of_deployment(d: &Deployment, change: &Change) -> (Vec<Difference>, bool, String) {
    let name = d.metadata.name.clone().unwrap_or_default();
    let version = spec_version(d);
    let (c, replicas) = (container(d), d.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1));
    let mut out = Vec::new();
    let mut put = |what: String, from: Option<String>, to: Option<String>| {
        if from != to {
            out.push(Difference { what, from, to });
        }
    };
    let mut interrupts = replicas > 0;
    match change {
        Change::Env { set, .. } => {
            for (key, value) in set {
                let now = c.and_then(|c| c.env.as_ref()?.iter().find(|e| e.name == *key));
                let from = now.map(|e| match (&e.value, &e.value_from) {
                    (_, Some(_)) => "(from a secret or config map)".to_owned(),
                    (v, None) if env::is_allowed(key) => v.clone().unwrap_or_default(),
                    _ => "***".to_owned(),
                });
                put(format!("deploy/{name}: {key}"), from, Some(value.clone()));
            }
        }
        Change::Memory { limit, .. } => {
            let resources = c.and_then(|c| c.resources.as_ref());
            let of = |list: Option<&std::collections::BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>>| {
                list.and_then(|l| l.get("memory")).map(|q| q.0.clone())
            };
            put(format!("deploy/{name}: memory limit"), of(resources.and_then(|r| r.limits.as_ref())), Some(limit.clone()));
            put(format!("deploy/{name}: memory request"), of(resources.and_then(|r| r.requests.as_ref())), Some(limit.clone()));
        }
        Change::Scale { replicas: to, .. } => {
            put(format!("deploy/{name}: replicas"), Some(replicas.to_string()), Some(to.to_string()));
            interrupts = i64::from(*to) < i64::from(replicas);
        }
        Change::Restart { .. } => {
            put(
                format!("pods of deploy/{name}"),
                Some(format!("{replicas} as they run")),
                Some(format!("{replicas} new ones, one after the other")),
            );
        }
        Change::DeletePod { .. } => {}
    }
    (out, interrupts, version)
}

/// Makes a change, unless the object is no longer the one that was shown.
async fn apply(access: &Access, change: &Change, version: &str) -> Progress {
    let client = access.client().0;
    if let Err(why) = allowed(client.clone(), access.namespace(), change).await {
        return Progress::Refused(why);
    }
    if let Change::DeletePod { pod } = change {
        let uid = Some(version.to_owned()).filter(|v| !v.is_empty());
        let params = DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..DeleteParams::default() };
        return match within(Api::<Pod>::namespaced(client, access.namespace()).delete(pod, &params)).await {
            Ok(_) => Progress::Done(format!("pod {pod} is being deleted; its deployment makes another one")),
            Err(why) => Progress::Failed(format!("{pod}: {why}")),
        };
    }
    let api = Api::<Deployment>::namespaced(client, access.namespace());
    let name = change.name();
    let now = match within(api.get(name)).await {
        Ok(d) => d,
        Err(why) => return Progress::Failed(format!("{name}: {why}")),
    };
    let Some(main) = container(&now).map(|c| c.name.clone()) else {
        return Progress::Failed(format!("{name} has no container"));
    };
    let mut patch = patch(change, &main);
    let (shown, _, _) = of_deployment(&now, change);
    if shown.is_empty() {
        return Progress::Done("it is already so".into());
    }
    if spec_version(&now) != version {
        return Progress::Failed(format!("{name}: somebody else changed it meanwhile: look again"));
    }
    patch["metadata"]["resourceVersion"] = json!(now.metadata.resource_version);
    match within(api.patch(name, &PatchParams::default(), &Patch::Strategic(patch))).await {
        Ok(_) => Progress::Done(match change {
            Change::Scale { replicas, .. } => format!("{name} is scaled to {replicas}"),
            _ => format!("{name} is changed; its pods are being replaced"),
        }),
        Err(why) => Progress::Failed(format!("{name}: {why}")),
    }
}

/// The strategic merge patch of a change.
fn patch(change: &Change, container: &str) -> Value {
    let of_container = |more: Value| {
        let mut c = json!({"name": container});
        for (k, v) in more.as_object().into_iter().flatten() {
            c[k] = v.clone();
        }
        json!({"spec": {"template": {"spec": {"containers": [c]}}}})
    };
    match change {
        Change::Env { set, .. } => {
            let env: Vec<_> = set.iter().map(|(k, v)| json!({"name": k, "value": v, "valueFrom": null})).collect();
            of_container(json!({"env": env}))
        }
        Change::Memory { limit, .. } => of_container(json!({"resources": {"limits": {"memory": limit}, "requests": {"memory": limit}}})),
        Change::Scale { replicas, .. } => json!({"spec": {"replicas": replicas}}),
        Change::Restart { .. } => {
            json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": WallClock.now().to_string()}}}}})
        }
        Change::DeletePod { .. } => json!({}),
    }
}
