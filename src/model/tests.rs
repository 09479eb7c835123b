use super::*;
use crate::base::{ProofId, TaskId, TaskType, WorkerId, WorkerKind};
use crate::event::{AssignedTask, WorkerReport};

const LOG: &str = "log:coordinator";

fn tell(m: &mut Model, secs: i64, events: Vec<What>) {
    let at = Timestamp::from_secs(1_795_521_600 + secs);
    let events = events.into_iter().map(|what| Event { at, what }).collect();
    m.apply(Batch { seq: m.seq + 1, at, source: SourceName::new(LOG), events, unread: vec![], bytes: 1 });
}

fn claim(proof: &str, controller: u128) -> What {
    What::Coordinator(CoordinatorEvent::ProofCreated { proof: ProofId::new(proof), task: TaskId::uuid(controller) })
}

/// A periodic block: the tasks of each GPU worker.
fn block(proof: &str, workers: &[&[u128]]) -> Vec<What> {
    let n = u32::try_from(workers.len()).unwrap();
    let stats = Stats { cpu_workers: Some(0), gpu_workers: Some(n), cpu_queue: Some(0), gpu_queue: Some(0), ..Stats::default() };
    let lines = workers.iter().enumerate().map(|(i, tasks)| {
        let task = |t: &u128| AssignedTask {
            proof: ProofId::new(proof),
            task: TaskId::uuid(*t),
            kind: Some(TaskType::ProveShard),
            proof_known: true,
        };
        What::Worker(WorkerReport {
            worker: WorkerId::unknown(i as u128 + 1),
            kind: Some(WorkerKind::Gpu),
            next_free_ms: 0,
            tasks: tasks.iter().map(task).collect(),
        })
    });
    std::iter::once(What::Stats(Box::new(stats))).chain(lines).collect()
}

#[test]
fn a_finished_task_keeps_its_worker() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    tell(&mut m, 10, block("p", &[&[10], &[20]]));
    tell(&mut m, 20, block("p", &[&[], &[20]]));
    tell(&mut m, 30, block("p", &[&[], &[]]));
    tell(&mut m, 40, block("p", &[&[], &[]]));
    let p = m.proofs.get(&ProofId::new("p")).unwrap();
    let spans: Vec<_> = p.spans.iter().map(|s| (s.task.clone(), s.worker.clone(), s.outcome)).collect();
    let done = |t, w| (TaskId::uuid(t), WorkerId::unknown(w), SpanEnd::Done);
    assert_eq!(spans, [done(10, 1), done(20, 2)]);
}

#[test]
fn what_became_of_a_lost_workers_task_is_not_put_on_it() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    tell(&mut m, 10, block("p", &[&[10]]));
    let lost = CoordinatorEvent::WorkerTimedOut { worker: WorkerId::unknown(1), heartbeat_age_secs: None };
    tell(&mut m, 15, vec![What::Coordinator(lost)]);
    // It came and went on another worker before the next blocks.
    tell(&mut m, 20, block("p", &[]));
    tell(&mut m, 30, block("p", &[]));
    let p = m.proofs.get(&ProofId::new("p")).unwrap();
    let spans: Vec<_> = p.spans.iter().map(|s| (s.worker.clone(), s.start.0 / 1_000_000 % 60, s.outcome)).collect();
    assert_eq!(spans, [(WorkerId::unknown(1), 10, SpanEnd::Lost), (WorkerId::Text("?".into()), 15, SpanEnd::Done)]);
}

#[test]
fn proofs_keep_their_ordinals() {
    let mut m = Model::new();
    let id = |n: u32| format!("p{:05}", 99_999 - n);
    for n in 0..3000 {
        tell(&mut m, i64::from(n), vec![claim(&id(n), u128::from(n) + 1)]);
    }
    assert!(m.proofs.get(&ProofId::new(&id(0))).is_none(), "the first are forgotten");
    assert_eq!(m.proofs.get(&ProofId::new(&id(2999))).unwrap().ordinal, 2999);
    // One that comes back is another one.
    tell(&mut m, 3001, vec![claim(&id(0), 1)]);
    assert_eq!(m.proofs.get(&ProofId::new(&id(0))).unwrap().ordinal, 3000);
}
