//! `proofs`: the requests of the cluster, ours and others'.

mod list;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::args::{Look, Place};
use super::client::{self, Client, out_path, printer};
use super::prover_args::{AttachArgs, CancelArgs, FetchArgs, ProofsArgs, ProofsCommand, StoreArgs};
use super::{Failure, Outcome, print};
use crate::base::Timestamp;
use crate::event::ProofMode;
use crate::prover::drive::{DriveOptions, adopt, end_of};
use crate::prover::job::{Job, JobState};
use crate::prover::journal::Journal;
use crate::prover::settings::Settings;
use crate::prover::store::Store;
use crate::prover::update::{Step, Update};
use crate::sources::hub::{Clock as _, WallClock};

pub(super) fn run(args: &ProofsArgs, place: &Place, look: &Look) -> Outcome {
    match &args.command {
        ProofsCommand::List(a) => list::run(a, place),
        ProofsCommand::Attach(a) => attach(a, place, look),
        ProofsCommand::Cancel(a) => cancel(a, place, look),
        ProofsCommand::Fetch(a) => fetch(a, place),
    }
}

fn env_file(path: Option<&Path>) -> StoreArgs {
    StoreArgs { env_file: path.map(Path::to_owned), ..StoreArgs::default() }
}

/// The job of that id, from the journal or from the API. One that another client
/// made is written into the journal when it is taken on.
fn find(id: &str, out: Option<&Path>, journal: &Journal, client: &Client, settings: &Settings) -> Result<Job, Failure> {
    if let Some(mut job) = journal.load(id)? {
        same_cluster(&job, client)?;
        if out.is_some() {
            job.out = out_path(out, id);
        }
        return Ok(job);
    }
    let Some(row) = client.block_on(client.api.get(id))? else {
        return Err(Failure::from(format!(
            "the API ({}) knows no proof {id}, nor does the journal ({}); see sp1top proofs list",
            client.cluster,
            journal.dir().display()
        )));
    };
    let store = settings.store().map(|s| s.describe()).unwrap_or_default();
    Ok(adopt(&row, &client.cluster, &store, out_path(out, id))?)
}

/// Writes down what the journal does not know yet.
fn keep(journal: &Journal, job: &Job) -> Result<(), String> {
    if journal.load(&job.proof_id)?.as_ref() == Some(job) { Ok(()) } else { journal.create(job, &[]) }
}

/// A request must not be sent to another cluster than the one that may have it.
fn same_cluster(job: &Job, client: &Client) -> Result<(), Failure> {
    if job.cluster == client.cluster {
        return Ok(());
    }
    if job.state < JobState::Submitted {
        return Err(Failure::from(format!(
            "{} was begun for {} and not for {}; give that one's address with --cluster-rpc, or drop it with: sp1top proofs cancel {}",
            job.proof_id, job.cluster, client.cluster, job.proof_id
        )));
    }
    eprintln!("sp1top: note: {} was sent to {}; it is looked for at {}", job.proof_id, job.cluster, client.cluster);
    Ok(())
}

/// The store where one is set; an error only where it is needed or half set.
fn store_of(settings: &Settings, client: &Client, needed: bool) -> Result<Option<Store>, Failure> {
    match settings.store() {
        Ok(config) => Ok(Some(client.block_on(Store::open(&config))?)),
        Err(e) if needed => Err(Failure::usage(e)),
        Err(_) => Ok(None),
    }
}

/// Whether it will have to be written to or read from: what ended without a
/// proof has nothing there.
const fn needs_store(job: &Job, fetch: bool) -> bool {
    match job.state {
        JobState::Planned | JobState::Uploaded => true,
        JobState::Submitting | JobState::Submitted | JobState::Completed => fetch,
        _ => false,
    }
}

fn attach(args: &AttachArgs, place: &Place, look: &Look) -> Outcome {
    let settings = client::settings(&args.store)?;
    let journal = client::journal()?;
    let (all, bad) = journal.all();
    for b in bad {
        eprintln!("sp1top: note: {b}");
    }
    let open: Vec<Job> = all.into_iter().filter(|j| !j.state.is_over()).collect();
    if args.id.is_none() && open.is_empty() {
        return print("nothing is open: every job of the journal is over\n");
    }
    let mut client = Client::open(place, &settings)?;
    // Asked for before a store is: an id that nobody knows needs none.
    let mut jobs = match &args.id {
        Some(id) => vec![find(id, args.out.as_deref(), &journal, &client, &settings)?],
        None => open.into_iter().filter(|j| j.cluster == client.cluster).collect(),
    };
    if look.read_only {
        jobs.retain(|j| j.state >= JobState::Submitted);
    }
    let store = store_of(&settings, &client, jobs.iter().any(|j| needs_store(j, !args.no_fetch)))?;
    for job in &jobs {
        keep(&journal, job)?;
    }
    // The oldest first.
    jobs.reverse();
    let tell = printer(args.output, &client.sights);
    for job in &jobs {
        tell(Update::of(job, WallClock.now(), Step::Resumed));
    }
    client.watch(&jobs, &tell);
    let options = DriveOptions { fetch: !args.no_fetch, ..DriveOptions::default() };
    let driver = client.driver(store, journal, options, Arc::clone(&tell));
    client.drive(&driver, jobs)
}

fn fetch(args: &FetchArgs, place: &Place) -> Outcome {
    let settings = client::settings(&args.store)?;
    let journal = client::journal()?;
    let client = Client::open(place, &settings)?;
    let mut job = find(&args.id, args.out.as_deref(), &journal, &client, &settings)?;
    if job.state == JobState::Fetched {
        // Again: the file may be gone, or is wanted elsewhere.
        job.state = JobState::Completed;
    }
    if matches!(job.state, JobState::Submitted | JobState::Submitting) {
        let row = client.block_on(client.api.get(&job.proof_id))?;
        match row.as_ref().and_then(end_of) {
            None => {
                return Err(Failure::from(format!("{0} is not complete yet; follow it with: sp1top proofs attach {0}", job.proof_id)));
            }
            // The rest is as when it is followed.
            Some(_) => job.state = JobState::Submitted,
        }
    }
    if job.state < JobState::Submitted {
        return Err(Failure::from(format!("{0} was never sent; go on with: sp1top proofs attach {0}", job.proof_id)));
    }
    if job.state.is_bad() {
        let why = job.failure.as_deref().unwrap_or("there is no proof");
        return Err(Failure { code: 5, text: format!("{} is {}: {why}", job.proof_id, job.state.as_str()) });
    }
    // Only what is there to be downloaded needs a store.
    let store = store_of(&settings, &client, true)?;
    keep(&journal, &job)?;
    let tell = printer(args.output, &client.sights);
    let driver = client.driver(store, journal, DriveOptions::default(), tell);
    client.drive(&driver, vec![job])
}

fn cancel(args: &CancelArgs, place: &Place, look: &Look) -> Outcome {
    client::may_write(look, "proofs cancel")?;
    let journal = client::journal()?;
    let settings = client::settings(&env_file(args.env_file.as_deref()))?;
    let job = journal.load(&args.id)?;
    let id = &args.id;
    if let Some(job) = &job
        && job.state < JobState::Submitting
    {
        confirm(args.yes, &format!("Drop {id} ({}, {}), which was not sent yet?", job.program, job.mode.as_str()))?;
        let Some(_hold) = journal.hold(id)? else {
            return Err(Failure::from(format!("another sp1top is sending {id} right now; stop it first, or cancel again in a moment")));
        };
        return dropped(&journal, job.clone());
    }
    let client = Client::open(place, &settings)?;
    let Some(row) = client.block_on(client.api.get(id))? else {
        if let Some(job) = job.filter(|j| j.state == JobState::Submitting) {
            return dropped(&journal, job);
        }
        return Err(Failure::from(format!("the API ({}) knows no proof {id}; see sp1top proofs list", client.cluster)));
    };
    if let Some(end) = end_of(&row) {
        return print(&format!("{id} is over already: {}\n", end.as_str()));
    }
    let mode = row.options_artifact_id.as_deref().and_then(|o| ProofMode::read(o.as_bytes())).map_or("proof", ProofMode::as_str);
    let age = WallClock.now().since(Timestamp::from_secs(i64::try_from(row.created_at).unwrap_or(0)));
    confirm(
        args.yes,
        &format!("Cancel {id} ({mode}, requested {} ago)? What was proved so far is lost.", crate::base::units::duration(age)),
    )?;
    let answer = client.block_on(client.api.cancel(id));
    let row = client.block_on(client.api.get(id))?;
    match row.as_ref().and_then(end_of) {
        Some(JobState::Cancelled) => {
            // Whoever follows it sees the same; a job that nobody follows is closed here.
            if let Some(mut job) = journal.load(id)?.filter(|j| !j.state.is_over())
                && let Some(_hold) = journal.hold(id)?
            {
                job.state = JobState::Cancelled;
                job.ended_at = Some(WallClock.now());
                journal.save(&job)?;
            }
            print(&format!("{id} is cancelled; the coordinator drops it within a second\n"))
        }
        Some(end) => print(&format!("{id} was over before: {}\n", end.as_str())),
        None => {
            answer?;
            Err(Failure::from(format!("the API took the cancellation and {id} is still pending; try again")))
        }
    }
}

fn dropped(journal: &Journal, mut job: Job) -> Outcome {
    job.state = JobState::Cancelled;
    job.ended_at = Some(WallClock.now());
    journal.save(&job)?;
    print(&format!("{} is dropped; it was never sent\n", job.proof_id))
}

/// Asks; No is the default. Without a terminal there is nobody to ask.
fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} There is no terminal to ask on: say --yes")));
    }
    eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::from("nothing was changed")) }
}
