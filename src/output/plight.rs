//! Why nothing is seen of a cluster: what was found, what is missing, what to
//! try. For a person's first minute, on screen and without one.

use crate::envelope::SourceState;
use crate::model::Model;

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plight {
    /// What is missing, in a few words.
    pub what: &'static str,
    /// What was found instead, by the source that found it.
    pub found: String,
    /// What to try: why, and the command.
    pub tries: Vec<(&'static str, String)>,
    /// True when waiting longer will not help.
    pub settled: bool,
}

/// Stands between the namespaces that have a coordinator and the first of them in what is found of one that has none.
pub const GO: &str = ": sp1top -n ";

/// Why nothing is seen; `None` where something is, or all is still on its way.
#[must_use]
pub fn of(model: &Model) -> Option<Plight> {
    if model.stats.is_some() || !model.proofs.is_empty() || !model.workers.is_empty() {
        return None;
    }
    let told = |name: &str| {
        let (_, s) = model.sources.iter().find(|(n, _)| n.as_str() == name)?;
        (!s.detail.is_empty()).then(|| (s.state, s.detail.clone()))
    };
    let ns = model.session.namespace.as_deref().unwrap_or("NAMESPACE");
    let file = model.session.kubeconfig.as_ref().map_or_else(String::new, |f| format!(" --kubeconfig {f}"));
    let context = model.session.context.as_ref().map_or_else(String::new, |c| format!(" --context {c}"));
    let place = format!("{file}{context}");
    let demo = ("or look at a simulated cluster", "sp1top demo".to_owned());
    if let Some((Some(SourceState::Ended), found)) = told("kubeconfig") {
        let tries = vec![
            ("look at another cluster, from here", ": context NAME".to_owned()),
            ("does kubectl reach it?", format!("kubectl get pods{place} -n {ns}")),
            ("see every step of the way, with its fix", format!("sp1top doctor{place} -n {ns}")),
        ];
        return Some(Plight { what: "This cluster could not be opened", found, tries, settled: false });
    }
    if let Some((state, found)) = told("kube:pods") {
        let doctor = ("see every step of the way, with its fix", format!("sp1top doctor{place} -n {ns}"));
        if state == Some(SourceState::Denied) {
            let tries = vec![
                ("see which rights are missing, with the commands that grant them", format!("sp1top doctor{place} -n {ns}")),
                ("look where you may", format!("sp1top -n NAMESPACE --context NAME{file}")),
                demo,
            ];
            return Some(Plight { what: "This user may not look into the namespace", found, tries, settled: true });
        }
        if found.starts_with("401") {
            let tries = vec![("log in again, then look", format!("kubectl get pods{place} -n {ns}")), doctor, demo];
            return Some(Plight { what: "The login is missing or has expired", found, tries, settled: false });
        }
        if state == Some(SourceState::Connecting) {
            let tries = vec![
                ("does kubectl reach it? a VPN or a tunnel may be down", format!("kubectl cluster-info{place}")),
                ("look at another cluster", format!("sp1top{file} --context NAME")),
                demo,
            ];
            return Some(Plight { what: "The Kubernetes API does not answer", found, tries, settled: false });
        }
    }
    if let Some((Some(SourceState::Connecting), found)) = told("kube:coordinator") {
        let (found, there) = match found.split_once(GO) {
            Some((found, rest)) => (found.to_owned(), ("look there", format!("sp1top -n {rest}"))),
            None => (found, ("look into another namespace", format!("sp1top -n NAMESPACE{place}"))),
        };
        let tries =
            vec![there, ("look at another cluster (kubectl config get-contexts lists them)", format!("sp1top{file} --context NAME")), demo];
        return Some(Plight { what: "There is no SP1 cluster here", found, tries, settled: true });
    }
    None
}

impl Plight {
    /// Everything in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let tries: Vec<_> = self.tries.iter().map(|(_, run)| format!("`{run}`")).collect();
        format!("{}: {}; try {}", self.what, self.found, tries.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SourceName;

    #[test]
    fn commands_name_the_kubeconfig_that_was_given() {
        let mut m = Model::new();
        m.session.kubeconfig = Some("/tmp/eu.yaml".into());
        m.session.context = Some("eu".into());
        m.session.namespace = Some("prod".into());
        let pods = m.sources.entry(&SourceName::new("kube:pods"));
        (pods.state, pods.detail) = (Some(SourceState::Denied), "pods is forbidden".into());
        let told = |m: &Model| of(m).unwrap().tries.into_iter().map(|(_, run)| run).collect::<Vec<_>>();
        assert_eq!(told(&m)[0], "sp1top doctor --kubeconfig /tmp/eu.yaml --context eu -n prod");
        assert_eq!(told(&m)[1], "sp1top -n NAMESPACE --context NAME --kubeconfig /tmp/eu.yaml");
        m.session.kubeconfig = None;
        assert_eq!(told(&m)[0], "sp1top doctor --context eu -n prod");
    }
}
