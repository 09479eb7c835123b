//! Does the API answer over gRPC, and does it list proofs?

use std::sync::Arc;
use std::time::Duration;

use crate::base::units;
use crate::doctor::facts::{call, wall};
use crate::doctor::{Check, Facts, Outcome, Status};
use crate::proto::cluster::{ProofRequestListRequest, ProofRequestListResponse, ProofRequestStatus};

/// The check.
pub const CHECK: Check = Check {
    id: "api-grpc",
    title: "API over gRPC",
    about: "Calls Healthcheck of the API and lists one proof request, which asks its database too.",
    limit: Duration::from_secs(9),
    run: |facts| Box::pin(run(facts)),
};

/// So many pending requests are near the coordinator's limit.
const CROWDED: usize = 800;
/// A list that takes longer comes from a table without an end.
const SLOW: Duration = Duration::from_secs(2);

async fn run(facts: Arc<Facts>) -> Outcome {
    let url = facts.config.cluster_rpc.is_some();
    let link = match facts.api().await {
        Ok(l) => l,
        Err(why) if url => return Outcome::fail("the URL cannot be used").because(why),
        Err(why) => {
            return Outcome::skipped(why).run("name it", "sp1top doctor --cluster-rpc http://HOST:50051");
        }
    };
    let ns = facts.namespace();
    let question = ProofRequestListRequest { limit: Some(1), ..ProofRequestListRequest::default() };
    let pending = ProofRequestListRequest {
        proof_status: vec![ProofRequestStatus::Pending.into()],
        minimum_deadline: Some(u64::try_from(wall().secs()).unwrap_or(0)),
        limit: Some(1000),
        ..ProofRequestListRequest::default()
    };
    let (health, list, pending) = tokio::join!(
        call::<_, ()>(&link, "/cluster.ClusterService/Healthcheck", &()),
        call::<_, ProofRequestListResponse>(&link, "/cluster.ClusterService/ProofRequestList", &question),
        call::<_, ProofRequestListResponse>(&link, "/cluster.ClusterService/ProofRequestList", &pending),
    );
    let pending = pending.map_or(0, |a| a.message.proof_requests.len());
    match (health, list) {
        (health, Ok(a)) => {
            let rows = if a.message.proof_requests.is_empty() { "no proof requests yet" } else { "it lists proof requests" };
            let mut o = Outcome::pass(format!("answers within {}; {rows}", units::duration(a.took)));
            if let Err((_, why)) = health {
                o.add(Status::Warn, format!("Healthcheck fails: {why}"));
            }
            // F29: the coordinator lists a thousand; those beyond are not claimed, or dropped.
            if pending > CROWDED {
                o.add(Status::Warn, format!("{pending} requests are pending; the coordinator sees a thousand at most, and drops proofs beyond that (up to v2.7.0)"));
                o = o.run("cancel what nobody waits for", "sp1top proofs list --status pending");
            }
            if a.took > SLOW {
                o.add(Status::Warn, format!("one row took {}: the database is slow or its table very large", units::duration(a.took)));
            }
            o
        }
        (Ok(_), Err((_, why))) => Outcome::fail("it serves, but cannot list proof requests")
            .because(format!("{why}: its database does not answer"))
            .run("look at Postgres", format!("kubectl get pods -n {ns} -l app.kubernetes.io/name=postgresql"))
            .run("and at the API's log", format!("kubectl logs deploy/api -n {ns} --tail=30")),
        (Err(_), Err((_, why))) => {
            let o = Outcome::fail("it does not answer").because(why);
            if url {
                o.say("is the URL (--cluster-rpc or CLI_CLUSTER_RPC) that of the API, with http:// in front, and reachable from here? a kubectl port-forward that dropped is the usual reason")
            } else {
                o.run("read its log", format!("kubectl logs deploy/api -n {ns} --tail=30"))
            }
        }
    }
}
