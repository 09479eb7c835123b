//! What can be done to the running simulation, as lines of text: on standard
//! input of `demo --serve` and by HTTP. One line of [`ORDERS`] an order.

use std::time::Duration;

use super::net::Refused;
use super::world::World;
use crate::base::{PodName, ProofId, TaskType};
use crate::sim::{Command, Demand, Fault, Mode, Release, Target, Work};

/// What an order does with its words; the answer is for a person.
type Run = fn(&World, &[&str]) -> Result<String, String>;

/// An order.
pub struct Order {
    /// Its first word.
    pub name: &'static str,
    /// The words after it.
    pub words: &'static str,
    /// What it does.
    pub about: &'static str,
    run: Run,
}

/// All of them.
pub const ORDERS: &[Order] = &[
    Order { name: "prove", words: "MODE [SHARDS]", about: "a proof request: core, compressed, plonk or groth16", run: prove },
    Order { name: "demand", words: "off | MODE EVERY_SECS [AT_MOST]", about: "requests that keep coming", run: demand },
    Order { name: "cancel", words: "PROOF", about: "ProofRequestCancel", run: |w, a| cluster(w, Command::Cancel(proof(word(a, 0)?)?)) },
    Order {
        name: "kill",
        words: "POD|APP",
        about: "the container's process dies (137)",
        run: |w, a| cluster(w, Command::Kill(target(word(a, 0)?)?)),
    },
    Order {
        name: "delete",
        words: "POD|APP",
        about: "kubectl delete pod",
        run: |w, a| cluster(w, Command::DeletePod(target(word(a, 0)?)?)),
    },
    Order {
        name: "lose",
        words: "POD|APP SECS",
        about: "its machine vanishes for a time",
        run: |w, a| cluster(w, Command::Lose(target(word(a, 0)?)?, number(a, 1, 60.0)?)),
    },
    Order {
        name: "cut",
        words: "POD|APP SECS",
        about: "the network between a worker and the coordinator is cut",
        run: |w, a| cluster(w, Command::Cut(target(word(a, 0)?)?, number(a, 1, 60.0)?)),
    },
    Order {
        name: "freeze",
        words: "POD|APP",
        about: "a worker's tasks stop moving; its heartbeats go on",
        run: |w, a| cluster(w, Command::Freeze(target(word(a, 0)?)?)),
    },
    Order {
        name: "coordinator",
        words: "hangs|slow|ok",
        about: "the coordinator hangs: connected, and silent; or waits for its lock",
        run: |w, a| {
            let how = word(a, 0)?;
            cluster(w, Command::Inject(Fault::CoordinatorSlow(how == "slow")))?;
            cluster(w, Command::Hang(how == "hangs"))
        },
    },
    Order {
        name: "api",
        words: "up|down",
        about: "the API's pods are taken away, or brought back",
        run: |w, a| cluster(w, Command::Api(up(a)?)),
    },
    Order { name: "database", words: "up|down", about: "Postgres stops, or comes back", run: |w, a| cluster(w, Command::Database(up(a)?)) },
    Order {
        name: "redis",
        words: "full|away|ok",
        about: "Redis reaches its memory budget, or cannot be reached",
        run: |w, a| {
            let how = word(a, 0)?;
            cluster(w, Command::Inject(Fault::RedisAway(how == "away")))?;
            cluster(w, Command::Inject(Fault::RedisFull(how == "full")))
        },
    },
    Order {
        name: "scale",
        words: "APP N",
        about: "kubectl scale",
        run: |w, a| cluster(w, Command::Scale(app(word(a, 0)?)?, whole(a, 1)?)),
    },
    Order {
        name: "machines",
        words: "APP N",
        about: "how many pods the machines have room for",
        run: |w, a| cluster(w, Command::Machines(app(word(a, 0)?)?, whole(a, 1)?)),
    },
    Order {
        name: "set",
        words: "APP KEY [VALUE]",
        about: "kubectl set env",
        run: |w, a| cluster(w, Command::SetEnv(app(word(a, 0)?)?, word(a, 1)?.to_owned(), a.get(2).map(|v| (*v).to_owned()))),
    },
    Order {
        name: "release",
        words: "APP TAG",
        about: "another release of an image",
        run: |w, a| cluster(w, Command::SetRelease(app(word(a, 0)?)?, Release::named(word(a, 1)?))),
    },
    Order { name: "restart", words: "APP", about: "kubectl rollout restart", run: |w, a| cluster(w, Command::Restart(app(word(a, 0)?)?)) },
    Order {
        name: "retry",
        words: "TYPE [TASKS [ATTEMPTS]]",
        about: "tasks of a type fail so many times each",
        run: |w, a| {
            cluster(
                w,
                Command::Inject(Fault::Retryable {
                    kind: kind(word(a, 0)?)?,
                    tasks: whole(a, 1).unwrap_or(1),
                    attempts: u8::try_from(whole(a, 2).unwrap_or(1)).unwrap_or(u8::MAX),
                }),
            )
        },
    },
    Order {
        name: "fatal",
        words: "TYPE",
        about: "the next task of a type fails for good",
        run: |w, a| cluster(w, Command::Inject(Fault::Fatal { kind: kind(word(a, 0)?)?, reason: "injected fault".into() })),
    },
    Order {
        name: "hang",
        words: "TYPE",
        about: "the next task of a type never ends",
        run: |w, a| cluster(w, Command::Inject(Fault::Hang { kind: kind(word(a, 0)?)? })),
    },
    Order {
        name: "poison",
        words: "TYPE",
        about: "the next task of a type kills each worker that takes it",
        run: |w, a| cluster(w, Command::Inject(Fault::Poison { kind: kind(word(a, 0)?)? })),
    },
    Order {
        name: "apiserver",
        words: "up|down",
        about: "the Kubernetes API server goes away, or comes back",
        run: |w, a| {
            let up = up(a)?;
            net(w, |n| n.down = !up)
        },
    },
    Order {
        name: "deny",
        words: "VERB RESOURCE",
        about: "403 for a verb and resource (list pods, get pods/log, * nodes)",
        run: |w, a| {
            let d = Refused { verb: word(a, 0)?.into(), resource: word(a, 1)?.into() };
            net(w, |n| n.denied.push(d))
        },
    },
    Order { name: "allow", words: "", about: "takes all denials back", run: |w, _| net(w, |n| n.denied.clear()) },
    Order {
        name: "unauthorized",
        words: "on|off",
        about: "401 for everything",
        run: |w, a| {
            let on = on(a)?;
            net(w, |n| n.unauthorized = on)
        },
    },
    Order {
        name: "slow",
        words: "MILLISECONDS",
        about: "each answer of the API server takes so long",
        run: |w, a| {
            let ms = whole(a, 0)?;
            net(w, |n| n.slow = Duration::from_millis(u64::from(ms)))
        },
    },
    Order {
        name: "metrics",
        words: "on|off",
        about: "metrics.k8s.io is there, or not",
        run: |w, a| {
            let on = on(a)?;
            net(w, |n| n.no_metrics = !on)
        },
    },
    Order {
        name: "cut-log",
        words: "BYTES",
        about: "the next log stream breaks after so many bytes",
        run: |w, a| {
            let n = whole(a, 0)? as usize;
            net(w, |net| net.log_cuts.push_back(n))
        },
    },
    Order {
        name: "silence",
        words: "on|off",
        about: "logs stay open and say nothing",
        run: |w, a| {
            let on = on(a)?;
            net(w, |n| n.logs_silent = on)
        },
    },
    Order {
        name: "break",
        words: "",
        about: "breaks all watches, logs and tunnels",
        run: |w, _| {
            w.with(|s| s.net.break_streams());
            Ok("broken".into())
        },
    },
    Order {
        name: "expire",
        words: "",
        about: "forgets what changed: watches are answered 410",
        run: |w, _| {
            w.with(|s| {
                s.store.compact();
                s.net.break_streams();
            });
            Ok("all versions before now are too old".into())
        },
    },
    Order { name: "rotate", words: "POD|APP", about: "its log is rotated: what was written is gone", run: rotate },
    Order {
        name: "speed",
        words: "X",
        about: "simulated seconds a second",
        run: |w, a| Ok(format!("{}×", w.clock.set_rate(number(a, 0, 1.0)?))),
    },
    Order {
        name: "pause",
        words: "",
        about: "the time stands still",
        run: |w, _| {
            w.clock.pause(true);
            Ok("paused".into())
        },
    },
    Order {
        name: "play",
        words: "",
        about: "the time goes on",
        run: |w, _| {
            w.clock.pause(false);
            Ok("playing".into())
        },
    },
    Order {
        name: "skip",
        words: "SECS",
        about: "so much simulated time at once",
        run: |w, a| {
            w.clock.skip(Duration::from_secs(u64::from(whole(a, 0)?)));
            Ok(w.with(|s| s.cluster.now().to_string()))
        },
    },
    Order { name: "help", words: "", about: "these lines", run: |_, _| Ok(help()) },
];

/// Carries out one line; the answer, or what is wrong with it.
pub fn run(world: &World, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((first, rest)) = words.split_first() else { return Ok(String::new()) };
    let order = ORDERS.iter().find(|o| o.name == *first).ok_or_else(|| format!("'{first}' is no order; help tells all"))?;
    (order.run)(world, rest).map_err(|e| format!("{e}; write: {} {}", order.name, order.words))
}

/// All orders as text.
#[must_use]
pub fn help() -> String {
    let line = |o: &Order| format!("{:<44} {}", format!("{} {}", o.name, o.words), o.about);
    ORDERS.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

fn cluster(world: &World, command: Command) -> Result<String, String> {
    world.with(|s| s.cluster.command(command)).map_err(|e| e.to_string())?;
    Ok("done".into())
}

#[expect(clippy::unnecessary_wraps, reason = "what every order gives")]
fn net(world: &World, change: impl FnOnce(&mut super::net::Net)) -> Result<String, String> {
    world.with(|s| s.net.change(change));
    Ok("done".into())
}

fn prove(world: &World, words: &[&str]) -> Result<String, String> {
    let (mode, shards) = (mode(word(words, 0)?)?, words.get(1).map(|_| whole(words, 1)).transpose()?);
    let work = shards.map(|shards| Work { shards, memory_shards: 1 + shards / 9, deferred: 0 });
    world.with(|s| {
        let new = crate::sim::NewProof { work, ..s.cluster.new_proof(mode) };
        let id = new.proof_id.to_string();
        s.cluster.command(Command::Submit(Box::new(new))).map_err(|e| e.to_string())?;
        Ok(id)
    })
}

fn demand(world: &World, words: &[&str]) -> Result<String, String> {
    if word(words, 0)? == "off" {
        return cluster(world, Command::Demand(None));
    }
    let demand = Demand {
        modes: vec![(mode(word(words, 0)?)?, 1)],
        every: number(words, 1, 60.0)?.max(0.1),
        at_most: whole(words, 2).unwrap_or(4) as usize,
        shards: (80, 220),
    };
    cluster(world, Command::Demand(Some(demand)))
}

fn rotate(world: &World, words: &[&str]) -> Result<String, String> {
    let wanted = word(words, 0)?;
    world.with(|s| {
        let found = s.cluster.pods().find(|(_, p)| p.name == wanted || p.app == wanted).map(|(n, p)| (n, p.restarts));
        let (pod, run) = found.ok_or_else(|| format!("there is no pod {wanted}"))?;
        s.logs.stream_mut(pod, run).ok_or("it has written nothing")?.rotate();
        Ok("rotated".to_owned())
    })
}

fn word<'a>(words: &[&'a str], n: usize) -> Result<&'a str, String> {
    words.get(n).copied().ok_or_else(|| "a word is missing".into())
}

fn number(words: &[&str], n: usize, default: f64) -> Result<f64, String> {
    let Some(text) = words.get(n) else { return Ok(default) };
    text.trim_end_matches(['x', '×', 's'])
        .parse::<f64>()
        .ok()
        .filter(|v| v.is_finite() && *v >= 0.0)
        .ok_or_else(|| format!("'{text}' is no number"))
}

fn whole(words: &[&str], n: usize) -> Result<u32, String> {
    let text = word(words, n)?;
    text.parse().map_err(|_| format!("'{text}' is no whole number"))
}

fn up(words: &[&str]) -> Result<bool, String> {
    match word(words, 0)? {
        "up" => Ok(true),
        "down" => Ok(false),
        other => Err(format!("'{other}' is neither up nor down")),
    }
}

fn on(words: &[&str]) -> Result<bool, String> {
    match word(words, 0)? {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("'{other}' is neither on nor off")),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    const MODES: [(&str, Mode); 4] =
        [("core", Mode::Core), ("compressed", Mode::Compressed), ("plonk", Mode::Plonk), ("groth16", Mode::Groth16)];
    MODES.iter().find(|m| m.0 == text).map(|m| m.1).ok_or_else(|| format!("'{text}' is no mode"))
}

fn proof(text: &str) -> Result<ProofId, String> {
    ProofId::read(text.as_bytes()).ok_or_else(|| "that is no proof id".into())
}

fn kind(text: &str) -> Result<TaskType, String> {
    TaskType::read(text.as_bytes()).ok_or_else(|| format!("'{text}' is no type of task: write ProveShard, PlonkWrap and so on"))
}

/// The parts of the cluster that orders name.
const APPS: [&str; 4] = ["coordinator", "api", "cpu-node", "gpu-node"];

fn app(text: &str) -> Result<&'static str, String> {
    APPS.into_iter().find(|a| *a == text).ok_or_else(|| format!("'{text}' is none of {}", APPS.join(", ")))
}

fn target(text: &str) -> Result<Target, String> {
    match (APPS.into_iter().find(|a| *a == text), PodName::read(text.as_bytes())) {
        (Some(app), _) => Ok(Target::Oldest(app)),
        (None, Some(pod)) => Ok(Target::Pod(pod)),
        (None, None) => Err(format!("'{text}' is no pod")),
    }
}

#[cfg(test)]
mod tests {
    use super::ORDERS;

    /// The second one of a name would never be found.
    #[test]
    fn each_has_a_name_of_its_own() {
        for (i, o) in ORDERS.iter().enumerate() {
            assert!(ORDERS[..i].iter().all(|b| b.name != o.name), "{} twice", o.name);
        }
    }
}
