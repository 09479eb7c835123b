//! What changes the cluster: patches of deployments, scale, delete.

use std::collections::BTreeMap;

use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::request::{Asked, Target};
use super::respond::{self, Body};
use super::{Api, list, merge};
use crate::base::PodName;
use crate::sim::serve::objects::DEFAULT_SHM;
use crate::sim::serve::objects::workload::Extra;
use crate::sim::serve::resources::Resource;
use crate::sim::serve::world::State;
use crate::sim::{Command, Release, Template};

pub async fn answer(api: &Api, asked: &Asked, target: &Target, kind: &Resource, request: Request<Incoming>) -> Response<Body> {
    let method = request.method().clone();
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let dry = asked.get("dryRun").is_some();
    api.world.with(|s| match (kind.plural, &method, target.sub.as_deref()) {
        _ if target.namespace.as_deref() != Some(s.cluster.namespace()) => respond::not_found(target),
        ("pods", &Method::DELETE, None) => delete_pod(s, target, dry),
        ("deployments", &Method::PATCH | &Method::PUT, sub @ (None | Some("scale"))) => {
            let Ok(patch) = serde_json::from_slice::<Value>(&body) else {
                return respond::status(400, "BadRequest", "the request's body is no JSON");
            };
            change(s, target, &patch, if method == Method::PUT { None } else { Some(&media) }, sub.is_some(), dry)
        }
        _ => respond::status(405, "MethodNotAllowed", "the simulated cluster does not allow this method on the requested resource"),
    })
}

fn delete_pod(s: &mut State, target: &Target, dry: bool) -> Response<Body> {
    let name = target.name.as_deref().unwrap_or_default();
    let found = PodName::read(name.as_bytes()).filter(|_| s.store.get("pods", name).is_some());
    let Some(pod) = found else { return respond::not_found(target) };
    if !dry {
        // A pod that is already on its way out stays so.
        let _ = s.cluster.command(Command::DeletePod(crate::sim::Target::Pod(pod)));
        s.sync();
    }
    match s.store.get("pods", name) {
        Some(o) => respond::json(&o.value),
        None => respond::json(
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {"name": name, "kind": "pods"}}),
        ),
    }
}

/// Changes a deployment; `media` is the patch's, `None` for a replacement.
fn change(s: &mut State, target: &Target, patch: &Value, media: Option<&str>, of_scale: bool, dry: bool) -> Response<Body> {
    let name = target.name.as_deref().unwrap_or_default();
    let Some(before) = s.store.get("deployments", name).cloned() else { return respond::not_found(target) };
    let invalid = |message: &str| respond::status(422, "Invalid", &format!("Deployment.apps \"{name}\" is invalid: {message}"));
    let mut wanted = if of_scale { list::scale(&before.value) } else { before.value.clone() };
    match media {
        Some(media) => {
            if let Err(e) = merge::apply(&mut wanted, patch, media) {
                return respond::status(400, "BadRequest", &e);
            }
        }
        None => wanted = patch.clone(),
    }
    let version = wanted["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if !version.is_empty() && version != before.version.to_string() {
        let message = format!(
            "Operation cannot be fulfilled on deployments.apps \"{name}\": the object has been modified; please apply your changes to the latest version and try again"
        );
        return respond::status(409, "Conflict", &message);
    }
    if of_scale {
        let mut whole = before.value.clone();
        whole["spec"]["replicas"] = wanted["spec"]["replicas"].clone();
        wanted = whole;
    }
    let plan = match Plan::read(s, name, &before.value, &wanted) {
        Ok(plan) => plan,
        Err(e) => return invalid(&e),
    };
    if dry {
        return respond::json(&if of_scale { list::scale(&wanted) } else { wanted });
    }
    if let Err(e) = plan.carry_out(s) {
        return respond::status(500, "InternalError", &e);
    }
    match s.store.get("deployments", name) {
        Some(o) => respond::json(&if of_scale { list::scale(&o.value) } else { o.value.clone() }),
        None => respond::not_found(target),
    }
}

/// What a changed deployment means for the simulation.
struct Plan {
    name: &'static str,
    replicas: Option<u32>,
    template: Option<Template>,
    extra: Extra,
    restart: bool,
}

impl Plan {
    fn read(s: &State, name: &str, before: &Value, wanted: &Value) -> Result<Self, String> {
        let d = s.cluster.deployments().iter().find(|d| d.name == name).ok_or("it is gone")?;
        let replicas = wanted["spec"]["replicas"].as_u64().unwrap_or(1);
        let replicas =
            u32::try_from(replicas).ok().filter(|n| *n <= 5_000).ok_or("spec.replicas: the simulated cluster has room for 5000")?;
        let (spec, before_spec) = (&wanted["spec"]["template"]["spec"], &before["spec"]["template"]["spec"]);
        let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
        let container = containers
            .iter()
            .find(|c| c["name"] == d.name)
            .ok_or("spec.template.spec.containers: the simulated cluster needs its container")?;
        let limit = |name: &str| container["resources"]["limits"].get(name);
        let image = container["image"].as_str().unwrap_or_default();
        let release = image.rsplit_once("-v").map_or(d.spec.release, |(_, tag)| Release::named(tag));
        let env: Vec<(String, String)> = container["env"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|e| {
                Some((e["name"].as_str()?.to_owned(), e["value"].as_str().filter(|_| e.get("valueFrom").is_none())?.to_owned()))
            })
            .collect();
        let volume = spec["volumes"].as_array().into_iter().flatten().find(|v| v["emptyDir"]["medium"] == "Memory");
        let template = Template {
            env,
            image: image.to_owned(),
            release,
            cpu_limit_millis: amount(limit("cpu"), 1000.0)?,
            memory_limit: amount(limit("memory"), 1.0)?,
            shm: match volume {
                Some(v) => amount(v["emptyDir"].get("sizeLimit"), 1.0)?.unwrap_or(d.spec.host_memory),
                None => DEFAULT_SHM,
            },
        };
        let map = |v: &Value| v.as_object().cloned().unwrap_or_default();
        let mut annotations = map(&wanted["metadata"]["annotations"]);
        annotations.remove("deployment.kubernetes.io/revision");
        let extra = Extra {
            annotations,
            template: map(&wanted["spec"]["template"]["metadata"]["annotations"]),
            requests: container["resources"].get("requests").cloned(),
        };
        let same = spec == before_spec;
        let restart = wanted["spec"]["template"] != before["spec"]["template"];
        Ok(Self {
            name: d.name,
            replicas: (replicas != d.spec.replicas).then_some(replicas),
            template: (!same).then_some(template),
            extra,
            restart,
        })
    }

    fn carry_out(self, s: &mut State) -> Result<(), String> {
        let Self { name, replicas, template, extra, restart } = self;
        s.extra.insert(name, extra);
        let mut commands = Vec::new();
        match template {
            Some(t) => commands.push(Command::SetTemplate(name, Box::new(t))),
            None if restart => commands.push(Command::Restart(name)),
            None => {}
        }
        commands.extend(replicas.map(|n| Command::Scale(name, n)));
        for command in commands {
            s.cluster.command(command).map_err(|e| e.to_string())?;
        }
        s.sync();
        Ok(())
    }
}

/// Reads a quantity (`96Gi`, `500m`) in units times `scale`.
fn amount(value: Option<&Value>, scale: f64) -> Result<Option<u64>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
    };
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let units: BTreeMap<&str, f64> = [
        ("", 1.0),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
    ]
    .into();
    let number: Option<f64> = text[..digits].parse().ok();
    match (number, units.get(&text[digits..])) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no sign was read, and amounts are far below 2^53")]
        (Some(n), Some(unit)) => Ok(Some((n * unit * scale).round() as u64)),
        _ => Err(format!("quantities must match the regular expression: \"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        let read = |s: &str, scale| amount(Some(&json!(s)), scale);
        assert_eq!(read("96Gi", 1.0), Ok(Some(96 << 30)));
        assert_eq!(read("500m", 1000.0), Ok(Some(500)));
        assert_eq!(read("1.5", 1000.0), Ok(Some(1500)));
        assert_eq!(read("64M", 1.0), Ok(Some(64_000_000)));
        assert_eq!(amount(None, 1.0), Ok(None));
        assert_eq!(amount(Some(&json!(4)), 1000.0), Ok(Some(4000)));
        assert!(read("lots", 1.0).is_err() && read("5Xi", 1.0).is_err());
    }
}
