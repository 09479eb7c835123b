//! What the cluster's own words tell of proofs that are followed without a
//! screen: claimed, stage, tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::ProofId;
use crate::model::{Model, Proof};
use crate::pipeline::Pipeline;
use crate::runtime::live::Sources;
use crate::sources::hub::lock;

/// What is seen of one proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The coordinator works on it.
    pub claimed: bool,
    /// Its stage.
    pub stage: Option<String>,
    /// Its tasks in short.
    pub tasks: Option<String>,
}

/// What is seen, shared.
#[derive(Clone, Default)]
pub struct Sights {
    by_id: Arc<Mutex<BTreeMap<String, Sight>>>,
    version: Arc<Mutex<Option<String>>>,
}

impl Sights {
    /// Of one proof.
    pub fn of(&self, id: &str) -> Option<Sight> {
        lock(&self.by_id).get(id).cloned()
    }

    /// The SP1 version that the coordinator tells.
    pub fn version(&self) -> Option<String> {
        lock(&self.version).clone()
    }

    /// Watches these proofs until the process ends; calls `claimed` once for
    /// each.
    pub fn watch(&self, mut sources: Sources, seen: (Pipeline, Model), ids: Vec<String>, claimed: impl Fn(&str) + Send + 'static) {
        let this = self.clone();
        let work = move || {
            let (mut pipeline, mut model) = seen;
            let mut told: Vec<bool> = vec![false; ids.len()];
            loop {
                let Some(e) = sources.wait(Duration::from_secs(5)) else { continue };
                pipeline.apply(&e, &mut model);
                this.look(&model, &ids, &mut told, &claimed);
            }
        };
        // Without the thread nothing is seen; the proof goes on all the same.
        let _ = std::thread::Builder::new().name("sight".into()).spawn(work);
    }

    fn look(&self, model: &Model, ids: &[String], told: &mut [bool], claimed: &impl Fn(&str)) {
        for (id, told) in ids.iter().zip(told) {
            let Some(p) = ProofId::read(id.as_bytes()).and_then(|id| model.proofs.get(&id)) else { continue };
            let sight = sight(p);
            if sight.claimed && !*told {
                *told = true;
                claimed(id);
            }
            lock(&self.by_id).insert(id.clone(), sight);
        }
        if let Some(v) = model.stats.as_ref().and_then(|s| s.stats.sp1_circuit_version.clone()) {
            *lock(&self.version) = Some(v);
        }
    }
}

fn sight(p: &Proof) -> Sight {
    let claimed = p.claimed_at.is_some() || p.tallies.values().any(|t| t.seen > 0);
    let tasks: Vec<String> = p
        .tallies
        .iter()
        .filter(|(_, t)| t.running + t.waiting > 0 || t.seen > 0)
        .map(|(k, t)| format!("{k} {} running of {} seen", t.running, t.seen))
        .collect();
    Sight { claimed, stage: claimed.then(|| p.stage().as_str().to_owned()), tasks: (!tasks.is_empty()).then(|| tasks.join("; ")) }
}
