//! Who asks, and what they may: by the bearer token, which is the user's name,
//! or by the path `/as/NAME` in front, because kubectl sends no token without
//! TLS.

/// What a user may do.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The name, which is also the token and the kubeconfig's context.
    pub name: &'static str,
    /// In one line.
    pub about: &'static str,
    /// Verbs and resources as roles spell them; `*` for all.
    pub rules: &'static [(&'static [&'static str], &'static [&'static str])],
}

const READ: &[&str] = &["get", "list", "watch"];

/// All of them; the first one is whoever brings no token.
pub const USERS: &[User] = &[
    User { name: "admin", about: "may everything", rules: &[(&["*"], &["*"])] },
    User {
        name: "operator",
        about: "may read what sp1top reads and tunnel to the services; no nodes, no changes",
        rules: &[
            (READ, &["pods", "deployments.apps", "statefulsets.apps", "replicasets.apps", "events", "services", "endpoints"]),
            (&["get"], &["pods/log", "pods/proxy"]),
            (&["get", "create"], &["pods/portforward"]),
            (READ, &["pods.metrics.k8s.io"]),
        ],
    },
    User { name: "viewer", about: "may read pods and their logs, nothing else", rules: &[(READ, &["pods"]), (&["get"], &["pods/log"])] },
    User { name: "nobody", about: "may nothing", rules: &[] },
];

impl User {
    /// Whether it may.
    #[must_use]
    pub fn may(&self, verb: &str, resource: &str) -> bool {
        let has = |words: &[&str], word: &str| words.iter().any(|w| *w == "*" || *w == word);
        self.rules.iter().any(|(verbs, resources)| has(verbs, verb) && has(resources, resource))
    }
}

/// Takes `/as/NAME` off a path; the rest, and the name.
#[must_use]
pub fn of_path(path: &str) -> (&str, Option<&str>) {
    let Some(rest) = path.strip_prefix(PREFIX) else { return (path, None) };
    match rest.find('/') {
        Some(i) => (&rest[i..], Some(&rest[..i])),
        None => ("/", Some(rest)),
    }
}

/// In front of the path of requests that say who asks.
pub const PREFIX: &str = "/as/";

/// The user of a path's name or of an `Authorization` header; `None` for one
/// that is unknown.
#[must_use]
pub fn find(name: Option<&str>, authorization: Option<&str>) -> Option<&'static User> {
    if let Some(name) = name {
        return USERS.iter().find(|u| u.name == name);
    }
    match authorization {
        None => USERS.first(),
        Some(header) => {
            let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer "))?;
            USERS.iter().find(|u| u.name == token.trim())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_by_verb_and_resource() {
        let viewer = find(None, Some("Bearer viewer")).unwrap();
        assert!(viewer.may("list", "pods") && viewer.may("get", "pods/log"));
        assert!(!viewer.may("delete", "pods") && !viewer.may("list", "nodes") && !viewer.may("create", "pods/portforward"));
        assert!(find(None, None).unwrap().may("patch", "deployments.apps"));
        assert!(find(None, Some("Bearer mallory")).is_none() && find(None, Some("Basic x")).is_none());
        assert_eq!(of_path("/as/viewer/api/v1"), ("/api/v1", Some("viewer")));
        assert_eq!(of_path("/api/v1"), ("/api/v1", None));
        assert!(find(Some("nobody"), Some("Bearer admin")).is_some_and(|u| u.rules.is_empty()));
    }
}
