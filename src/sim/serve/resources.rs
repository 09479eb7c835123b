//! The kinds of objects that the simulated API server knows: one line each.

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `pods`
    pub plural: &'static str,
    /// `pod`
    pub singular: &'static str,
    /// `Pod`
    pub kind: &'static str,
    /// `apps`; empty for the core group.
    pub group: &'static str,
    /// `v1`
    pub version: &'static str,
    /// False for what is in no namespace.
    pub namespaced: bool,
    /// `po`
    pub short: &'static [&'static str],
    /// What can be done to it.
    pub verbs: &'static [&'static str],
    /// Part of `kubectl get all`.
    pub all: bool,
}

const READ: &[&str] = &["get", "list", "watch"];

const fn core(plural: &'static str, singular: &'static str, kind: &'static str, short: &'static [&'static str]) -> Resource {
    Resource { plural, singular, kind, group: "", version: "v1", namespaced: true, short, verbs: READ, all: false }
}

const fn apps(plural: &'static str, singular: &'static str, kind: &'static str, short: &'static [&'static str]) -> Resource {
    Resource { plural, singular, kind, group: "apps", version: "v1", namespaced: true, short, verbs: READ, all: true }
}

/// All of them. Where a kind is empty here it is so that `kubectl get` says
/// so instead of that there is no such thing.
pub const RESOURCES: &[Resource] = &[
    Resource { verbs: &["get", "list", "watch", "delete"], all: true, ..core("pods", "pod", "Pod", &["po"]) },
    Resource { all: true, ..core("services", "service", "Service", &["svc"]) },
    core("endpoints", "endpoints", "Endpoints", &["ep"]),
    core("events", "event", "Event", &["ev"]),
    core("configmaps", "configmap", "ConfigMap", &["cm"]),
    core("secrets", "secret", "Secret", &[]),
    core("serviceaccounts", "serviceaccount", "ServiceAccount", &["sa"]),
    core("persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", &["pvc"]),
    Resource { namespaced: false, ..core("nodes", "node", "Node", &["no"]) },
    Resource { namespaced: false, ..core("namespaces", "namespace", "Namespace", &["ns"]) },
    Resource { verbs: &["get", "list", "watch", "patch", "update"], ..apps("deployments", "deployment", "Deployment", &["deploy"]) },
    apps("replicasets", "replicaset", "ReplicaSet", &["rs"]),
    apps("statefulsets", "statefulset", "StatefulSet", &["sts"]),
    apps("daemonsets", "daemonset", "DaemonSet", &["ds"]),
];

impl Resource {
    /// `v1` or `apps/v1`
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// The resource of that plural name in that group.
#[must_use]
pub fn find(group: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.group == group && r.plural == plural)
}
