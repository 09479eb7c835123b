//! Does the coordinator answer over gRPC?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::facts::call;
use crate::doctor::{Check, Facts, Outcome, Status};

/// The check.
pub const CHECK: Check = Check {
    id: "coordinator-grpc",
    title: "coordinator over gRPC",
    about: "Calls Healthcheck and GetStats of the coordinator, at --coordinator-rpc or through a port-forward of its own.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

async fn run(facts: Arc<Facts>) -> Outcome {
    let url = facts.config.coordinator_rpc.is_some();
    let link = match facts.coordinator().await {
        Ok(l) => l,
        // A wrong URL is a failure, no way at all is none.
        Err(why) if url => return Outcome::fail("the URL cannot be used").because(why),
        Err(why) => {
            return Outcome::skipped(why)
                .run("name it", "sp1top doctor --coordinator-rpc http://HOST:50051 (docker compose: http://127.0.0.1:50053)");
        }
    };
    let (health, stats) = tokio::join!(call::<_, ()>(&link, "/worker.WorkerService/Healthcheck", &()), facts.stats());
    match stats {
        Ok(a) => {
            let s = &a.message;
            let mut o = Outcome::pass(format!(
                "answers within {}; {} CPU and {} GPU workers, queues {} and {}",
                units::duration(a.took),
                s.cpu_workers,
                s.gpu_workers,
                s.cpu_queue,
                s.gpu_queue
            ));
            if let Err((_, why)) = health {
                o.add(Status::Warn, format!("Healthcheck fails: {why}"));
            }
            if a.took > Duration::from_secs(2) {
                o.add(
                    Status::Warn,
                    format!("GetStats took {}: the way there is slow, or the coordinator is busy", units::duration(a.took)),
                );
            }
            if s.cpu_workers == 0 && s.gpu_workers == 0 {
                o.add(Status::Warn, "no worker is connected (workers of type ALL are counted in neither number)".to_owned());
            }
            o
        }
        Err(why) => {
            let ns = facts.namespace();
            let o = Outcome::fail("it does not answer").because(why);
            if url {
                o.say("is the URL that of the coordinator (not the API's), with http:// in front? docker compose publishes it on port 50053, not 50051")
            } else {
                o.run("read its log", format!("kubectl logs deploy/coordinator -n {ns} --tail=30"))
                    .run("go round the tunnel", format!("kubectl port-forward -n {ns} svc/coordinator-grpc 50053:50051 & sp1top doctor --coordinator-rpc http://127.0.0.1:50053"))
            }
        }
    }
}
