use super::*;
use crate::base::{ProofId, TaskId, TaskType, WorkerId, WorkerKind};
use crate::event::{AssignedTask, NodeEvent, WorkerReport};

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

/// What a node's log says.
fn node(m: &mut Model, log: &str, secs: i64, event: NodeEvent) {
    let at = Timestamp::from_secs(1_795_521_600 + secs);
    let events = vec![Event { at, what: What::Node(event) }];
    m.apply(Batch { seq: m.seq + 1, at, source: SourceName::new(log), events, unread: vec![], bytes: 1 });
}

fn received(task: u128) -> NodeEvent {
    NodeEvent::Received { task: TaskId::uuid(task) }
}

fn completed(task: u128, kind: TaskType, took: u64) -> NodeEvent {
    NodeEvent::Completed { proof: ProofId::new("p"), task: TaskId::uuid(task), kind, took: Some(std::time::Duration::from_secs(took)) }
}

fn stays(m: &Model) -> Vec<(i64, i64)> {
    let of = |t: Timestamp| t.0 / 1_000_000 - 1_795_521_600;
    m.proofs.get(&ProofId::new("p")).unwrap().spans.iter().map(|s| (of(s.start), of(s.end))).collect()
}

#[test]
fn node_logs_tell_when_tasks_began_and_ended() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    node(&mut m, "log:gpu-0", 3, received(10));
    tell(&mut m, 10, block("p", &[&[10, 11, 12]]));
    let since = |m: &Model, n: usize| m.workers.iter().next().unwrap().tasks[n].since.0 / 1_000_000 - 1_795_521_600;
    assert_eq!([since(&m, 0), since(&m, 1)], [3, 10]);
    // This log comes later than the block.
    node(&mut m, "log:gpu-0", 7, received(11));
    assert_eq!(since(&m, 1), 7);
    // 5 s after the block nobody knows whether they still run.
    tell(&mut m, 15, vec![What::Tick]);
    assert_eq!(m.surely_ran(m.workers.iter().next().unwrap().tasks[0].since).as_secs(), 7);
    node(&mut m, "log:gpu-0", 12, completed(10, TaskType::ProveShard, 9));
    tell(&mut m, 20, block("p", &[&[]]));
    tell(&mut m, 30, block("p", &[&[]]));
    assert_eq!(stays(&m), [(3, 12), (7, 20), (10, 20)]);
    // Told after the coordinator's blocks.
    node(&mut m, "log:gpu-0", 18, completed(11, TaskType::ProveShard, 11));
    assert_eq!(stays(&m), [(3, 12), (7, 18), (10, 20)]);
}

#[test]
fn a_task_whose_end_its_node_told_first_is_not_told_twice() {
    let mut m = Model::new();
    // At the beginning a node's log may be read before the coordinator's.
    node(&mut m, "log:cpu-0", 12, completed(10, TaskType::ProveShard, 9));
    tell_late(&mut m, 13, 0, vec![claim("p", 1)]);
    tell_late(&mut m, 13, 10, block("p", &[&[10]]));
    let over = CoordinatorEvent::ProofCompleted { proof: ProofId::new("p") };
    tell_late(&mut m, 13, 12, vec![What::Coordinator(over)]);
    tell(&mut m, 20, block("p", &[&[]]));
    tell(&mut m, 30, block("p", &[&[]]));
    let p = m.proofs.get(&ProofId::new("p")).unwrap();
    assert_eq!((p.spans.len(), p.tally(&TaskType::ProveShard).done), (1, 1));
    assert_eq!(stays(&m), [(3, 12)]);
    assert_eq!(p.spans.iter().next().unwrap().worker, WorkerId::unknown(1));
}

#[test]
fn what_was_only_known_to_wait_is_placed_by_its_nodes_log() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    m.task_created(m.now, &ProofId::new("p"), &TaskId::uuid(5), TaskType::SetupVkey);
    node(&mut m, "log:gpu-0", 4, completed(5, TaskType::SetupVkey, 3));
    tell(&mut m, 10, block("p", &[&[]]));
    tell(&mut m, 20, block("p", &[&[]]));
    assert_eq!(stays(&m), [(1, 4)]);
}

#[test]
fn many_shards_do_not_push_out_the_rare_tasks() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    node(&mut m, "log:gpu-0", 4, completed(5, TaskType::SetupVkey, 3));
    for n in 0..2000_u32 {
        node(&mut m, "log:gpu-0", 10 + i64::from(n), completed(1000 + u128::from(n), TaskType::ProveShard, 30));
    }
    let count = |m: &Model, kind| m.proofs.get(&ProofId::new("p")).unwrap().spans.iter().filter(|s| s.kind.as_ref() == Some(kind)).count();
    assert_eq!(count(&m, &TaskType::SetupVkey), 1);
    assert_eq!(stays(&m).last(), Some(&(1979, 2009)), "the newest are kept");
    let done = CoordinatorEvent::ProofCompleted { proof: ProofId::new("p") };
    tell(&mut m, 2020, vec![What::Coordinator(done)]);
    assert_eq!(count(&m, &TaskType::SetupVkey), 1);
    assert_eq!(stays(&m).len(), 96);
}

#[test]
fn a_pod_that_is_surely_a_worker_is_not_guessed_for_another() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1)]);
    for t in [10, 11, 12, 20] {
        node(&mut m, "log:gpu-0", 3, received(t));
    }
    // A guess by one task, before it is known whose pod it is.
    tell(&mut m, 10, block("p", &[&[20], &[10]]));
    let pods = |m: &Model| m.workers.iter().map(|w| w.tie.as_ref().map(|t| t.pod.clone())).collect::<Vec<_>>();
    assert_eq!(pods(&m), [Some("log:gpu-0".into()), Some("log:gpu-0".into())]);
    tell(&mut m, 20, block("p", &[&[20], &[10, 11]]));
    assert_eq!(pods(&m), [None, Some("log:gpu-0".into())]);
    // Nor is it guessed again.
    tell(&mut m, 30, block("p", &[&[20, 12], &[10, 11]]));
    assert_eq!(pods(&m), [None, Some("log:gpu-0".into())]);
}

/// Events of `data` seconds that arrive at `secs`.
fn tell_late(m: &mut Model, secs: i64, data: i64, events: Vec<What>) {
    let time = |s: i64| Timestamp::from_secs(1_795_521_600 + s);
    let events = events.into_iter().map(|what| Event { at: time(data), what }).collect();
    m.apply(Batch { seq: m.seq + 1, at: time(secs), source: SourceName::new(LOG), events, unread: vec![], bytes: 1 });
}

#[test]
fn a_block_that_comes_late_in_two_pieces_counts_each_task_once() {
    let mut m = Model::new();
    tell_late(&mut m, 60, 40, vec![claim("p", 1)]);
    tell_late(&mut m, 60, 40, block("p", &[&[10], &[20]]));
    let mut second = block("p", &[&[11], &[21]]);
    let rest = second.split_off(2);
    tell_late(&mut m, 60, 50, second);
    tell_late(&mut m, 60, 50, rest);
    let p = m.proofs.get(&ProofId::new("p")).unwrap();
    assert_eq!((p.running(), m.tasks.len()), (2, 2));
    assert_eq!(p.tally(&TaskType::ProveShard).done, 2);
}

#[test]
fn the_same_claim_from_two_copies_of_a_log_is_one() {
    let mut m = Model::new();
    tell(&mut m, 0, vec![claim("p", 1), claim("p", 1)]);
    assert_eq!(m.proofs.get(&ProofId::new("p")).unwrap().claims, 1);
    assert_eq!(m.moments.iter().count(), 1);
    tell(&mut m, 60, vec![claim("p", 2)]);
    assert_eq!(m.proofs.get(&ProofId::new("p")).unwrap().claims, 2);
}

#[test]
fn the_beginning_of_a_process_that_is_known_already_is_no_restart() {
    let listening = || What::Coordinator(CoordinatorEvent::Listening { version: "v".into() });
    let mut m = Model::new();
    let stats = Stats { total_tasks: Some(9), from_grpc: true, ..Stats::default() };
    tell(&mut m, 100, vec![What::Stats(Box::new(stats))]);
    // The log's tail begins with the process, a while ago.
    tell_late(&mut m, 101, 20, vec![listening()]);
    assert_eq!(m.coordinator.restarts, 0);
    tell(&mut m, 110, block("p", &[&[10]]));
    tell(&mut m, 120, vec![listening()]);
    assert_eq!(m.coordinator.restarts, 1);
}

#[test]
fn stages_follow_what_runs() {
    use TaskType as T;
    let run = |kinds: &[TaskType]| {
        let tasks = kinds.iter().zip(100_u128..).map(|(k, t)| AssignedTask {
            proof: ProofId::new("p"),
            task: TaskId::uuid(t + k.index() as u128 * 1000),
            kind: Some(k.clone()),
            proof_known: true,
        });
        let worker = WorkerReport { worker: WorkerId::unknown(1), kind: Some(WorkerKind::Gpu), next_free_ms: 0, tasks: tasks.collect() };
        vec![What::Stats(Box::new(Stats { gpu_workers: Some(1), cpu_workers: Some(0), ..Stats::default() })), What::Worker(worker)]
    };
    let mut m = Model::new();
    let stage = |m: &Model| m.proofs.get(&ProofId::new("p")).unwrap().stage();
    tell(&mut m, 0, vec![claim("p", 1)]);
    tell(&mut m, 10, run(&[T::Controller, T::CoreExecute, T::ProveShard]));
    assert_eq!(stage(&m), Stage::Execute);
    let p = m.proofs.get(&ProofId::new("p")).unwrap();
    assert!(p.has_begun(Stage::Shards) && !p.has_begun(Stage::Recursion));
    tell(&mut m, 20, run(&[T::Controller, T::PlonkWrap]));
    assert_eq!(stage(&m), Stage::Wrap);
    // Nothing runs beside the Controller: the wrap waits.
    tell(&mut m, 30, run(&[T::Controller]));
    assert_eq!(stage(&m), Stage::Wrap);
    // Its shards are proved once more.
    tell(&mut m, 40, run(&[T::Controller, T::ProveShard]));
    assert_eq!(stage(&m), Stage::Shards);
}
